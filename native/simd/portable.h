// No instruction set at all: vectors of the compiler, four floats each, and plain loops. Multiply-adds
// round twice; halves are converted by integer arithmetic.
#pragma once
#include "registers.h"

namespace {

CORRAL_INLINE Reg splatReg(float x) { return Reg{x, x, x, x}; }

CORRAL_INLINE Reg fmaReg(Reg a, Reg b, Reg c) { return a * b + c; }

CORRAL_INLINE Reg squareRootReg(Reg a) {
  for (int i = 0; i < regLanes; i++) a[i] = __builtin_sqrtf(a[i]);
  return a;
}

template <class From>
CORRAL_INLINE IntReg widenAll(const uint8_t* from) {
  typedef From Narrow __attribute__((vector_size(regLanes * sizeof(From))));
  Narrow narrow;
  memcpy(&narrow, from, sizeof narrow);
  return __builtin_convertvector(narrow, IntReg);
}

CORRAL_INLINE IntReg widenU8(const uint8_t* from) { return widenAll<uint8_t>(from); }
CORRAL_INLINE IntReg widenI8(const uint8_t* from) { return widenAll<int8_t>(from); }
CORRAL_INLINE IntReg widenU16(const uint8_t* from) { return widenAll<uint16_t>(from); }

// Sixteen integers that fit into bytes.
CORRAL_INLINE void storeBytes(int8_t* to, Ints v) {
  for (int i = 0; i < lanes; i++) to[i] = (int8_t)v.part[i / regLanes][i % regLanes];
}

CORRAL_INLINE IntReg whereBitsReg(uint32_t bits, int32_t yes) {
  const IntReg bit = {1, 2, 4, 8};
  return ((IntReg{} + (int32_t)bits) & bit) != 0 ? IntReg{} + yes : IntReg{};
}

CORRAL_INLINE uint32_t greaterReg(Reg a, Reg b) {
  uint32_t bits = 0;
  for (int i = 0; i < regLanes; i++) bits |= (uint32_t)(a[i] > b[i]) << i;
  return bits;
}

// Exponent and mantissa moved into place are the value times 2^-112, also when it is subnormal;
// infinities and NaNs then get the highest exponent.
CORRAL_INLINE float halfToFloat(uint16_t half) {
  uint32_t bits = (uint32_t)(half & 0x7fff) << 13;
  float value;
  memcpy(&value, &bits, 4);
  value *= 0x1p112f;
  memcpy(&bits, &value, 4);
  if ((half & 0x7c00) == 0x7c00) bits |= 0x7f800000;
  bits |= (uint32_t)(half & 0x8000) << 16;
  memcpy(&value, &bits, 4);
  return value;
}

CORRAL_INLINE uint16_t floatToHalf(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  const uint16_t sign = (uint16_t)((bits >> 16) & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // From 65520 on, the nearest half is infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Subnormal: adding 1/2 makes the FPU round at bit 2^-24.
    float rounded;
    memcpy(&rounded, &magnitude, 4);
    rounded += 0.5f;
    uint32_t out;
    memcpy(&out, &rounded, 4);
    return sign | (uint16_t)(out - 0x3f000000);
  }
  const uint32_t odd = (magnitude >> 13) & 1;
  return sign | (uint16_t)((magnitude - 0x38000000 + 0xfff + odd) >> 13);
}

// As halfToFloat().
CORRAL_INLINE Reg loadHalvesReg(const uint8_t* from) {
  const IntReg halves = widenU16(from);
  IntReg bits = (halves & 0x7fff) << 13;
  Reg value;
  memcpy(&value, &bits, sizeof value);
  value *= splatReg(0x1p112f);
  memcpy(&bits, &value, sizeof bits);
  const IntReg special = (halves & 0x7c00) == 0x7c00;
  bits |= (special & 0x7f800000) | ((halves & 0x8000) << 16);
  memcpy(&value, &bits, sizeof value);
  return value;
}

CORRAL_INLINE void storeHalvesReg(uint8_t* to, Reg r) {
  for (int i = 0; i < regLanes; i++) {
    const uint16_t half = floatToHalf(r[i]);
    memcpy(to + i * 2, &half, 2);
  }
}

CORRAL_INLINE Four foldToFour(Vec v) { return (v.part[0] + v.part[2]) + (v.part[1] + v.part[3]); }

CORRAL_INLINE Reg swapNeighboursReg(Reg r) { return CORRAL_PICK(r, r, 1, 0, 3, 2); }

}  // namespace
