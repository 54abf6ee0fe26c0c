// Sums over elements, rows and segments. What is summed is cut into blocks of a fixed size; blocks
// are summed by whoever comes first, and their sums in order: the same bits on any number of threads.
#pragma once
#include "rows.h"

namespace {

// Elements of a block of a sum over all.
constexpr int64_t blockElements = 1 << 14;
// Rows of a block of a sum over rows.
constexpr int64_t blockRows = 64;

int64_t twoStages(const Call&) { return 2; }

// Σ f(x[i], y[i]): runs of 256 in f32 lanes, the runs in f64.
template <class F>
CORRAL_INLINE double sumOf(const float* x, const float* y, int64_t count, F f) {
  constexpr int64_t run = 256;
  double total = 0;
  for (int64_t start = 0; start < count; start += run) {
    const int64_t end = smallest(count, start + run);
    Vec sum = splat(0.0f);
    int64_t i = start;
    for (; i + lanes <= end; i += lanes) sum = sum + f(load(x + i), load(y + i));
    if (i < end) {
      sum = sum + f(loadFirst(x + i, end - i, 0.0f), loadFirst(y + i, end - i, 0.0f));
    }
    total += (double)reduce(sum);
  }
  return total;
}

int64_t sumAllChunks(const Call& call, int threads) {
  const int64_t blocks = ceilDiv(elementsOf(call.in[0]), blockElements);
  return call.stage == 1 ? 1 : largest(1, smallest(blocks, threads * 4));
}

size_t sumAllShared(const Call& call) {
  return (size_t)ceilDiv(elementsOf(call.in[0]), blockElements) * sizeof(double);
}

template <class F>
CORRAL_INLINE void sumAll(const Call& call, int64_t chunk, int64_t chunks, double factor, F f) {
  const int64_t count = elementsOf(call.in[0]);
  const int64_t blocks = ceilDiv(count, blockElements);
  double* sums = (double*)call.shared;
  if (call.stage == 0) {
    for (int64_t b = blocks * chunk / chunks; b < blocks * (chunk + 1) / chunks; b++) {
      const int64_t first = b * blockElements;
      sums[b] = sumOf(floatsOf(call.in[0]) + first, floatsOf(call.in[1]) + first,
                      smallest(blockElements, count - first), f);
    }
    return;
  }
  double total = 0;
  for (int64_t b = 0; b < blocks; b++) total += sums[b];
  resultsOf(call.out[0])[0] = (float)(total * factor);
}

// Sums of one operand take it as their second too.
template <class F>
CORRAL_INLINE void sumAlone(const Call& call, int64_t chunk, int64_t chunks, double factor, F f) {
  Call twice = call;
  twice.in[1] = call.in[0];
  sumAll(twice, chunk, chunks, factor, [&](Vec x, Vec) { return f(x); });
}

void computeDot(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  sumAll(call, chunk, chunks, 1, [](Vec x, Vec y) { return x * y; });
}

void computeSum(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  sumAlone(call, chunk, chunks, 1, [](Vec x) { return x; });
}

void computeMean(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  sumAlone(call, chunk, chunks, 1.0 / (double)elementsOf(call.in[0]), [](Vec x) { return x; });
}

void computeSumSquares(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  sumAlone(call, chunk, chunks, 1, [](Vec x) { return x * x; });
}

// Sums over rows: each block of rows has `width` sums in the shared memory, which the second stage
// adds up.

CORRAL_INLINE size_t rowSumsShared(int64_t rows, int64_t width) {
  return (size_t)(ceilDiv(rows, blockRows) * width) * sizeof(float);
}

CORRAL_INLINE int64_t rowSumsChunks(const Call& call, int64_t rows, int64_t width, int threads) {
  const int64_t blocks = ceilDiv(rows, blockRows);
  if (call.stage == 1) return rowChunks(ceilDiv(width, lanes), blocks * width, threads);
  return rowChunks(blocks, rows * width, threads);
}

CORRAL_INLINE void addRowSums(const Call& call, int64_t rows, int64_t width, float* out,
                              int64_t chunk, int64_t chunks) {
  const int64_t blocks = ceilDiv(rows, blockRows);
  const float* sums = (const float*)call.shared;
  const Range part = rangeOf(width, lanes, chunk, chunks);
  for (int64_t i = part.first; i < part.end; i++) {
    double total = 0;
    for (int64_t b = 0; b < blocks; b++) total += (double)sums[b * width + i];
    out[i] = (float)total;
  }
}

int64_t sumRowsChunks(const Call& call, int threads) {
  return rowSumsChunks(call, call.in[0].rows, call.in[0].columns, threads);
}

size_t sumRowsShared(const Call& call) {
  return rowSumsShared(call.in[0].rows, call.in[0].columns);
}

void computeSumRows(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Tensor& x = call.in[0];
  const int64_t width = x.columns;
  if (call.stage == 1) {
    return addRowSums(call, x.rows, width, resultsOf(call.out[0]), chunk, chunks);
  }
  const int64_t blocks = ceilDiv(x.rows, blockRows);
  for (int64_t b = blocks * chunk / chunks; b < blocks * (chunk + 1) / chunks; b++) {
    float* sums = (float*)call.shared + b * width;
    memset(sums, 0, (size_t)width * sizeof(float));
    for (int64_t r = b * blockRows; r < smallest(x.rows, (b + 1) * blockRows); r++) {
      mapRow(sums, floatsOf(x) + r * width, sums, width, [](Vec sum, Vec v) { return sum + v; });
    }
  }
}

int64_t chunksOfOutput(const Call& call, int threads) {
  return rowChunks(call.out[0].rows, elementsOf(call.out[0]), threads);
}

void computeBroadcast(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Tensor &x = call.in[0], &out = call.out[0];
  const int64_t width = out.columns, wide = elementsOf(x);
  const Vec times = splat(call.attributes[0] == 0 ? 1.0f : (float)((double)elementsOf(out) / (double)wide));
  for (int64_t r = out.rows * chunk / chunks; r < out.rows * (chunk + 1) / chunks; r++) {
    float* to = resultsOf(out) + r * width;
    if (wide == width) {
      mapRow(floatsOf(x), floatsOf(x), to, width, [&](Vec v, Vec) { return v / times; });
    } else {
      const Vec all = splat(floatsOf(x)[0]) / times;
      mapRow(to, to, to, width, [&](Vec, Vec) { return all; });
    }
  }
}

// A chunk owns a range of segments, and meets their rows in order.
void computeSegmentSum(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Tensor &x = call.in[0], &out = call.out[0];
  const int32_t* segment = (const int32_t*)call.in[1].data;
  const int64_t width = out.columns;
  const Range owned = rangeOf(out.rows, 1, chunk, chunks);
  memset(resultsOf(out) + owned.first * width, 0, (size_t)(owned.size() * width) * sizeof(float));
  for (int64_t r = 0; r < x.rows; r++) {
    if (segment[r] < owned.first || segment[r] >= owned.end) continue;
    float* to = resultsOf(out) + segment[r] * width;
    mapRow(to, floatsOf(x) + r * width, to, width, [](Vec sum, Vec v) { return sum + v; });
  }
}

// Mean, and 1 / sqrt(variance + eps), of all elements in f64.
struct Moments {
  double mean, factor;
};

CORRAL_INLINE Moments momentsOf(const Tensor& tensor, double eps) {
  const int64_t count = elementsOf(tensor);
  const float* x = floatsOf(tensor);
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < count; i++) sum += (double)x[i];
  const double mean = sum / (double)count;
  for (int64_t i = 0; i < count; i++) squares += ((double)x[i] - mean) * ((double)x[i] - mean);
  return {mean, 1 / sqrt(squares / (double)count + eps)};
}

