// The register tile and the packing that products of many rows are made of. Both operands are laid
// out as panels, one contiguous run of numbers per step of k, so that a step is a broadcast per row
// times two registers of columns (Goto and van de Geijn, ACM TOMS 34:12). An output element has one
// accumulator that takes k in ascending order: its bits depend on its own row and column only.
#pragma once
#include "codecs.h"

namespace {

constexpr int64_t smallest(int64_t a, int64_t b) { return a < b ? a : b; }
constexpr int64_t largest(int64_t a, int64_t b) { return a > b ? a : b; }
constexpr int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t roundUp(int64_t a, int64_t b) { return ceilDiv(a, b) * b; }

struct Range {
  int64_t first, end;

  int64_t size() const { return end - first; }
};

// As many chunks as there are pieces, at most four per thread, so that one that is interrupted holds
// nobody up for long; and as many for each thread.
CORRAL_INLINE int64_t evenChunks(int64_t pieces, int threads) {
  const int64_t most = smallest(pieces, threads * 4);
  return most < threads ? most : most / threads * threads;
}

// The part of [0, count) that a chunk has; parts begin at multiples of `unit`.
CORRAL_INLINE Range rangeOf(int64_t count, int64_t unit, int64_t chunk, int64_t chunks) {
  const int64_t units = ceilDiv(count, unit);
  return {units * chunk / chunks * unit,
          smallest(count, units * (chunk + 1) / chunks * unit)};
}

// Columns of a packed panel, on every instruction set.
constexpr int64_t panelColumns = lanes;
// Columns of a register tile: half a panel, one, or two.
constexpr int tileWidth = 2 * regLanes;
// Rows of a register tile and of a packed panel: with two registers per row, the accumulators fill
// the registers that there are, less those for operands.
#if defined(CORRAL_MANY_REGISTERS)
constexpr int tileHeight = 12;
#else
constexpr int tileHeight = 6;
#endif

// Two registers of columns: [steps, panelColumns] each, from the register's first column on.
struct TileColumns {
  const float* at[2];
};

// Columns [first, first + tileWidth) of panels that lie `panelStride` floats apart.
CORRAL_INLINE TileColumns tileColumnsAt(const float* panels, int64_t panelStride, int64_t first) {
  const int64_t next = first + regLanes;
  return {{panels + first / panelColumns * panelStride + first % panelColumns,
           panels + next / panelColumns * panelStride + next % panelColumns}};
}

// sums += rows · columns over `steps` of k. Row m of step s lies at rows[m · rowStride + s ·
// stepStride]: of a packed panel, or of a matrix of the thread's own as it lies or on its side.
template <int M, int rowStride = 1, int stepStride = tileHeight>
CORRAL_INLINE void multiplyPanels(const float* rows, const TileColumns& columns, int64_t steps,
                                  Reg (&sums)[M][2]) {
  const float* left = columns.at[0];
  const float* right = columns.at[1];
  for (int64_t s = 0; s < steps; s++) {
    const Reg first = loadReg(left), second = loadReg(right);
#pragma GCC unroll 16
    for (int m = 0; m < M; m++) {
      const Reg value = splatReg(rows[m * rowStride]);
      sums[m][0] = fmaReg(value, first, sums[m][0]);
      sums[m][1] = fmaReg(value, second, sums[m][1]);
    }
    rows += stepStride;
    left += panelColumns;
    right += panelColumns;
  }
}

template <int N>
struct Height {
  static constexpr int rows = N;
};

// Calls `use` with a number of rows, 1 to tileHeight, as a constant.
template <class Use>
CORRAL_INLINE void withHeight(int64_t rows, Use use) {
  switch (rows) {
    case 1: return use(Height<1>());
    case 2: return use(Height<2>());
    case 3: return use(Height<3>());
    case 4: return use(Height<4>());
    case 5: return use(Height<5>());
#if defined(CORRAL_MANY_REGISTERS)
    case 6: return use(Height<6>());
    case 7: return use(Height<7>());
    case 8: return use(Height<8>());
    case 9: return use(Height<9>());
    case 10: return use(Height<10>());
    case 11: return use(Height<11>());
#endif
    default: return use(Height<tileHeight>());
  }
}

// Writes a tile's `count` valid columns, or adds them to what is there.
template <int M>
CORRAL_INLINE void putTile(const Reg (&sums)[M][2], float* out, int64_t stride, int64_t count,
                           bool adds) {
  if (count == tileWidth) {
#pragma GCC unroll 16
    for (int m = 0; m < M; m++) {
      float* to = out + m * stride;
      storeReg(to, adds ? loadReg(to) + sums[m][0] : sums[m][0]);
      storeReg(to + regLanes, adds ? loadReg(to + regLanes) + sums[m][1] : sums[m][1]);
    }
    return;
  }
  for (int m = 0; m < M; m++) {
    float* to = out + m * stride;
    float all[tileWidth];
    storeReg(all, sums[m][0]);
    storeReg(all + regLanes, sums[m][1]);
    for (int64_t i = 0; i < count; i++) to[i] = adds ? to[i] + all[i] : all[i];
  }
}

// Four numbers of four rows change sides: element r of result i is element i of row r.
CORRAL_INLINE void transposeFour(const Four (&rows)[4], Four (&out)[4]) {
  const Four a = CORRAL_PICK(rows[0], rows[1], 0, 4, 1, 5);
  const Four b = CORRAL_PICK(rows[2], rows[3], 0, 4, 1, 5);
  const Four c = CORRAL_PICK(rows[0], rows[1], 2, 6, 3, 7);
  const Four d = CORRAL_PICK(rows[2], rows[3], 2, 6, 3, 7);
  out[0] = CORRAL_PICK(a, b, 0, 1, 4, 5);
  out[1] = CORRAL_PICK(a, b, 2, 3, 6, 7);
  out[2] = CORRAL_PICK(c, d, 0, 1, 4, 5);
  out[3] = CORRAL_PICK(c, d, 2, 3, 6, 7);
}

// Columns [k, k + 4) of `height` rows as runs of `height` numbers: column k + i at to + i · stride.
// A row is `rowStride` floats long.
template <int height>
CORRAL_INLINE void transposeColumns(const float* from, int64_t rowStride, float* to,
                                    int64_t stride) {
  constexpr int whole = height / 4 * 4;
#pragma GCC unroll 4
  for (int r = 0; r < whole; r += 4) {
    Four rows[4], out[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) memcpy(&rows[i], from + (r + i) * rowStride, sizeof rows[i]);
    transposeFour(rows, out);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) memcpy(to + i * stride + r, &out[i], sizeof out[i]);
  }
  for (int i = 0; i < 4; i++) {
    for (int r = whole; r < height; r++) to[i * stride + r] = from[r * rowStride + i];
  }
}

}  // namespace
