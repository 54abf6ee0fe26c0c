// Adapters beside a product that is there already, a different one for each row.
#pragma once
#include "reductions.h"

namespace {

// out = y + scale · (x · downᵀ) · up, step by step of the rank; a row without an adapter is copied. The
// order of sums depends on nothing but the row.
void computeLoraAdd(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Tensor &y = call.in[0], &x = call.in[1], &down = call.in[2], &up = call.in[3];
  const float* scales = floatsOf(call.in[4]);
  const int32_t* adapter = (const int32_t*)call.in[5].data;
  const int64_t rank = down.rows / (elementsOf(call.in[4]) - 1), k = x.columns, n = y.columns;
  for (int64_t r = y.rows * chunk / chunks; r < y.rows * (chunk + 1) / chunks; r++) {
    float* out = resultsOf(call.out[0]) + r * n;
    memcpy(out, floatsOf(y) + r * n, (size_t)n * sizeof(float));
    const int64_t slot = adapter[r];
    if (slot == 0 || scales[slot] == 0) continue;
    for (int64_t step = (slot - 1) * rank; step < slot * rank; step++) {
      const double inner = sumOf(floatsOf(x) + r * k, floatsOf(down) + step * k, k,
                                 [](Vec a, Vec b) { return a * b; });
      const Vec factor = splat(scales[slot] * (float)inner);
      mapRow(out, floatsOf(up) + step * n, out, n,
             [&](Vec sum, Vec u) { return fma(factor, u, sum); });
    }
  }
}

}  // namespace
