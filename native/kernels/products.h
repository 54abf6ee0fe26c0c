// The two products of training beside matmul: gradients through a weight and gradients of a weight.
// Blocks of k are summed one after another in the same places for any number of rows and threads.
#pragma once
#include "rows.h"

namespace {

// Steps of k that are packed together: a panel of columns (16 KiB) stays in L1.
constexpr int64_t blockSteps = 256;
// Columns whose panels (512 KiB) stay in L2 and L3 while all rows pass; a multiple of every block of
// a packed type.
constexpr int64_t blockColumns = 512;
// Rows whose panels (192 KiB) stay in L2. A multiple of both tile heights.
constexpr int64_t blockHeight = 192;

constexpr int64_t packedFloats = blockSteps * (blockColumns + blockHeight);

// Panels [panel, steps, tileHeight] of rows that lie k after k: row m of the product is `from` + m ·
// rowStride.
CORRAL_INLINE void packRowsAlongK(const float* from, int64_t rowStride, int64_t rows, int64_t steps,
                                  float* to) {
  for (int64_t m = 0; m < rows; m += tileHeight, to += steps * tileHeight) {
    const float* row = from + m * rowStride;
    if (rows - m < tileHeight) {
      for (int64_t s = 0; s < steps; s++) {
        for (int64_t i = 0; i < rows - m; i++) to[s * tileHeight + i] = row[i * rowStride + s];
      }
      continue;
    }
    int64_t s = 0;
    for (; s + 4 <= steps; s += 4) {
      transposeColumns<tileHeight>(row + s, rowStride, to + s * tileHeight, tileHeight);
    }
    for (; s < steps; s++) {
      for (int i = 0; i < tileHeight; i++) to[s * tileHeight + i] = row[i * rowStride + s];
    }
  }
}

// The same panels of rows that lie beside each other: step s of all rows is `from` + s · stepStride.
CORRAL_INLINE void packRowsAcrossK(const float* from, int64_t stepStride, int64_t rows,
                                   int64_t steps, float* to) {
  for (int64_t m = 0; m < rows; m += tileHeight) {
    const int64_t count = smallest(tileHeight, rows - m);
    for (int64_t s = 0; s < steps; s++, to += tileHeight) {
      const float* at = from + s * stepStride + m;
      if (count == tileHeight) {
        memcpy(to, at, tileHeight * sizeof(float));
      } else {
        for (int64_t i = 0; i < count; i++) to[i] = at[i];
      }
    }
  }
}

// Panels [panel, steps, 16] of `columns` columns from column `first` on of the rows [k, k + steps)
// of a matrix of any type; what a last panel lacks stays zero.
CORRAL_INLINE void packColumns(const Tensor& matrix, UnpackRow unpack, int64_t k, int64_t steps,
                               int64_t first, int64_t columns, float* to) {
  const int64_t skip = matrix.rowBytes * first / matrix.columns;
  for (int64_t s = 0; s < steps; s++) {
    unpack(matrix.data + (k + s) * matrix.rowBytes + skip, columns, to + s * panelColumns,
           steps * panelColumns);
  }
}

// One block of a product, both operands packed; all of the rows' and columns' tiles.
CORRAL_INLINE void multiplyBlock(const float* packedRows, const float* packedColumns, int64_t rows,
                                 int64_t columns, int64_t steps, float* out, int64_t stride,
                                 bool adds) {
  for (int64_t n = 0; n < columns; n += tileWidth) {
    const int64_t count = smallest(tileWidth, columns - n);
    for (int64_t m = 0; m < rows; m += tileHeight) {
      const TileColumns operands = tileColumnsAt(packedColumns, steps * panelColumns, n);
      withHeight(smallest(tileHeight, rows - m), [&](auto height) {
        Reg sums[height.rows][2] = {};
        multiplyPanels<height.rows>(packedRows + m * steps, operands, steps, sums);
        putTile<height.rows>(sums, out + m * stride + n, stride, count, adds);
      });
    }
  }
}

// out [rows, columns] = Σ over k, in blocks that are packed by `packRows(k, steps, row, rows, to)`
// and `packColumns(k, steps, column, columns, to)`. `adds`: to what is there.
template <class PackRows, class PackColumns>
CORRAL_INLINE void multiplyBlocks(int64_t rows, int64_t columns, int64_t k, float* out,
                                  int64_t stride, float* packed, bool adds, PackRows packRows,
                                  PackColumns packColumns) {
  float* packedRows = packed + blockSteps * blockColumns;
  for (int64_t n = 0; n < columns; n += blockColumns) {
    const int64_t width = smallest(blockColumns, columns - n);
    for (int64_t first = 0; first < k; first += blockSteps) {
      const int64_t steps = smallest(blockSteps, k - first);
      packColumns(first, steps, n, width, packed);
      for (int64_t m = 0; m < rows; m += blockHeight) {
        const int64_t height = smallest(blockHeight, rows - m);
        packRows(first, steps, m, height, packedRows);
        multiplyBlock(packedRows, packed, height, width, steps, out + m * stride + n, stride,
                      adds || first > 0);
      }
    }
  }
}

// Threads share the longer side of a product: what they do not share is packed by each of them.
CORRAL_INLINE int64_t productChunks(int64_t rows, int64_t columns, int64_t k, int threads) {
  if (threads == 1 || rows * columns * k < worthSharing) return 1;
  return evenChunks(ceilDiv(largest(rows, columns), 64), threads);
}

struct ProductPart {
  Range rows, columns;
};

// Columns of a packed type are cut where blocks begin.
CORRAL_INLINE ProductPart productPart(int64_t rows, int64_t columns, DType dtype, int64_t chunk,
                                      int64_t chunks) {
  if (rows >= columns) return {rangeOf(rows, tileHeight, chunk, chunks), {0, columns}};
  const int64_t unit = dtype == corral::DTYPE_F32 ? stripColumns : 256;
  return {{0, rows}, rangeOf(columns, unit, chunk, chunks)};
}

size_t productScratch(const Call&) { return (size_t)packedFloats * sizeof(float); }

int64_t matmulTransposedChunks(const Call& call, int threads) {
  return productChunks(call.out[0].rows, call.out[0].columns, call.in[0].columns, threads);
}

// out [rows, k] = dy [rows, n] · weight [n, k]
void multiplyTransposed(const Tensor& dy, const Tensor& weight, const Tensor& out,
                        const ProductPart& part, float* scratch) {
  const UnpackRow unpack = unpackerOf(weight.dtype);
  const int64_t n = dy.columns, k = weight.columns;
  multiplyBlocks(
      part.rows.size(), part.columns.size(), n,
      (float*)out.data + part.rows.first * k + part.columns.first, k, scratch, false,
      [&](int64_t at, int64_t steps, int64_t row, int64_t rows, float* to) {
        packRowsAlongK((const float*)dy.data + (part.rows.first + row) * n + at, n, rows, steps, to);
      },
      [&](int64_t at, int64_t steps, int64_t column, int64_t columns, float* to) {
        packColumns(weight, unpack, at, steps, part.columns.first + column, columns, to);
      });
}

void computeMatmulTransposed(const Call& call, int64_t chunk, int64_t chunks, uint8_t* scratch) {
  const Tensor& out = call.out[0];
  multiplyTransposed(call.in[0], call.in[1], out, productPart(out.rows, out.columns, call.in[1].dtype, chunk, chunks),
                     (float*)scratch);
}

// out [part of n, part of k] = the part of dyᵀ [n, rows] · x [rows, k]; out has rows of `stride`.
// `adds`: to what is there.
void multiplyOuter(const Tensor& dy, const Tensor& x, const ProductPart& part, float* out,
                   int64_t stride, float* scratch, bool adds) {
  const UnpackRow unpack = unpackerOf(x.dtype);
  multiplyBlocks(
      part.rows.size(), part.columns.size(), dy.rows, out, stride, scratch, adds,
      [&](int64_t at, int64_t steps, int64_t row, int64_t rows, float* to) {
        packRowsAcrossK((const float*)dy.data + at * dy.columns + part.rows.first + row, dy.columns,
                        rows, steps, to);
      },
      [&](int64_t at, int64_t steps, int64_t column, int64_t columns, float* to) {
        packColumns(x, unpack, at, steps, part.columns.first + column, columns, to);
      });
}

int64_t outerSumChunks(const Call& call, int threads) {
  return productChunks(call.in[0].columns, call.in[1].columns, call.in[0].rows, threads);
}

void computeOuterSum(const Call& call, int64_t chunk, int64_t chunks, uint8_t* scratch) {
  const Tensor &dy = call.in[0], &x = call.in[1], &out = call.out[0];
  const ProductPart part = productPart(dy.columns, x.columns, x.dtype, chunk, chunks);
  multiplyOuter(dy, x, part,
                (float*)out.data + part.rows.first * x.columns + part.columns.first, x.columns,
                (float*)scratch, false);
}

// Rows of a product that is finished before it is added to what is there.
constexpr int64_t finishedRows = 2 * blockHeight;

size_t outerSumIntoScratch(const Call& call) {
  return productScratch(call) + finishedRows * blockColumns * sizeof(float);
}

// As accumulate() of outer_sum(): the whole sum over rows is added, not the blocks of it.
void computeOuterSumInto(const Call& call, int64_t chunk, int64_t chunks, uint8_t* scratch) {
  const Tensor &dy = call.in[0], &x = call.in[1], &state = call.in[2];
  const ProductPart all = productPart(dy.columns, x.columns, x.dtype, chunk, chunks);
  float* finished = (float*)scratch + packedFloats;
  for (int64_t m = all.rows.first; m < all.rows.end; m += finishedRows) {
    for (int64_t n = all.columns.first; n < all.columns.end; n += blockColumns) {
      const ProductPart part = {{m, smallest(m + finishedRows, all.rows.end)},
                                {n, smallest(n + blockColumns, all.columns.end)}};
      multiplyOuter(dy, x, part, finished, blockColumns, (float*)scratch, false);
      for (int64_t r = m; r < part.rows.end; r++) {
        float* to = (float*)state.data + r * x.columns + n;
        mapRow(to, finished + (r - m) * blockColumns, to, part.columns.size(),
               [](Vec sum, Vec added) { return sum + added; });
      }
    }
  }
}

}  // namespace
