// Ops that work row by row on f32: element-wise ones, the norm, rotary positions and gathers.
// Fused forms call the same code as the ops they stand for, so their bits agree.
#pragma once
#include <math.h>

#include "matmul.h"

namespace {

CORRAL_INLINE int64_t elementsOf(const Tensor& tensor) { return tensor.rows * tensor.columns; }

CORRAL_INLINE const float* floatsOf(const Tensor& tensor) { return (const float*)tensor.data; }
CORRAL_INLINE float* resultsOf(const Tensor& tensor) { return (float*)tensor.data; }

int64_t chunksByRow(const Call& call, int threads) {
  return rowChunks(call.in[0].rows, elementsOf(call.in[0]), threads);
}

int64_t oneChunk(const Call&, int) { return 1; }

// out[i] = f(x[i], y[i]) over one row.
template <class F>
CORRAL_INLINE void mapRow(const float* x, const float* y, float* out, int64_t count, F f) {
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) store(out + i, f(load(x + i), load(y + i)));
  if (i < count) {
    const int64_t rest = count - i;
    storeFirst(out + i, f(loadFirst(x + i, rest, 0.0f), loadFirst(y + i, rest, 0.0f)), rest);
  }
}

// out[i] = f(x[i], y[i], z[i]) over one row.
template <class F>
CORRAL_INLINE void mapThree(const float* x, const float* y, const float* z, float* out,
                            int64_t count, F f) {
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    store(out + i, f(load(x + i), load(y + i), load(z + i)));
  }
  if (i < count) {
    const int64_t rest = count - i;
    storeFirst(out + i,
               f(loadFirst(x + i, rest, 0.0f), loadFirst(y + i, rest, 0.0f),
                 loadFirst(z + i, rest, 0.0f)),
               rest);
  }
}

// Rows of `width` that an operand has. A width of zero comes with vectors of no rows.
CORRAL_INLINE int64_t rowsOf(const Tensor& tensor, int64_t width) {
  return width == 0 ? 1 : elementsOf(tensor) / width;
}

// mapRow over a chunk of rows; a second operand with fewer rows is repeated.
template <class F>
CORRAL_INLINE void mapRows(const Call& call, int64_t chunk, int64_t chunks, F f) {
  const Tensor &x = call.in[0], &y = call.in[1], &out = call.out[0];
  const int64_t width = x.columns, rowsOfY = rowsOf(y, width);
  for (int64_t r = x.rows * chunk / chunks; r < x.rows * (chunk + 1) / chunks; r++) {
    mapRow(floatsOf(x) + r * width, floatsOf(y) + r % rowsOfY * width, resultsOf(out) + r * width,
           width, f);
  }
}

// x · σ(x), given e^−x.
CORRAL_INLINE Vec siluOf(Vec x, Vec inverse) { return x / (splat(1.0f) + inverse); }

CORRAL_INLINE Vec siluOf(Vec x) { return siluOf(x, exponential(splat(0.0f) - x)); }

void computeAdd(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  mapRows(call, chunk, chunks, [](Vec x, Vec y) { return x + y; });
}

void computeSub(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  mapRows(call, chunk, chunks, [](Vec x, Vec y) { return x - y; });
}

void computeMul(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  mapRows(call, chunk, chunks, [](Vec x, Vec y) { return x * y; });
}

void computeSwiglu(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  mapRows(call, chunk, chunks, [](Vec gate, Vec up) { return siluOf(gate) * up; });
}

// Ops of one operand take it as their second too.
template <class F>
CORRAL_INLINE void mapAlone(const Call& call, int64_t chunk, int64_t chunks, F f) {
  Call twice = call;
  twice.in[1] = call.in[0];
  mapRows(twice, chunk, chunks, [&](Vec x, Vec) { return f(x); });
}

void computeScale(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Vec factor = splat((float)call.attributes[0]);
  mapAlone(call, chunk, chunks, [&](Vec x) { return x * factor; });
}

void computeSilu(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  mapAlone(call, chunk, chunks, [](Vec x) { return siluOf(x); });
}

CORRAL_INLINE void normalizeRow(const float* x, const float* weight, float* out, int64_t width,
                                double eps) {
  Vec squares = splat(0.0f);
  int64_t i = 0;
  for (; i + lanes <= width; i += lanes) {
    const Vec v = load(x + i);
    squares = fma(v, v, squares);
  }
  if (i < width) {
    const Vec v = loadFirst(x + i, width - i, 0.0f);
    squares = fma(v, v, squares);
  }
  const Vec factor = splat((float)(1.0 / sqrt((double)reduce(squares) / (double)width + eps)));
  mapRow(x, weight, out, width, [&](Vec v, Vec w) { return v * factor * w; });
}

