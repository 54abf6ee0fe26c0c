// Matrix product of f32 activations with weights of any type, and the embedding gather.
//
// Few rows: weights are unpacked into registers and used at once; memory bandwidth is the limit.
// More rows: rows and a strip of weights are packed and meet in register tiles, lane by lane of the
// few rows' sums, so that the bits are the same. k is never split between threads.
#pragma once
#include "gemm.h"
#include "tile.h"

namespace {

using corral::Call;
using corral::Tensor;

// Weight rows that are packed together: whole register tiles on every instruction set.
constexpr int64_t stripColumns = 32;
// Numbers of x that are packed together (2 MiB): rows enough that packing a strip for them is little
// work beside multiplying it.
constexpr int64_t packedNumbers = 1 << 19;
// Rows of x that meet weights while these are in registers, and how many are served that way, by
// unpacking again for each group; more go through the cache. Measured on Zen 4: even at 12 rows with
// AVX-512, at 4 with AVX2.
#if defined(__AVX512F__)
constexpr int64_t rowsInRegisters = 4;
constexpr int64_t fewRows = 12;
#else
constexpr int64_t rowsInRegisters = 2;
constexpr int64_t fewRows = 4;
#endif
// Multiply-adds below which a second thread costs more than it saves.
constexpr int64_t worthSharing = 1 << 16;

// With more rows than columns threads share the rows, else the columns: what they do not share is
// packed by each of them.
CORRAL_INLINE bool sharesRows(const Call& call) {
  return call.in[0].rows > fewRows && call.in[0].rows > call.in[1].rows;
}

int64_t matmulChunks(const Call& call, int threads) {
  const Tensor &x = call.in[0], &weight = call.in[1];
  const int64_t work = x.rows * weight.rows * weight.columns;
  if (threads == 1 || work < worthSharing) return 1;
  if (sharesRows(call)) return evenChunks(ceilDiv(x.rows, 96), threads);
  const int64_t strips = ceilDiv(weight.rows, stripColumns);
  return smallest(strips, smallest(threads * 8, ceilDiv(work, worthSharing / 2)));
}

CORRAL_INLINE int64_t packedRowElements(int64_t k) { return stepsOf(k) * lanes; }

// Floats from one lane's part of a panel to the next: a little more than it has, since a stride of a
// power of two aliases in L1.
CORRAL_INLINE int64_t laneStride(int64_t steps, int64_t width) { return steps * width + lanes; }

// Rows of x that are packed together.
CORRAL_INLINE int64_t manyRows(const Tensor& x) {
  const int64_t rows = largest(packedNumbers / packedRowElements(x.columns), 96);
  return smallest(x.rows, roundUp(rows, tileHeight));
}

CORRAL_INLINE size_t manyScratch(const Tensor& x) {
  const int64_t steps = stepsOf(x.columns);
  return (size_t)(lanes * (ceilDiv(manyRows(x), tileHeight) * laneStride(steps, tileHeight) +
                           stripColumns / panelColumns * laneStride(steps, panelColumns))) *
         sizeof(float);
}

size_t matmulScratch(const Call& call) {
  return call.in[0].rows <= fewRows ? 0 : manyScratch(call.in[0]);
}

// R weight rows times M rows of x: R · M independent chains of fused multiply-adds. Meanwhile the R
// rows that follow are fetched: rows are too short for the hardware to see where each stream goes on.
template <class Codec, int R, int M>
CORRAL_INLINE void dotRows(const uint8_t* weights, int64_t rowBytes, const float* x, int64_t k,
                           float* out, int64_t outStride) {
  Vec acc[R][M];
  for (int r = 0; r < R; r++) {
    for (int m = 0; m < M; m++) acc[r][m] = splat(0.0f);
  }
  const uint8_t* row[R];
  for (int r = 0; r < R; r++) row[r] = weights + r * rowBytes;

  const uint8_t* following = weights + R * rowBytes;
  const int64_t blocks = k / Codec::blockSize;
  const float* at = x;
  for (int64_t b = 0; b < blocks; b++, following += R * Codec::blockBytes) {
    for (int i = 0; i < R * Codec::blockBytes; i += 64) __builtin_prefetch(following + i);
    typename Codec::Scales scales[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) scales[r] = Codec::open(row[r]);
    constexpr int partsPerBlock = Codec::blockSize / lanes / Codec::span;
#pragma GCC unroll 8
    for (int part = 0; part < partsPerBlock; part++, at += Codec::span * lanes) {
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) {
        Vec values[Codec::span];
        Codec::unpack(row[r], scales[r], part, values);
#pragma GCC unroll 8
        for (int v = 0; v < Codec::span; v++) {
#pragma GCC unroll 8
          for (int m = 0; m < M; m++) {
            acc[r][m] = fma(values[v], load(at + m * k + v * lanes), acc[r][m]);
          }
        }
      }
    }
    for (int r = 0; r < R; r++) row[r] += Codec::blockBytes;
  }
  if constexpr (plain<Codec>) {
    const int64_t rest = k % lanes;
    if (rest != 0) {
      for (int r = 0; r < R; r++) {
        const Vec last = unpackTail<Codec>(row[r], rest);
        for (int m = 0; m < M; m++) {
          acc[r][m] = fma(last, loadFirst(at + m * k, rest, 0.0f), acc[r][m]);
        }
      }
    }
  }
  for (int r = 0; r < R; r++) {
    for (int m = 0; m < M; m++) out[m * outStride + r] = reduce(acc[r][m]);
  }
}

