// AVX-VNNI's one instruction in plain loops, beside the AVX2 that the CPU has.
#pragma once
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define __AVXVNNI__ 1

namespace emulated {

// Sums in 32 bits of four products each, unsigned times signed, without saturation.
inline __m256i addProducts(__m256i sums, __m256i levels, __m256i activations) {
  int32_t sum[8];
  uint8_t a[32];
  int8_t b[32];
  memcpy(sum, &sums, sizeof sum);
  memcpy(a, &levels, sizeof a);
  memcpy(b, &activations, sizeof b);
  for (int i = 0; i < 32; i++) sum[i / 4] += a[i] * b[i];
  memcpy(&sums, sum, sizeof sum);
  return sums;
}

}  // namespace emulated

#define _mm256_dpbusd_avx_epi32(sums, a, b) emulated::addProducts(sums, a, b)