void computeRmsNorm(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Tensor &x = call.in[0], &out = call.out[0];
  for (int64_t r = x.rows * chunk / chunks; r < x.rows * (chunk + 1) / chunks; r++) {
    normalizeRow(floatsOf(x) + r * x.columns, floatsOf(call.in[1]), resultsOf(out) + r * x.columns,
                 x.columns, call.attributes[0]);
  }
}

void computeAddRmsNorm(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Tensor &x = call.in[0], &y = call.in[1];
  const int64_t width = x.columns, rowsOfY = rowsOf(y, width);
  for (int64_t r = x.rows * chunk / chunks; r < x.rows * (chunk + 1) / chunks; r++) {
    float* sum = resultsOf(call.out[0]) + r * width;
    mapRow(floatsOf(x) + r * width, floatsOf(y) + r % rowsOfY * width, sum, width,
           [](Vec a, Vec b) { return a + b; });
    normalizeRow(sum, floatsOf(call.in[2]), resultsOf(call.out[1]) + r * width, width,
                 call.attributes[0]);
  }
}

void computeTakeRows(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Tensor &x = call.in[0], &out = call.out[0];
  const int32_t* index = (const int32_t*)call.in[1].data;
  for (int64_t r = out.rows * chunk / chunks; r < out.rows * (chunk + 1) / chunks; r++) {
    memcpy(out.data + r * out.rowBytes, x.data + index[r] * x.rowBytes, (size_t)out.rowBytes);
  }
}

int64_t takeRowsChunks(const Call& call, int threads) {
  return rowChunks(call.out[0].rows, elementsOf(call.out[0]), threads);
}

// In double precision: positions reach 1e5, where an f32 sine has lost its digits.
void computeRopeTable(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Tensor &frequencies = call.in[2], &out = call.out[0];
  const int32_t* positions = (const int32_t*)call.in[0].data;
  const int32_t* sequence = (const int32_t*)call.in[1].data;
  const int64_t half = frequencies.columns;
  const double factor = call.attributes[0];
  for (int64_t r = out.rows * chunk / chunks; r < out.rows * (chunk + 1) / chunks; r++) {
    const float* row = floatsOf(frequencies) + sequence[r] * half;
    float* to = resultsOf(out) + r * out.columns;
    for (int64_t i = 0; i < half; i++) {
      const float angle = (float)((double)positions[r] * (double)row[i]);
      to[i] = (float)(cos((double)angle) * factor);
      to[half + i] = (float)(sin((double)angle) * factor);
    }
  }
}

int64_t ropeTableChunks(const Call& call, int threads) {
  // A sine and a cosine cost as much as some fifty multiplications.
  return rowChunks(call.out[0].rows, elementsOf(call.out[0]) * 50, threads);
}

size_t ropeScratch(const Call& call) {
  return (size_t)(2 * packedRowElements(call.in[1].columns)) * sizeof(float);
}

// x · (c c) + swapped x · (−s s): the rotation of each pair, sixteen elements at a time. `direction`
// −1: back.
CORRAL_INLINE void rotateRows(const Call& call, int64_t chunk, int64_t chunks, uint8_t* scratch,
                              float direction) {
  const Tensor &x = call.in[0], &table = call.in[1];
  const int64_t headDim = table.columns, half = headDim / 2;
  float* cosines = (float*)scratch;
  float* sines = cosines + packedRowElements(headDim);
  for (int64_t r = x.rows * chunk / chunks; r < x.rows * (chunk + 1) / chunks; r++) {
    const float* angles = floatsOf(table) + r * headDim;
    for (int64_t i = 0; i < half; i++) {
      cosines[2 * i] = cosines[2 * i + 1] = angles[i];
      sines[2 * i] = -direction * angles[half + i];
      sines[2 * i + 1] = direction * angles[half + i];
    }
    for (int64_t h = 0; h < x.columns; h += headDim) {
      const float* from = floatsOf(x) + r * x.columns + h;
      float* to = resultsOf(call.out[0]) + r * x.columns + h;
      for (int64_t i = 0; i < headDim; i += lanes) {
        const int64_t rest = smallest(lanes, headDim - i);
        const Vec v = rest == lanes ? load(from + i) : loadFirst(from + i, rest, 0.0f);
        const Vec turned = fma(swapNeighbours(v), load(sines + i), v * load(cosines + i));
        if (rest == lanes) {
          store(to + i, turned);
        } else {
          storeFirst(to + i, turned, rest);
        }
      }
    }
  }
}

void computeRope(const Call& call, int64_t chunk, int64_t chunks, uint8_t* scratch) {
  rotateRows(call, chunk, chunks, scratch, 1.0f);
}

void computeRopeInverse(const Call& call, int64_t chunk, int64_t chunks, uint8_t* scratch) {
  rotateRows(call, chunk, chunks, scratch, -1.0f);
}

}  // namespace
