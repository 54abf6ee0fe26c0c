// Functions of each element alone, comparisons, and dropout.
#pragma once
#include "rows.h"

namespace {

void computeExp(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  mapAlone(call, chunk, chunks, [](Vec x) { return exponential(x); });
}

void computeSquare(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  mapAlone(call, chunk, chunks, [](Vec x) { return x * x; });
}

void computeSqrt(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  mapAlone(call, chunk, chunks, [](Vec x) { return squareRoot(x); });
}

void computeReciprocal(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  mapAlone(call, chunk, chunks, [](Vec x) { return splat(1.0f) / x; });
}

void computeClip(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Vec low = splat((float)call.attributes[0]), high = splat((float)call.attributes[1]);
  mapAlone(call, chunk, chunks, [&](Vec x) { return atMost(atLeast(x, low), high); });
}

void computeFill(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Vec value = splat((float)call.attributes[0]);
  mapAlone(call, chunk, chunks, [&](Vec) { return value; });
}

// One by one in f64: for losses, which are a few numbers per sequence or token.
template <class F>
CORRAL_INLINE void mapDoubles(const Call& call, int64_t chunk, int64_t chunks, F f) {
  const Range part = rangeOf(elementsOf(call.in[0]), 1, chunk, chunks);
  for (int64_t i = part.first; i < part.end; i++) {
    resultsOf(call.out[0])[i] = (float)f((double)floatsOf(call.in[0])[i]);
  }
}

void computeLog(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  mapDoubles(call, chunk, chunks, [](double x) { return log(x); });
}

void computeLogSigmoid(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  mapDoubles(call, chunk, chunks,
             [](double x) { return (x > 0 ? 0 : x) - log1p(exp(-fabs(x))); });
}

void computeInside(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const double low = call.attributes[0], high = call.attributes[1];
  mapDoubles(call, chunk, chunks, [=](double x) { return x >= low && x <= high ? 1.0 : 0.0; });
}

void computeMinimum(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  mapRows(call, chunk, chunks, [](Vec x, Vec y) { return orNaN(atMost(x, y), y); });
}

void computeMaximum(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  mapRows(call, chunk, chunks, [](Vec x, Vec y) { return orNaN(atLeast(x, y), y); });
}

void computeNotAbove(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  mapRows(call, chunk, chunks, [](Vec x, Vec y) { return oneWhereAtMost(x, y); });
}

void computeNotBelow(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  mapRows(call, chunk, chunks, [](Vec x, Vec y) { return oneWhereAtMost(y, x); });
}

// Philox4x32-10 (Salmon et al., SC 2011): four words from a counter and a key, as base/random.ts.
CORRAL_INLINE void philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; round++) {
    const uint64_t a = (uint64_t)0xd2511f53 * c0, b = (uint64_t)0xcd9e8d57 * c2;
    c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
    c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)b;
    c3 = (uint32_t)a;
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

int64_t dropoutChunks(const Call& call, int threads) {
  // Four words cost as much as some sixty multiplications.
  const int64_t count = elementsOf(call.in[0]);
  return rowChunks(ceilDiv(count, 4), count * 15, threads);
}

// Element i is word i mod 4 of counter [i div 4, 0, site, 1]: apart from the sampler's, which end in 0.
void computeDropout(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const int64_t count = elementsOf(call.in[0]);
  const float* x = floatsOf(call.in[0]);
  float* out = resultsOf(call.out[0]);
  const uint32_t* key = (const uint32_t*)call.in[1].data;
  const double rate = call.attributes[0], kept = 1 - rate;
  const uint32_t site = (uint32_t)(int64_t)call.attributes[1];
  const Range part = rangeOf(count, 4, chunk, chunks);
  for (int64_t i = part.first; i < part.end; i += 4) {
    const uint32_t counter[4] = {(uint32_t)(i / 4), 0, site, 1};
    uint32_t words[4];
    philox(counter, key, words);
    for (int64_t lane = 0; lane < smallest(4, part.end - i); lane++) {
      const bool isDropped = (double)words[lane] < rate * 0x1p32;
      out[i + lane] = isDropped ? 0 : (float)((double)x[i + lane] / kept);
    }
  }
}

}  // namespace
