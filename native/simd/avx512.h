// AVX-512 (F, BW, VL, DQ): sixteen floats in one register.
#pragma once
#include "registers.h"

namespace {

CORRAL_INLINE Reg splatReg(float x) { return (Reg)_mm512_set1_ps(x); }

CORRAL_INLINE Reg fmaReg(Reg a, Reg b, Reg c) {
  return (Reg)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}

CORRAL_INLINE Reg squareRootReg(Reg a) { return (Reg)_mm512_sqrt_ps((__m512)a); }

CORRAL_INLINE IntReg widenU8(const uint8_t* from) {
  return (IntReg)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i*)from));
}

CORRAL_INLINE IntReg widenI8(const uint8_t* from) {
  return (IntReg)_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i*)from));
}

CORRAL_INLINE IntReg widenU16(const uint8_t* from) {
  return (IntReg)_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)from));
}

// Sixteen integers that fit into bytes.
CORRAL_INLINE void storeBytes(int8_t* to, Ints v) {
  _mm_storeu_si128((__m128i*)to, _mm512_cvtepi32_epi8((__m512i)v.part[0]));
}

CORRAL_INLINE IntReg whereBitsReg(uint32_t bits, int32_t yes) {
  return (IntReg)_mm512_maskz_set1_epi32((__mmask16)bits, yes);
}

CORRAL_INLINE uint32_t greaterReg(Reg a, Reg b) {
  return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_GT_OQ);
}

CORRAL_INLINE float halfToFloat(uint16_t half) {
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(half)));
}

CORRAL_INLINE uint16_t floatToHalf(float value) {
  return (uint16_t)_mm_cvtsi128_si32(_mm_cvtps_ph(_mm_set_ss(value), _MM_FROUND_TO_NEAREST_INT));
}

CORRAL_INLINE Reg loadHalvesReg(const uint8_t* from) {
  return (Reg)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)from));
}

CORRAL_INLINE void storeHalvesReg(uint8_t* to, Reg r) {
  _mm256_storeu_si256((__m256i*)to, _mm512_cvtps_ph((__m512)r, _MM_FROUND_TO_NEAREST_INT));
}

CORRAL_INLINE Four foldToFour(Vec v) {
  const __m512 all = (__m512)v.part[0];
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(all), _mm512_extractf32x8_ps(all, 1));
  return (Four)_mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
}

CORRAL_INLINE Reg swapNeighboursReg(Reg r) { return (Reg)_mm512_permute_ps((__m512)r, 0xb1); }

}  // namespace
