// AVX-512 by SIMDe, for CPUs that have none, and in plain loops the few intrinsics it lacks (0.7.4).
#pragma once
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <stdint.h>
#include <string.h>

#define __AVX2__ 1
#define __F16C__ 1
#define __AVX512F__ 1

typedef uint16_t __mmask16;

namespace emulated {

// Each of `count` elements of type From, made a To.
template <class To, class From, int count, class Out, class In>
inline Out convert(In in) {
  From from[count];
  To to[count];
  memcpy(from, &in, sizeof from);
  for (int i = 0; i < count; i++) to[i] = (To)from[i];
  Out out;
  memcpy(&out, to, sizeof out);
  return out;
}

inline __m512i pairProducts(__m512i a, __m512i b) {
  int16_t x[32], y[32];
  int32_t sums[16];
  memcpy(x, &a, sizeof x);
  memcpy(y, &b, sizeof y);
  for (int i = 0; i < 16; i++) sums[i] = x[2 * i] * y[2 * i] + x[2 * i + 1] * y[2 * i + 1];
  __m512i out;
  memcpy(&out, sums, sizeof out);
  return out;
}

inline __m512 fromHalves(__m256i halves) {
  __m128i half[2];
  __m512 out;
  memcpy(half, &halves, sizeof half);
  for (int i = 0; i < 2; i++) {
    const __m256 floats = _mm256_cvtph_ps(half[i]);
    memcpy((char*)&out + 32 * i, &floats, 32);
  }
  return out;
}

inline __m256 upperHalf(__m512 all) {
  __m256 out;
  memcpy(&out, (char*)&all + 32, sizeof out);
  return out;
}

inline __m512 swapNeighbours(__m512 all) {
  float from[16], to[16];
  memcpy(from, &all, sizeof from);
  for (int i = 0; i < 16; i++) to[i] = from[i ^ 1];
  memcpy(&all, to, sizeof all);
  return all;
}

}  // namespace emulated

#undef _mm512_madd_epi16
#undef _mm512_cvtps_ph
#define _mm512_madd_epi16(a, b) emulated::pairProducts(a, b)
#define _mm512_cvtepi32_epi8(a) (emulated::convert<int8_t, int32_t, 16, __m128i, __m512i>(a))
#define _mm512_cvtepi8_epi32(a) (emulated::convert<int32_t, int8_t, 16, __m512i, __m128i>(a))
#define _mm512_cvtepu8_epi32(a) (emulated::convert<int32_t, uint8_t, 16, __m512i, __m128i>(a))
#define _mm512_cvtepu16_epi32(a) (emulated::convert<int32_t, uint16_t, 16, __m512i, __m256i>(a))
#define _mm512_cvtph_ps(a) emulated::fromHalves(a)
#define _mm512_extractf32x8_ps(a, part) emulated::upperHalf(a)
#define _mm512_permute_ps(a, order) emulated::swapNeighbours(a)
// Stores of halves are no part of the products.
#define _mm512_cvtps_ph(a, rounding) ((void)(a), _mm256_setzero_si256())
