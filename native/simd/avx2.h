// AVX2 with FMA and F16C: sixteen floats in two registers.
#pragma once
#include "registers.h"

namespace {

CORRAL_INLINE Reg splatReg(float x) { return (Reg)_mm256_set1_ps(x); }

CORRAL_INLINE Reg fmaReg(Reg a, Reg b, Reg c) {
  return (Reg)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}

CORRAL_INLINE Reg squareRootReg(Reg a) { return (Reg)_mm256_sqrt_ps((__m256)a); }

CORRAL_INLINE IntReg widenU8(const uint8_t* from) {
  return (IntReg)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)from));
}

CORRAL_INLINE IntReg widenI8(const uint8_t* from) {
  return (IntReg)_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i*)from));
}

CORRAL_INLINE IntReg widenU16(const uint8_t* from) {
  return (IntReg)_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i*)from));
}

// Sixteen integers that fit into bytes.
CORRAL_INLINE void storeBytes(int8_t* to, Ints v) {
  const __m256i pairs = _mm256_packs_epi32((__m256i)v.part[0], (__m256i)v.part[1]);
  const __m256i ordered = _mm256_permute4x64_epi64(pairs, 0xd8);
  _mm_storeu_si128((__m128i*)to, _mm_packs_epi16(_mm256_castsi256_si128(ordered),
                                                 _mm256_extracti128_si256(ordered, 1)));
}

CORRAL_INLINE IntReg whereBitsReg(uint32_t bits, int32_t yes) {
  const IntReg bit = {1, 2, 4, 8, 16, 32, 64, 128};
  return ((IntReg{} + (int32_t)bits) & bit) != 0 ? IntReg{} + yes : IntReg{};
}

CORRAL_INLINE uint32_t greaterReg(Reg a, Reg b) {
  return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps((__m256)a, (__m256)b, _CMP_GT_OQ));
}

CORRAL_INLINE float halfToFloat(uint16_t half) {
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(half)));
}

CORRAL_INLINE uint16_t floatToHalf(float value) {
  return (uint16_t)_mm_cvtsi128_si32(_mm_cvtps_ph(_mm_set_ss(value), _MM_FROUND_TO_NEAREST_INT));
}

CORRAL_INLINE Reg loadHalvesReg(const uint8_t* from) {
  return (Reg)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)from));
}

CORRAL_INLINE void storeHalvesReg(uint8_t* to, Reg r) {
  _mm_storeu_si128((__m128i*)to, _mm256_cvtps_ph((__m256)r, _MM_FROUND_TO_NEAREST_INT));
}

CORRAL_INLINE Four foldToFour(Vec v) {
  const __m256 eight = _mm256_add_ps((__m256)v.part[0], (__m256)v.part[1]);
  return (Four)_mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
}

CORRAL_INLINE Reg swapNeighboursReg(Reg r) { return (Reg)_mm256_permute_ps((__m256)r, 0xb1); }

}  // namespace
