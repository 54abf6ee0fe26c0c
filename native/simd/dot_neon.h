// Products of bytes by ARM's sdot: both signed, added in 32 bits. Levels of up to 6 bits are what they
// are as signed bytes; those of 8 become signed again.
#pragma once
#include "vectors.h"

namespace {

constexpr bool levelsAreSigned = true;
constexpr bool sumsArePairs = false;

CORRAL_INLINE IntReg pairProductsReg(IntReg a, IntReg b) {
  const int16x8_t x = (int16x8_t)a, y = (int16x8_t)b;
  const int32x4_t low = vmull_s16(vget_low_s16(x), vget_low_s16(y));
  return (IntReg)vpaddq_s32(low, vmull_high_s16(x, y));
}

template <int bits>
CORRAL_INLINE Ints addProducts(Ints pending, Ints levels, Ints four) {
  CORRAL_PARTS pending.part[p] = (IntReg)vdotq_s32(
      (int32x4_t)pending.part[p], (int8x16_t)levels.part[p], (int8x16_t)four.part[p]);
  return pending;
}

}  // namespace
