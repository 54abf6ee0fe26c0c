// Integer dot products, sixteen columns at a time: each 32-bit lane holds four levels of one column,
// which meet the same four activations. Every sum here is exact, so all instruction sets agree on it
// to the last bit. Knows nothing of weight types.
#pragma once
#include "../simd.h"

namespace {

// Register by register: as one struct, compilers copy it in pieces that no load can be forwarded from.
CORRAL_INLINE Ints loadInts(const void* from) {
  Ints v;
  CORRAL_PARTS memcpy(&v.part[p], (const uint8_t*)from + p * sizeof(IntReg), sizeof(IntReg));
  return v;
}

CORRAL_INLINE void storeInts(void* to, Ints v) {
  CORRAL_PARTS memcpy((uint8_t*)to + p * sizeof(IntReg), &v.part[p], sizeof(IntReg));
}

CORRAL_INLINE Ints operator^(Ints a, int32_t mask) {
  CORRAL_PARTS a.part[p] ^= mask;
  return a;
}

CORRAL_INLINE Ints operator&(Ints a, Ints b) {
  CORRAL_PARTS a.part[p] &= b.part[p];
  return a;
}

CORRAL_INLINE Ints operator*(Ints a, Ints b) {
  CORRAL_PARTS a.part[p] *= b.part[p];
  return a;
}

// A constant of four equal bytes.
constexpr int32_t bytesOf(int byte) { return (int32_t)((uint32_t)(byte & 255) * 0x01010101u); }

// Per lane: the products of two pairs of 16-bit numbers, added.
CORRAL_INLINE Ints pairProducts(Ints a, Ints b) {
#if defined(__AVX512F__)
  a.part[0] = (IntReg)_mm512_madd_epi16((__m512i)a.part[0], (__m512i)b.part[0]);
#elif defined(__AVX2__)
  CORRAL_PARTS a.part[p] = (IntReg)_mm256_madd_epi16((__m256i)a.part[p], (__m256i)b.part[p]);
#else
  CORRAL_PARTS a.part[p] = (a.part[p] << 16 >> 16) * (b.part[p] << 16 >> 16) +
                           (a.part[p] >> 16) * (b.part[p] >> 16);
#endif
  return a;
}

// A pair of 16-bit numbers for pairProducts().
CORRAL_INLINE Ints pairOf(Ints low, Ints high) { return (low & 0xffff) | (high << 16); }

// Levels of 8 bits are stored unsigned, and so is what vpdpbusd takes. vpmaddubsw would saturate on
// them: there they become signed again, and their signs move to the activations.
#if defined(__AVX2__) && !defined(__AVX512F__)
constexpr bool movesSigns = true;
#else
constexpr bool movesSigns = false;
#endif

// How many groups of four levels add up before their sums must be widened to 32 bits: vpmaddubsw adds
// in 16 bits, of which activations take 127 · 2 · the highest level each time.
constexpr int groupsBeforeWidening(int bits) {
  return !movesSigns ? 8 : bits == 4 ? 8 : bits == 5 ? 4 : bits == 6 ? 2 : 1;
}

// pending + levels · activations: 32-bit sums, or pairs of 16-bit ones that widen() makes whole.
template <int bits>
CORRAL_INLINE Ints addProducts(Ints pending, Ints levels, Ints four) {
#if defined(__AVX512F__)
  pending.part[0] = (IntReg)_mm512_dpbusd_epi32(
      (__m512i)pending.part[0], (__m512i)levels.part[0], (__m512i)four.part[0]);
#elif defined(__AVX2__)
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
#else
  for (int byte = 0; byte < 4; byte++) {
    const int up = 24 - 8 * byte;
    CORRAL_PARTS pending.part[p] +=
        ((levels.part[p] >> (8 * byte)) & 255) * (four.part[p] << up >> 24);
  }
#endif
  return pending;
}

// A factor for widen(), of sixteen integers of at most 16 bits.
CORRAL_INLINE Ints wideningFactor(Ints factor) {
  return movesSigns ? pairOf(factor, factor) : factor;
}

// sum + pending · factor
CORRAL_INLINE Ints widen(Ints sum, Ints pending, Ints factor) {
  return sum + (movesSigns ? pairProducts(pending, factor) : pending * factor);
}

// sum + pending
CORRAL_INLINE Ints widen(Ints sum, Ints pending) {
  return movesSigns ? sum + pairProducts(pending, splatInt(0x00010001)) : sum + pending;
}

}  // namespace