void computeWhiten(const Call& call, int64_t, int64_t, uint8_t*) {
  const float* x = floatsOf(call.in[0]);
  const Moments moments = momentsOf(call.in[0], call.attributes[0]);
  const double kept = call.attributes[1] == 1 ? moments.mean : 0;
  for (int64_t i = 0; i < elementsOf(call.in[0]); i++) {
    resultsOf(call.out[0])[i] = (float)(((double)x[i] - moments.mean) * moments.factor + kept);
  }
}

void computeWhitenGradient(const Call& call, int64_t, int64_t, uint8_t*) {
  const int64_t count = elementsOf(call.in[0]);
  const float *x = floatsOf(call.in[0]), *dy = floatsOf(call.in[1]);
  const Moments moments = momentsOf(call.in[0], call.attributes[0]);
  double sum = 0, product = 0;
  for (int64_t i = 0; i < count; i++) {
    sum += (double)dy[i];
    product += ((double)x[i] - moments.mean) * (double)dy[i];
  }
  const double slope = sum / (double)count;
  const double bend = product / (double)count * moments.factor * moments.factor * moments.factor;
  const double kept = call.attributes[1] == 1 ? slope : 0;
  for (int64_t i = 0; i < count; i++) {
    const double centred = (double)x[i] - moments.mean;
    resultsOf(call.out[0])[i] =
        (float)(((double)dy[i] - slope) * moments.factor - centred * bend + kept);
  }
}

}  // namespace
