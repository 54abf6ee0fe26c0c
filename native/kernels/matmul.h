// Matrix product of f32 activations with weights of any type, and the embedding gather.
//
// Few rows: weights are unpacked into registers and used at once; memory bandwidth is the limit.
// More rows: a strip of weight rows is unpacked chunk by chunk along k into the cache and meets all
// rows of x by register tiles. Threads share the strips; k is never split between them.
#pragma once
#include "codecs.h"
#include "tile.h"

namespace {

using corral::Call;
using corral::Tensor;

constexpr int64_t smallest(int64_t a, int64_t b) { return a < b ? a : b; }
constexpr int64_t largest(int64_t a, int64_t b) { return a > b ? a : b; }
constexpr int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Weight rows that one strip unpacks together.
constexpr int64_t stripColumns = 24;
// Elements of k that are unpacked at a time; a multiple of every block size. A tile's weights of
// this depth (8 KiB) stay in L1, a strip's (48 KiB) in L2.
constexpr int64_t depth = 512;
// Rows of x that meet an unpacked strip before it is unpacked again. More would push the sums
// (64 bytes per element of strip × rows) out of L2.
constexpr int64_t blockRows = 96;
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

int64_t matmulChunks(const Call& call, int threads) {
  const Tensor &x = call.in[0], &weight = call.in[1];
  const int64_t strips = ceilDiv(weight.rows, stripColumns);
  const int64_t work = x.rows * weight.rows * weight.columns;
  if (threads == 1 || work < worthSharing) return 1;
  // Several per thread, so that one that is interrupted holds nobody up for long.
  return smallest(strips, smallest(threads * 8, ceilDiv(work, worthSharing / 2)));
}

CORRAL_INLINE int64_t packedRowElements(int64_t k) { return stepsOf(k) * lanes; }

size_t matmulScratch(const Call& call) {
  const Tensor& x = call.in[0];
  if (x.rows <= fewRows) return 0;
  const int64_t rows = smallest(x.rows, blockRows);
  return (size_t)(rows * packedRowElements(x.columns) + stripColumns * depth +
                  rows * stripColumns * lanes) *
         sizeof(float);
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

// Unpacks columns [n, n + count) over [k0, k0 + elements) into tiles [tile, steps, 4, 16]; columns
// that a last tile lacks stay zero.
CORRAL_INLINE void packStrip(const Tensor& weight, UnpackRow unpack, int64_t n, int64_t count,
                             int64_t k0, int64_t elements, float* to) {
  const int64_t skip = weight.rowBytes * k0 / weight.columns;
  const int64_t tileSize = stepsOf(elements) * tileColumns * lanes;
  // What is unpacked next is fetched now: the same rows' next chunk, or the next strip's first.
  const int64_t bytes = weight.rowBytes * elements / weight.columns;
  const bool isLast = k0 + elements == weight.columns;
  for (int64_t c = 0; c < ceilDiv(count, tileColumns) * tileColumns; c++) {
    float* out = to + c / tileColumns * tileSize + c % tileColumns * lanes;
    if (c < count) {
      const uint8_t* from = weight.data + (n + c) * weight.rowBytes + skip;
      const uint8_t* later = isLast ? from - skip + stripColumns * weight.rowBytes : from + bytes;
      for (int64_t at = 0; at < bytes; at += 64) __builtin_prefetch(later + at, 0, 2);
      unpack(from, elements, out, tileColumns * lanes);
    } else {
      for (int64_t s = 0; s < stepsOf(elements); s++) {
        store(out + s * tileColumns * lanes, splat(0.0f));
      }
    }
  }
}

// Rows [m0, m0 + rows) of x as tiles [k chunk][tile][steps, tile's rows, 16].
CORRAL_INLINE void packRows(const Tensor& x, int64_t m0, int64_t rows, float* to) {
  const float* from = (const float*)x.data + m0 * x.columns;
  for (int64_t k0 = 0; k0 < x.columns; k0 += depth) {
    const int64_t elements = smallest(depth, x.columns - k0);
    for (int64_t m = 0; m < rows; m += tileRows) {
      const int count = (int)smallest(tileRows, rows - m);
      packTile(from + m * x.columns + k0, x.columns, count, elements, to);
      to += stepsOf(elements) * count * lanes;
    }
  }
}

void multiplyStrip(const Call& call, UnpackRow unpack, int64_t m0, int64_t rows, int64_t n,
                   const float* packedX, float* packedW, float* sums) {
  const Tensor &weight = call.in[1], &out = call.out[0];
  const int64_t k = weight.columns;
  const int64_t columns = smallest(stripColumns, weight.rows - n);
  const int64_t columnTiles = ceilDiv(columns, tileColumns);
  memset(sums, 0, (size_t)(rows * columnTiles * tileSums) * sizeof(float));

  const float* xs = packedX;
  for (int64_t k0 = 0; k0 < k; k0 += depth) {
    const int64_t elements = smallest(depth, k - k0);
    const int64_t steps = stepsOf(elements);
    packStrip(weight, unpack, n, columns, k0, elements, packedW);
    for (int64_t tile = 0; tile < columnTiles; tile++) {
      const float* w = packedW + tile * steps * tileColumns * lanes;
      for (int64_t m = 0; m < rows; m += tileRows) {
        const int count = (int)smallest(tileRows, rows - m);
        multiplyTileOf(count, xs + m * steps * lanes, w, steps,
                       sums + (m * columnTiles + tile * count) * tileSums);
      }
    }
    xs += rows * steps * lanes;
  }

  for (int64_t m = 0; m < rows; m++) {
    const int64_t first = m / tileRows * tileRows;
    const int64_t count = smallest(tileRows, rows - first);
    float* to = (float*)out.data + (m0 + m) * out.columns + n;
    for (int64_t tile = 0; tile < columnTiles; tile++) {
      const Four four = reduceTileRow(
          sums + (first * columnTiles + tile * count + (m - first)) * tileSums);
      const int64_t valid = smallest(tileColumns, columns - tile * tileColumns);
      memcpy(to + tile * tileColumns, &four, (size_t)valid * sizeof(float));
    }
  }
}

void computeMatmul(const Call& call, int64_t chunk, int64_t chunks, uint8_t* scratch) {
  const Tensor &x = call.in[0], &weight = call.in[1];
  const int64_t strips = ceilDiv(weight.rows, stripColumns);
  const int64_t first = strips * chunk / chunks * stripColumns;
  const int64_t end = smallest(weight.rows, strips * (chunk + 1) / chunks * stripColumns);
  if (x.rows <= fewRows) {
    withCodec(weight.dtype, [&](auto codec) {
      multiplyFew<decltype(codec)>(x, weight, call.out[0], first, end);
    });
    return;
  }
  const UnpackRow unpack = unpackerOf(weight.dtype);
  const int64_t most = smallest(x.rows, blockRows);
  float* packedX = (float*)scratch;
  float* packedW = packedX + most * packedRowElements(x.columns);
  float* sums = packedW + stripColumns * depth;
  for (int64_t m0 = 0; m0 < x.rows; m0 += blockRows) {
    const int64_t rows = smallest(blockRows, x.rows - m0);
    packRows(x, m0, rows, packedX);
    for (int64_t n = first; n < end; n += stripColumns) {
      multiplyStrip(call, unpack, m0, rows, n, packedX, packedW, sums);
    }
  }
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
