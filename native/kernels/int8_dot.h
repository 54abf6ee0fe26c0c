// Integer dot products, sixteen columns at a time: each 32-bit lane holds four levels of one column,
// which meet the same four activations. Every sum here is exact, so all instruction sets agree on it
// to the last bit. Knows nothing of weight types.
//
// An instruction set gives pairProductsReg() and
//   addProducts<bits>(pending, levels, four): pending + levels · activations, as 32-bit sums, or, where
//     sumsArePairs, as pairs of 16-bit ones that widen() makes whole;
//   levelsAreSigned: levels of 8 bits, unsigned in memory, must become signed before.
#pragma once
#include "../simd.h"

#if defined(CORRAL_AVX512) || defined(__AVXVNNI__)
#include "../simd/dot_vnni.h"
#elif defined(CORRAL_AVX2)
#include "../simd/dot_maddubs.h"
#elif defined(CORRAL_NEON)
#include "../simd/dot_neon.h"
#else
#include "../simd/dot_portable.h"
#endif

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
  CORRAL_PARTS a.part[p] = pairProductsReg(a.part[p], b.part[p]);
  return a;
}

// A pair of 16-bit numbers for pairProducts().
CORRAL_INLINE Ints pairOf(Ints low, Ints high) { return (low & 0xffff) | (high << 16); }

// How many groups of four levels add up before their sums must be widened to 32 bits: pairs add in 16
// bits, of which activations take 127 · 2 · the highest level each time.
constexpr int groupsBeforeWidening(int bits) {
  return !sumsArePairs ? 8 : bits == 4 ? 8 : bits == 5 ? 4 : bits == 6 ? 2 : 1;
}

// A factor for widen(), of sixteen integers of at most 16 bits.
CORRAL_INLINE Ints wideningFactor(Ints factor) {
  return sumsArePairs ? pairOf(factor, factor) : factor;
}

// sum + pending · factor
CORRAL_INLINE Ints widen(Ints sum, Ints pending, Ints factor) {
  return sum + (sumsArePairs ? pairProducts(pending, factor) : pending * factor);
}

// sum + pending
CORRAL_INLINE Ints widen(Ints sum, Ints pending) {
  return sumsArePairs ? sum + pairProducts(pending, splatInt(0x00010001)) : sum + pending;
}

}  // namespace