// R weight rows times `rows` rows of x, at most rowsInRegisters.
template <class Codec, int R>
CORRAL_INLINE void dotRowsOf(int64_t rows, const uint8_t* weights, int64_t rowBytes, const float* x,
                             int64_t k, float* out, int64_t outStride) {
  switch (rows) {
    case 1: return dotRows<Codec, R, 1>(weights, rowBytes, x, k, out, outStride);
#if defined(__AVX512F__)
    case 2: return dotRows<Codec, R, 2>(weights, rowBytes, x, k, out, outStride);
    case 3: return dotRows<Codec, R, 3>(weights, rowBytes, x, k, out, outStride);
#endif
    default: return dotRows<Codec, R, rowsInRegisters>(weights, rowBytes, x, k, out, outStride);
  }
}

template <class Codec, int together>
void multiplyFewBy(const Tensor& x, const Tensor& weight, const Tensor& out, int64_t first,
                   int64_t end) {
  const int64_t k = x.columns;
  for (int64_t n = first; n < end;) {
    const int64_t count = end - n >= together ? together : 1;
    const uint8_t* weights = weight.data + n * weight.rowBytes;
    for (int64_t m = 0; m < x.rows; m += rowsInRegisters) {
      const int64_t rows = smallest(rowsInRegisters, x.rows - m);
      const float* from = (const float*)x.data + m * k;
      float* to = (float*)out.data + m * out.columns + n;
      if (count == together) {
        dotRowsOf<Codec, together>(rows, weights, weight.rowBytes, from, k, to, out.columns);
      } else {
        dotRowsOf<Codec, 1>(rows, weights, weight.rowBytes, from, k, to, out.columns);
      }
    }
    n += count;
  }
}

template <class Codec>
void multiplyFew(const Tensor& x, const Tensor& weight, const Tensor& out, int64_t first,
                 int64_t end) {
#if !defined(__AVX512F__)
  // Half as many registers: four weight rows would leave no room for a second row of x.
  if (x.rows > 1) return multiplyFewBy<Codec, 2>(x, weight, out, first, end);
#endif
  multiplyFewBy<Codec, 4>(x, weight, out, first, end);
}

// The order in which the lanes of a dot product are computed, so that each pair that reduce() adds is
// ready when the next lane is: a binary counter.
constexpr int laneOrder[lanes] = {0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15};

// Lays `count` rows out as panels [panel, lane, steps, width]: element 16 · step + lane of each row.
// What a last panel lacks is left as it is. The rows that follow are fetched meanwhile.
template <int width>
CORRAL_INLINE void packLanes(const Tensor& matrix, UnpackRow unpack, int64_t first, int64_t count,
                             float* to) {
  constexpr int64_t piece = 256;
  float rows[width * piece];
  const int64_t stride = laneStride(stepsOf(matrix.columns), width);
  for (int64_t r = 0; r < count; r += width, to += lanes * stride) {
    const int64_t filled = smallest(width, count - r);
    const uint8_t* panel = matrix.data + (first + r) * matrix.rowBytes;
    for (int64_t k = 0; k < matrix.columns; k += piece) {
      const int64_t elements = smallest(piece, matrix.columns - k);
      const int64_t skip = matrix.rowBytes * k / matrix.columns;
      const int64_t bytes = matrix.rowBytes * elements / matrix.columns;
      for (int64_t i = 0; i < filled; i++) {
        const uint8_t* following = panel + (width + i) * matrix.rowBytes + skip;
        for (int64_t at = 0; at < bytes; at += 64) __builtin_prefetch(following + at);
      }
      const bool isPlain = matrix.dtype == corral::DTYPE_F32 && filled == width;
      const int64_t direct = isPlain ? elements / lanes * lanes : 0;
      if (direct < elements) {
        const int64_t begin = matrix.rowBytes * (k + direct) / matrix.columns;
        for (int64_t i = 0; i < filled; i++) {
          unpack(panel + i * matrix.rowBytes + begin, elements - direct, rows + i * piece + direct,
                 lanes);
        }
      }
      for (int64_t e = 0; e < roundUp(elements, lanes); e += 4) {
        float* out = to + e % lanes * stride + (k + e) / lanes * width;
        if (e < direct) {
          transposeColumns<width>((const float*)(panel + skip) + e, matrix.columns, out, stride);
        } else {
          transposeColumns<width>(rows + e, piece, out, stride);
        }
      }
    }
  }
}

