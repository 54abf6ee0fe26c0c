// Arithmetic on sixteen lanes, register by register: written once over what each instruction set gives.
#pragma once
#include "registers.h"

#if defined(CORRAL_AVX512)
#include "avx512.h"
#elif defined(CORRAL_AVX2)
#include "avx2.h"
#elif defined(CORRAL_NEON)
#include "neon.h"
#else
#include "portable.h"
#endif

namespace {

CORRAL_INLINE Vec load(const float* from) {
  Vec v;
  CORRAL_PARTS v.part[p] = loadReg(from + p * regLanes);
  return v;
}

CORRAL_INLINE void store(float* to, Vec v) {
  CORRAL_PARTS storeReg(to + p * regLanes, v.part[p]);
}

CORRAL_INLINE Vec splat(float x) {
  Vec v;
  CORRAL_PARTS v.part[p] = splatReg(x);
  return v;
}

// The first `count` of 16 floats; the other lanes get `rest`. Reads nothing past them.
CORRAL_INLINE Vec loadFirst(const float* from, int64_t count, float rest) {
  float all[lanes];
  for (int i = 0; i < lanes; i++) all[i] = rest;
  memcpy(all, from, (size_t)count * sizeof(float));
  return load(all);
}

CORRAL_INLINE void storeFirst(float* to, Vec v, int64_t count) {
  if (count >= lanes) return store(to, v);
  float all[lanes];
  store(all, v);
  memcpy(to, all, (size_t)count * sizeof(float));
}

CORRAL_INLINE Vec operator+(Vec a, Vec b) {
  CORRAL_PARTS a.part[p] += b.part[p];
  return a;
}

CORRAL_INLINE Vec operator-(Vec a, Vec b) {
  CORRAL_PARTS a.part[p] -= b.part[p];
  return a;
}

CORRAL_INLINE Vec operator*(Vec a, Vec b) {
  CORRAL_PARTS a.part[p] *= b.part[p];
  return a;
}

CORRAL_INLINE Vec operator/(Vec a, Vec b) {
  CORRAL_PARTS a.part[p] /= b.part[p];
  return a;
}

// a · b + c, rounded once where the instruction set can.
CORRAL_INLINE Vec fma(Vec a, Vec b, Vec c) {
  CORRAL_PARTS c.part[p] = fmaReg(a.part[p], b.part[p], c.part[p]);
  return c;
}

// `a` where it is a NaN.
CORRAL_INLINE Vec atLeast(Vec a, Vec b) {
  CORRAL_PARTS a.part[p] = a.part[p] < b.part[p] ? b.part[p] : a.part[p];
  return a;
}

CORRAL_INLINE Vec atMost(Vec a, Vec b) {
  CORRAL_PARTS a.part[p] = a.part[p] > b.part[p] ? b.part[p] : a.part[p];
  return a;
}

// `b` where that is a NaN, else `a`.
CORRAL_INLINE Vec orNaN(Vec a, Vec b) {
  CORRAL_PARTS a.part[p] = b.part[p] != b.part[p] ? b.part[p] : a.part[p];
  return a;
}

// 1 where a <= b, else 0.
CORRAL_INLINE Vec oneWhereAtMost(Vec a, Vec b) {
  CORRAL_PARTS a.part[p] = a.part[p] <= b.part[p] ? splatReg(1.0f) : Reg{};
  return a;
}

CORRAL_INLINE Vec squareRoot(Vec a) {
  CORRAL_PARTS a.part[p] = squareRootReg(a.part[p]);
  return a;
}

// Lanes 2i and 2i + 1 change places.
CORRAL_INLINE Vec swapNeighbours(Vec v) {
  CORRAL_PARTS v.part[p] = swapNeighboursReg(v.part[p]);
  return v;
}

CORRAL_INLINE Ints splatInt(int32_t x) {
  Ints v;
  CORRAL_PARTS v.part[p] = IntReg{} + x;
  return v;
}

CORRAL_INLINE Ints operator+(Ints a, Ints b) {
  CORRAL_PARTS a.part[p] += b.part[p];
  return a;
}

CORRAL_INLINE Ints operator-(Ints a, Ints b) {
  CORRAL_PARTS a.part[p] -= b.part[p];
  return a;
}

CORRAL_INLINE Ints operator&(Ints a, int32_t mask) {
  CORRAL_PARTS a.part[p] &= mask;
  return a;
}

CORRAL_INLINE Ints operator|(Ints a, Ints b) {
  CORRAL_PARTS a.part[p] |= b.part[p];
  return a;
}

CORRAL_INLINE Ints operator<<(Ints a, int bits) {
  CORRAL_PARTS a.part[p] <<= bits;
  return a;
}

// Arithmetic: the sign comes in from the left.
CORRAL_INLINE Ints operator>>(Ints a, int bits) {
  CORRAL_PARTS a.part[p] >>= bits;
  return a;
}

CORRAL_INLINE Vec toFloat(Ints a) {
  Vec v;
  CORRAL_PARTS v.part[p] = __builtin_convertvector(a.part[p], Reg);
  return v;
}

CORRAL_INLINE Vec asFloat(Ints a) {
  Vec v;
  memcpy(&v, &a, sizeof v);
  return v;
}

CORRAL_INLINE Ints asInts(Vec a) {
  Ints v;
  memcpy(&v, &a, sizeof v);
  return v;
}

// `yes` in the lanes whose bit of `bits` is set, else 0. Bit i belongs to lane i.
CORRAL_INLINE Ints whereBits(uint32_t bits, int32_t yes) {
  Ints v;
  CORRAL_PARTS v.part[p] = whereBitsReg(bits >> (p * regLanes), yes);
  return v;
}

// Bit i is set where a[i] > b[i].
CORRAL_INLINE uint32_t greater(Vec a, Vec b) {
  uint32_t bits = 0;
  CORRAL_PARTS bits |= greaterReg(a.part[p], b.part[p]) << (p * regLanes);
  return bits;
}

}  // namespace
