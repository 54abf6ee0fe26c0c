// Row ops between logits and the sampler.
#pragma once
#include "rows.h"

namespace {

void computeAdjustLogits(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Tensor &x = call.in[0], &out = call.out[0];
  const int32_t* where = (const int32_t*)call.in[1].data;
  const float* how = floatsOf(call.in[2]);
  const int64_t first = x.rows * chunk / chunks, end = x.rows * (chunk + 1) / chunks;
  memcpy(out.data + first * out.rowBytes, x.data + first * x.rowBytes,
         (size_t)((end - first) * x.rowBytes));
  for (int64_t i = 0; i < call.in[1].rows; i++) {
    const int64_t row = where[2 * i];
    if (row < first || row >= end) continue;
    float* logit = resultsOf(out) + row * out.columns + where[2 * i + 1];
    const float divided = *logit > 0 ? *logit / how[2 * i] : *logit * how[2 * i];
    *logit = divided + how[2 * i + 1];
  }
}

void computeMaskLogits(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Tensor &x = call.in[0], &bits = call.in[1];
  for (int64_t r = x.rows * chunk / chunks; r < x.rows * (chunk + 1) / chunks; r++) {
    const uint32_t* words = (const uint32_t*)bits.data + r * bits.columns;
    const float* from = floatsOf(x) + r * x.columns;
    float* to = resultsOf(call.out[0]) + r * x.columns;
    for (int64_t word = 0; word < bits.columns; word++) {
      const int64_t first = 32 * word, count = smallest(32, x.columns - first);
      for (int64_t i = 0; i < count; i++) {
        to[first + i] = (words[word] >> i & 1) != 0 ? from[first + i] : -INFINITY;
      }
    }
  }
}

// A heap of candidates with the worst at its root: lowest value, highest id among equals.
struct Candidates {
  float* values;
  int32_t* ids;
};

CORRAL_INLINE bool isWorse(const Candidates& heap, int64_t a, int64_t b) {
  return heap.values[a] < heap.values[b] ||
         (heap.values[a] == heap.values[b] && heap.ids[a] > heap.ids[b]);
}

CORRAL_INLINE void swapCandidates(const Candidates& heap, int64_t a, int64_t b) {
  const float value = heap.values[a];
  const int32_t id = heap.ids[a];
  heap.values[a] = heap.values[b];
  heap.ids[a] = heap.ids[b];
  heap.values[b] = value;
  heap.ids[b] = id;
}

void siftDown(const Candidates& heap, int64_t at, int64_t size) {
  for (;;) {
    int64_t worst = at;
    for (int64_t child = 2 * at + 1; child <= 2 * at + 2 && child < size; child++) {
      if (isWorse(heap, child, worst)) worst = child;
    }
    if (worst == at) return;
    swapCandidates(heap, at, worst);
    at = worst;
  }
}

// The heap lies in the output itself; sixteen values at a time are compared with its root.
void selectTop(const float* x, int64_t n, int64_t k, const Candidates& heap) {
  const int64_t size = smallest(n, k);
  for (int64_t i = 0; i < size; i++) {
    heap.values[i] = x[i] == x[i] ? x[i] : -INFINITY;
    heap.ids[i] = (int32_t)i;
  }
  for (int64_t i = size; i < k; i++) {
    heap.values[i] = -INFINITY;
    heap.ids[i] = -1;
  }
  for (int64_t i = size / 2 - 1; i >= 0; i--) siftDown(heap, i, size);
  for (int64_t i = size; i < n; i += lanes) {
    const int64_t rest = smallest(lanes, n - i);
    const Vec v = rest == lanes ? load(x + i) : loadFirst(x + i, rest, -INFINITY);
    for (uint32_t above = greater(v, splat(heap.values[0])); above != 0; above &= above - 1) {
      const int64_t at = i + __builtin_ctz(above);
      if (!(x[at] > heap.values[0])) continue;
      heap.values[0] = x[at];
      heap.ids[0] = (int32_t)at;
      siftDown(heap, 0, size);
    }
  }
  for (int64_t left = size - 1; left > 0; left--) {
    swapCandidates(heap, 0, left);
    siftDown(heap, 0, left);
  }
}

void computeTopK(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Tensor& x = call.in[0];
  const int64_t k = (int64_t)call.attributes[0];
  for (int64_t r = x.rows * chunk / chunks; r < x.rows * (chunk + 1) / chunks; r++) {
    const Candidates heap = {resultsOf(call.out[0]) + r * k, (int32_t*)call.out[1].data + r * k};
    selectTop(floatsOf(x) + r * x.columns, x.columns, k, heap);
  }
}

// Blocks of 256 sum in f32 lanes, the blocks in f64.
double logSumExpOf(const float* x, int64_t n, float factor) {
  const Vec factors = splat(factor);
  Vec highest = splat(-INFINITY);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) highest = atLeast(highest, load(x + i) * factors);
  float most = reduceMax(highest);
  for (; i < n; i++) most = x[i] * factor > most ? x[i] * factor : most;
  const Vec base = splat(most);
  double total = 0;
  for (int64_t start = 0; start < n; start += 256) {
    const int64_t end = smallest(n, start + 256);
    Vec sum = splat(0.0f);
    for (i = start; i + lanes <= end; i += lanes) {
      sum = sum + exponential(load(x + i) * factors - base);
    }
    total += (double)reduce(sum);
    for (; i < end; i++) total += (double)exponentialOf(x[i] * factor - most);
  }
  return log(total) + (double)most;
}

void computeLogSumExp(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Tensor& x = call.in[0];
  for (int64_t r = x.rows * chunk / chunks; r < x.rows * (chunk + 1) / chunks; r++) {
    resultsOf(call.out[0])[r] =
        (float)logSumExpOf(floatsOf(x) + r * x.columns, x.columns, floatsOf(call.in[1])[r]);
  }
}

void computePick(const Call& call, int64_t, int64_t, uint8_t*) {
  const Tensor& x = call.in[0];
  const int32_t* ids = (const int32_t*)call.in[1].data;
  for (int64_t r = 0; r < x.rows; r++) {
    resultsOf(call.out[0])[r] = floatsOf(x)[r * x.columns + ids[r]];
  }
}

}  // namespace
