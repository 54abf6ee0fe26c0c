// Products of bytes by vpdpbusd: unsigned levels of all 8 bits, added in 32 bits without saturation. Of
// AVX-512 VNNI, or of AVX-VNNI in registers of 256 bits.
#pragma once
#include "vectors.h"

namespace {

constexpr bool levelsAreSigned = false;
constexpr bool sumsArePairs = false;

CORRAL_INLINE IntReg pairProductsReg(IntReg a, IntReg b) {
#if defined(CORRAL_AVX512)
  return (IntReg)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#else
  return (IntReg)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#endif
}

template <int bits>
CORRAL_INLINE Ints addProducts(Ints pending, Ints levels, Ints four) {
#if defined(CORRAL_AVX512)
  pending.part[0] = (IntReg)_mm512_dpbusd_epi32(
      (__m512i)pending.part[0], (__m512i)levels.part[0], (__m512i)four.part[0]);
#else
  CORRAL_PARTS pending.part[p] = (IntReg)_mm256_dpbusd_avx_epi32(
      (__m256i)pending.part[p], (__m256i)levels.part[p], (__m256i)four.part[p]);
#endif
  return pending;
}

}  // namespace
