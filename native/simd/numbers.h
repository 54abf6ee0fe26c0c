// Sixteen bytes, shorts, halves or bfloats in memory, as lanes.
#pragma once
#include "vectors.h"

namespace {

CORRAL_INLINE Ints loadU8(const uint8_t* from) {
  Ints v;
  CORRAL_PARTS v.part[p] = widenU8(from + p * regLanes);
  return v;
}

CORRAL_INLINE Ints loadI8(const uint8_t* from) {
  Ints v;
  CORRAL_PARTS v.part[p] = widenI8(from + p * regLanes);
  return v;
}

CORRAL_INLINE Ints loadU16(const uint8_t* from) {
  Ints v;
  CORRAL_PARTS v.part[p] = widenU16(from + p * regLanes * 2);
  return v;
}

CORRAL_INLINE float loadHalf(const uint8_t* from) {
  uint16_t half;
  memcpy(&half, from, 2);
  return halfToFloat(half);
}

CORRAL_INLINE Vec loadHalves(const uint8_t* from) {
  Vec v;
  CORRAL_PARTS v.part[p] = loadHalvesReg(from + p * regLanes * 2);
  return v;
}

// Nearest, ties to even.
CORRAL_INLINE void storeHalves(uint8_t* to, Vec v) {
  CORRAL_PARTS storeHalvesReg(to + p * regLanes * 2, v.part[p]);
}

CORRAL_INLINE Vec loadBfloats(const uint8_t* from) { return asFloat(loadU16(from) << 16); }

}  // namespace