// Lane by lane, the chains that dotRows() runs in the lanes of one register, and the sums in the
// order of reduce(): an element has the same bits for few rows and many.
template <int M>
CORRAL_INLINE void multiplyLanes(const float* rows, const float* columns, int64_t steps, int64_t at,
                                 Reg (&sums)[M][2]) {
  const int64_t rowStride = laneStride(steps, tileHeight);
  const int64_t columnStride = laneStride(steps, panelColumns);
  Reg waiting[4][M][2];
#pragma GCC unroll 1
  for (int i = 0; i < lanes; i++) {
    const int64_t lane = laneOrder[i];
    Reg chain[M][2] = {};
    multiplyPanels<M>(rows + lane * rowStride,
                      tileColumnsAt(columns + lane * columnStride, lanes * columnStride, at), steps,
                      chain);
    int level = 0;
#pragma GCC unroll 1
    for (; (i >> level & 1) != 0; level++) {
#pragma GCC unroll 16
      for (int m = 0; m < M; m++) {
        chain[m][0] = waiting[level][m][0] + chain[m][0];
        chain[m][1] = waiting[level][m][1] + chain[m][1];
      }
    }
    memcpy(level < 4 ? waiting[level] : sums, chain, sizeof chain);
  }
}

// Rows × columns of x · weightᵀ, written to `out` with rows of `stride`.
void multiplyMany(const Tensor& x, const Tensor& weight, Range rowRange, Range columnRange,
                  float* out, int64_t stride, float* scratch) {
  const UnpackRow unpack = unpackerOf(weight.dtype), unpackX = unpackerOf(x.dtype);
  const int64_t steps = stepsOf(x.columns);
  const int64_t rowPanel = lanes * laneStride(steps, tileHeight);
  const int64_t most = manyRows(x);
  float* packedRows = scratch;
  float* packedColumns = scratch + ceilDiv(most, tileHeight) * rowPanel;
  for (int64_t m0 = 0; m0 < rowRange.size(); m0 += most) {
    const int64_t rows = smallest(most, rowRange.size() - m0);
    packLanes<tileHeight>(x, unpackX, rowRange.first + m0, rows, packedRows);
    for (int64_t n0 = 0; n0 < columnRange.size(); n0 += stripColumns) {
      const int64_t columns = smallest(stripColumns, columnRange.size() - n0);
      packLanes<panelColumns>(weight, unpack, columnRange.first + n0, columns, packedColumns);
      for (int64_t n = 0; n < columns; n += tileWidth) {
        const int64_t count = smallest(tileWidth, columns - n);
        for (int64_t m = 0; m < rows; m += tileHeight) {
          withHeight(smallest(tileHeight, rows - m), [&](auto height) {
            Reg sums[height.rows][2];
            multiplyLanes<height.rows>(packedRows + m / tileHeight * rowPanel, packedColumns, steps,
                                       n, sums);
            putTile<height.rows>(sums, out + (m0 + m) * stride + n0 + n, stride, count, false);
          });
        }
      }
    }
  }
}

void multiplyPart(const Call& call, Range rows, Range columns, uint8_t* scratch) {
  const Tensor& out = call.out[0];
  multiplyMany(call.in[0], call.in[1], rows, columns,
               (float*)out.data + rows.first * out.columns + columns.first, out.columns,
               (float*)scratch);
}

void computeMatmul(const Call& call, int64_t chunk, int64_t chunks, uint8_t* scratch) {
  const Tensor &x = call.in[0], &weight = call.in[1];
  if (sharesRows(call)) {
    const Range rows = rangeOf(x.rows, tileHeight, chunk, chunks);
    return multiplyPart(call, rows, {0, weight.rows}, scratch);
  }
  const Range columns = rangeOf(weight.rows, stripColumns, chunk, chunks);
  if (x.rows > fewRows) return multiplyPart(call, {0, x.rows}, columns, scratch);
  withCodec(weight.dtype, [&](auto codec) {
    multiplyFew<decltype(codec)>(x, weight, call.out[0], columns.first, columns.end);
  });
}

// Chunks of an op that works row by row on f32, `elements` in all.
CORRAL_INLINE int64_t rowChunks(int64_t rows, int64_t elements, int threads) {
  constexpr int64_t worthAChunk = 1 << 14;
  return largest(1, smallest(smallest(rows, threads * 4), elements / worthAChunk));
}

int64_t embedChunks(const Call& call, int threads) {
  return rowChunks(call.out[0].rows, call.out[0].rows * call.out[0].columns, threads);
}

void computeEmbed(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Tensor &table = call.in[0], &out = call.out[0];
  const int32_t* ids = (const int32_t*)call.in[1].data;
  const UnpackRow unpack = unpackerOf(table.dtype);
  const int64_t whole = table.columns / lanes * lanes;
  for (int64_t r = out.rows * chunk / chunks; r < out.rows * (chunk + 1) / chunks; r++) {
    const uint8_t* from = table.data + ids[r] * table.rowBytes;
    float* to = (float*)out.data + r * out.columns;
    unpack(from, whole, to, lanes);
    if (whole < table.columns) {
      float last[lanes];
      unpack(from + table.rowBytes * whole / table.columns, table.columns - whole, last, lanes);
      memcpy(to + whole, last, (size_t)(table.columns - whole) * sizeof(float));
    }
  }
}

}  // namespace
