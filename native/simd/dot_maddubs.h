// Products of bytes by AVX2's vpmaddubsw, which adds neighbours in 16 bits and saturates. Unsigned levels
// of 8 bits would overflow at once: they become signed again, and their signs move to the activations
// (at most 2 · 128 · 127).
#pragma once
#include "vectors.h"

namespace {

constexpr bool levelsAreSigned = true;
constexpr bool sumsArePairs = true;

CORRAL_INLINE IntReg pairProductsReg(IntReg a, IntReg b) {
  return (IntReg)_mm256_madd_epi16((__m256i)a, (__m256i)b);
}

template <int bits>
CORRAL_INLINE Ints addProducts(Ints pending, Ints levels, Ints four) {
  CORRAL_PARTS {
    const __m256i a = (__m256i)levels.part[p], b = (__m256i)four.part[p];
    const __m256i products = bits == 8
                                 ? _mm256_maddubs_epi16(_mm256_abs_epi8(a), _mm256_sign_epi8(b, a))
                                 : _mm256_maddubs_epi16(a, b);
    __m256i sum = _mm256_add_epi16((__m256i)pending.part[p], products);
    // Else GCC makes a tree of the chain of sums, and keeps all its leaves in memory: half as fast.
    __asm__("" : "+x"(sum));
    pending.part[p] = (IntReg)sum;
  }
  return pending;
}

}  // namespace
