// The register tile that matrix products and attention scores are made of. One 16-lane accumulator
// per output element takes k in ascending order and is reduced by one fixed tree, whatever the
// tile's shape: so an element's bits depend on its own row and column only.
#pragma once
#include "../simd.h"

namespace {

// Columns (weights, keys) of a tile, on every instruction set.
constexpr int tileColumns = 4;

// Rows of a full tile: the accumulators fill the registers that there are, less those for operands.
#if defined(CORRAL_MANY_REGISTERS)
constexpr int tileRows = 6;
#else
constexpr int tileRows = 3;
#endif

constexpr int64_t tileSums = tileColumns * lanes;

// sums [M, tileColumns, 16] = x [steps, M, 16] · w [steps, tileColumns, 16], lane by lane.
template <int M>
void multiplyTile(const float* x, const float* w, int64_t steps, float* sums) {
  for (int p = 0; p < parts; p++) {
    float* part = sums + p * regLanes;
    Reg acc[M][tileColumns];
#pragma GCC unroll 8
    for (int m = 0; m < M; m++) {
#pragma GCC unroll 8
      for (int n = 0; n < tileColumns; n++) acc[m][n] = splatReg(0.0f);
    }
    const float* xs = x + p * regLanes;
    const float* ws = w + p * regLanes;
    for (int64_t s = 0; s < steps; s++, xs += M * lanes, ws += tileColumns * lanes) {
      Reg column[tileColumns];
#pragma GCC unroll 8
      for (int n = 0; n < tileColumns; n++) column[n] = loadReg(ws + n * lanes);
#pragma GCC unroll 8
      for (int m = 0; m < M; m++) {
        const Reg row = loadReg(xs + m * lanes);
#pragma GCC unroll 8
        for (int n = 0; n < tileColumns; n++) acc[m][n] = fmaReg(column[n], row, acc[m][n]);
      }
    }
#pragma GCC unroll 8
    for (int m = 0; m < M; m++) {
#pragma GCC unroll 8
      for (int n = 0; n < tileColumns; n++) storeReg(part + (m * tileColumns + n) * lanes, acc[m][n]);
    }
  }
}

// multiplyTile for a number of rows known at run time, 1 to tileRows.
CORRAL_INLINE void multiplyTileOf(int rows, const float* x, const float* w, int64_t steps,
                                  float* sums) {
  switch (rows) {
    case 1: return multiplyTile<1>(x, w, steps, sums);
    case 2: return multiplyTile<2>(x, w, steps, sums);
#if defined(CORRAL_MANY_REGISTERS)
    case 3: return multiplyTile<3>(x, w, steps, sums);
    case 4: return multiplyTile<4>(x, w, steps, sums);
    case 5: return multiplyTile<5>(x, w, steps, sums);
#endif
    default: return multiplyTile<tileRows>(x, w, steps, sums);
  }
}

// The tileColumns elements of one row of a tile.
CORRAL_INLINE Four reduceTileRow(const float* sums) {
  return reduceFour(load(sums), load(sums + lanes), load(sums + 2 * lanes), load(sums + 3 * lanes));
}

CORRAL_INLINE int64_t stepsOf(int64_t elements) { return (elements + lanes - 1) / lanes; }

// Lays `rows` rows of f32 out as a tile: [steps, rows, 16], the last step filled with zeros.
CORRAL_INLINE void packTile(const float* from, int64_t stride, int rows, int64_t elements,
                            float* to) {
  const int64_t whole = elements / lanes;
  for (int r = 0; r < rows; r++) {
    const float* row = from + r * stride;
    float* out = to + r * lanes;
    for (int64_t s = 0; s < whole; s++, out += rows * lanes) store(out, load(row + s * lanes));
    if (elements % lanes != 0) store(out, loadFirst(row + whole * lanes, elements % lanes, 0.0f));
  }
}

}  // namespace
