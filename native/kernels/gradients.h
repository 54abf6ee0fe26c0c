// Gradients of the element-wise ops and the norm. Fused forms call the code of the ops they stand for.
#pragma once
#include "reductions.h"

namespace {

// dy · σ(x) · (1 + x · (1 − σ(x))), given e^−x.
CORRAL_INLINE Vec siluSlope(Vec x, Vec dy, Vec inverse) {
  const Vec one = splat(1.0f);
  const Vec sigma = one / (one + inverse);
  return dy * sigma * fma(x, one - sigma, one);
}

void computeSiluGradient(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  mapRows(call, chunk, chunks,
          [](Vec x, Vec dy) { return siluSlope(x, dy, exponential(splat(0.0f) - x)); });
}

void computeSwigluGradient(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Tensor& gate = call.in[0];
  const int64_t width = gate.columns, rowsOfUp = rowsOf(call.in[1], width);
  for (int64_t r = gate.rows * chunk / chunks; r < gate.rows * (chunk + 1) / chunks; r++) {
    const float* gates = floatsOf(gate) + r * width;
    const float* ups = floatsOf(call.in[1]) + r % rowsOfUp * width;
    const float* dy = floatsOf(call.in[2]) + r * width;
    float* dup = resultsOf(call.out[1]) + r * width;
    int64_t left = width;
    mapThree(gates, ups, dy, resultsOf(call.out[0]) + r * width, width, [&](Vec x, Vec up, Vec d) {
      const Vec inverse = exponential(splat(0.0f) - x);
      storeFirst(dup, d * siluOf(x, inverse), smallest(left, lanes));
      dup += lanes;
      left -= lanes;
      return siluSlope(x, d * up, inverse);
    });
  }
}

int64_t rmsNormGradientChunks(const Call& call, int threads) {
  return rowSumsChunks(call, call.in[0].rows, call.in[0].columns, threads);
}

// With f = 1 / sqrt(mean(x²) + eps), n = x · f and g = dy · weight: dx = f · (g − n · mean(g · n)),
// and dy · n added to the sums of dweight.
CORRAL_INLINE void normGradientRow(const float* x, const float* weight, const float* dy, float* dx,
                                   float* sums, int64_t width, double eps) {
  const double squares = sumOf(x, x, width, [](Vec v, Vec) { return v * v; });
  const Vec factor = splat((float)(1.0 / sqrt(squares / (double)width + eps)));
  mapThree(x, dy, sums, sums, width,
           [&](Vec v, Vec d, Vec sum) { return fma(d, v * factor, sum); });
  // g · n, until it is known what to subtract.
  mapThree(x, weight, dy, dx, width, [&](Vec v, Vec w, Vec d) { return d * w * (v * factor); });
  const double product = sumOf(dx, dx, width, [](Vec v, Vec) { return v; });
  const Vec mean = splat((float)(product / (double)width));
  mapThree(x, weight, dy, dx, width,
           [&](Vec v, Vec w, Vec d) { return factor * (d * w - v * factor * mean); });
}

void computeRmsNormGradient(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Tensor& x = call.in[0];
  const int64_t width = x.columns;
  if (call.stage == 1) {
    return addRowSums(call, x.rows, width, resultsOf(call.out[1]), chunk, chunks);
  }
  const int64_t blocks = ceilDiv(x.rows, blockRows);
  for (int64_t b = blocks * chunk / chunks; b < blocks * (chunk + 1) / chunks; b++) {
    float* sums = (float*)call.shared + b * width;
    memset(sums, 0, (size_t)width * sizeof(float));
    for (int64_t r = b * blockRows; r < smallest(x.rows, (b + 1) * blockRows); r++) {
      normGradientRow(floatsOf(x) + r * width, floatsOf(call.in[1]),
                      floatsOf(call.in[2]) + r * width, resultsOf(call.out[0]) + r * width, sums,
                      width, call.attributes[0]);
    }
  }
}

// ‖W + scale · B · A‖ of each row of the weight.
int64_t loraRowNormChunks(const Call& call, int threads) {
  return rowChunks(call.in[0].rows, elementsOf(call.in[0]) * call.in[1].columns, threads);
}

size_t loraRowNormScratch(const Call& call) {
  return (size_t)packedRowElements(call.in[0].columns) * 2 * sizeof(float);
}

void computeLoraRowNorm(const Call& call, int64_t chunk, int64_t chunks, uint8_t* scratch) {
  const Tensor &weight = call.in[0], &up = call.in[1], &down = call.in[2];
  const UnpackRow unpack = unpackerOf(weight.dtype);
  const int64_t k = weight.columns;
  const Vec scale = splat((float)call.attributes[0]);
  float* row = (float*)scratch;
  float* change = row + packedRowElements(k);
  for (int64_t n = weight.rows * chunk / chunks; n < weight.rows * (chunk + 1) / chunks; n++) {
    unpack(weight.data + n * weight.rowBytes, k, row, lanes);
    memset(change, 0, (size_t)k * sizeof(float));
    for (int64_t j = 0; j < up.columns; j++) {
      const Vec factor = splat(floatsOf(up)[n * up.columns + j]);
      mapRow(change, floatsOf(down) + j * k, change, k,
             [&](Vec sum, Vec d) { return fma(factor, d, sum); });
    }
    const double squares = sumOf(row, change, k, [&](Vec w, Vec c) {
      const Vec all = fma(scale, c, w);
      return all * all;
    });
    resultsOf(call.out[0])[n] = (float)sqrt(squares);
  }
}

}  // namespace
