// NEON of ARMv8.2: sixteen floats in four registers.
#pragma once
#include "registers.h"

namespace {

CORRAL_INLINE Reg splatReg(float x) { return (Reg)vdupq_n_f32(x); }

CORRAL_INLINE Reg fmaReg(Reg a, Reg b, Reg c) {
  return (Reg)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}

CORRAL_INLINE Reg squareRootReg(Reg a) { return (Reg)vsqrtq_f32((float32x4_t)a); }

CORRAL_INLINE IntReg widenU8(const uint8_t* from) {
  uint32_t four;
  memcpy(&four, from, 4);
  const uint16x8_t wide = vmovl_u8(vcreate_u8(four));
  return (IntReg)vmovl_u16(vget_low_u16(wide));
}

CORRAL_INLINE IntReg widenI8(const uint8_t* from) {
  uint32_t four;
  memcpy(&four, from, 4);
  const int16x8_t wide = vmovl_s8(vcreate_s8(four));
  return (IntReg)vmovl_s16(vget_low_s16(wide));
}

CORRAL_INLINE IntReg widenU16(const uint8_t* from) {
  uint16x4_t halves;
  memcpy(&halves, from, sizeof halves);
  return (IntReg)vmovl_u16(halves);
}

// Sixteen integers that fit into bytes.
CORRAL_INLINE void storeBytes(int8_t* to, Ints v) {
  int16x4_t narrow[parts];
  CORRAL_PARTS narrow[p] = vmovn_s32((int32x4_t)v.part[p]);
  vst1_s8(to, vmovn_s16(vcombine_s16(narrow[0], narrow[1])));
  vst1_s8(to + 8, vmovn_s16(vcombine_s16(narrow[2], narrow[3])));
}

CORRAL_INLINE IntReg whereBitsReg(uint32_t bits, int32_t yes) {
  const uint32x4_t bit = {1, 2, 4, 8};
  return (IntReg)vtstq_u32(vdupq_n_u32(bits), bit) & yes;
}

CORRAL_INLINE uint32_t greaterReg(Reg a, Reg b) {
  const uint32x4_t bit = {1, 2, 4, 8};
  return vaddvq_u32(vandq_u32(vcgtq_f32((float32x4_t)a, (float32x4_t)b), bit));
}

CORRAL_INLINE float halfToFloat(uint16_t half) {
  __fp16 value;
  memcpy(&value, &half, 2);
  return (float)value;
}

CORRAL_INLINE uint16_t floatToHalf(float value) {
  const __fp16 rounded = (__fp16)value;
  uint16_t half;
  memcpy(&half, &rounded, 2);
  return half;
}

CORRAL_INLINE Reg loadHalvesReg(const uint8_t* from) {
  float16x4_t halves;
  memcpy(&halves, from, sizeof halves);
  return (Reg)vcvt_f32_f16(halves);
}

CORRAL_INLINE void storeHalvesReg(uint8_t* to, Reg r) {
  const float16x4_t halves = vcvt_f16_f32((float32x4_t)r);
  memcpy(to, &halves, sizeof halves);
}

CORRAL_INLINE Four foldToFour(Vec v) { return (v.part[0] + v.part[2]) + (v.part[1] + v.part[3]); }

CORRAL_INLINE Reg swapNeighboursReg(Reg r) { return (Reg)vrev64q_f32((float32x4_t)r); }

}  // namespace
