// Matrix product of activations rounded to int8 with packed weights, in two stages: rows are rounded,
// then threads share the panels. An output element is one chain of float multiply-adds, one for each
// block of 32 along k and one more for its minimum, whoever computes it and beside how many rows.
//
// Up to a tile of rows, weights are unpacked into registers and used at once: memory is the limit. More
// rows share a strip of a panel that is unpacked once into the L1 cache.
#pragma once
#include "int8_panels.h"
#include "matmul.h"

namespace {

// Blocks of k in an unpacked strip: about 10 KiB, a third of an L1 cache.
constexpr int64_t stripBlocks = 16;
// Activations that stay in the L2 cache while panels pass by.
constexpr int64_t activationBytes = 512 << 10;
// How far ahead of use packed weights are fetched, in bytes.
constexpr int64_t fetchAhead = 4096;

// Without vectors of bytes there is nothing to keep in registers.
#if defined(CORRAL_PORTABLE)
#define CORRAL_UNROLL
#else
#define CORRAL_UNROLL _Pragma("GCC unroll 8")
#endif

#define CORRAL_MEMBER inline __attribute__((always_inline))

// Where a block of a panel and its head begin.
template <class Panel>
struct PackedBlock {
  const uint8_t *head, *block;

  CORRAL_MEMBER PackedBlock(const uint8_t* panel, int64_t b) {
    head = panel + b / Panel::blocksPerHead * headStride<Panel>;
    block = head + Panel::headBytes + b % Panel::blocksPerHead * blockBytesOf<Panel>;
  }
  CORRAL_MEMBER Ints levels(int i) const {
    return levelsAt<Panel::bits>(block + Panel::scaleBytes, i);
  }
  CORRAL_MEMBER Vec scale() const { return Panel::scale(head, block); }
  CORRAL_MEMBER Vec minimum() const { return Panel::minimum(head, block); }
  CORRAL_MEMBER Ints zeros() const { return Panel::zeros(block); }
  CORRAL_MEMBER Ints factor(int half) const { return Panel::factor(block, half); }
};

// The same, unpacked.
struct StripBlock {
  int32_t groups[8][lanes];
  float scales[lanes], minima[lanes];
  int32_t zeroPairs[lanes], factors[2][lanes];

  CORRAL_MEMBER Ints levels(int i) const { return loadInts(groups[i]); }
  CORRAL_MEMBER Vec scale() const { return load(scales); }
  CORRAL_MEMBER Vec minimum() const { return load(minima); }
  CORRAL_MEMBER Ints zeros() const { return loadInts(zeroPairs); }
  CORRAL_MEMBER Ints factor(int half) const { return loadInts(factors[half]); }
};

// acc[row] += one block of a panel · one block of T rows.
template <class Panel, int T, class Block>
CORRAL_INLINE void addBlock(const Block& block, const ActivationBlock& activations, Vec* acc) {
  constexpr int bits = Panel::bits;
  constexpr int most = Panel::hasFactors ? 4 : 8;
  constexpr int together = groupsBeforeWidening(bits) < most ? groupsBeforeWidening(bits) : most;
  Ints sums[T];
CORRAL_UNROLL
  for (int t = 0; t < T; t++) sums[t] = splatInt(0);
CORRAL_UNROLL
  for (int start = 0; start < 8; start += together) {
    Ints pending[T];
CORRAL_UNROLL
    for (int t = 0; t < T; t++) pending[t] = splatInt(0);
CORRAL_UNROLL
    for (int i = start; i < start + together; i++) {
      const Ints group = block.levels(i);
CORRAL_UNROLL
      for (int t = 0; t < T; t++) {
        int32_t four;
        memcpy(&four, activations.levels[t] + 4 * i, 4);
        pending[t] = addProducts<bits>(pending[t], group, splatInt(four));
      }
    }
CORRAL_UNROLL
    for (int t = 0; t < T; t++) {
      if constexpr (Panel::hasFactors) {
        sums[t] = widen(sums[t], pending[t], block.factor(start / 4));
      } else {
        sums[t] = widen(sums[t], pending[t]);
      }
    }
  }
  const Vec scale = block.scale();
CORRAL_UNROLL
  for (int t = 0; t < T; t++) {
    if constexpr (Panel::hasZeros) {
      int32_t pair;
      memcpy(&pair, activations.sums[t], 4);
      sums[t] = sums[t] - pairProducts(block.zeros(), splatInt(pair));
    }
    acc[t] = fma(toFloat(sums[t]), scale * splat(activations.scale[t]), acc[t]);
    if constexpr (Panel::hasMinimum) {
      acc[t] = fma(block.minimum(), splat(activations.weightedSum[t]), acc[t]);
    }
  }
}

template <class Panel>
CORRAL_INLINE void fetch(const uint8_t* at) {
#pragma GCC unroll 16
  for (int64_t i = 0; i < blockBytesOf<Panel>; i += 64) __builtin_prefetch(at + i);
}

// T rows, one tile at most, times one panel.
template <class Panel, int T>
CORRAL_INLINE void multiplyTile(const uint8_t* panel, const ActivationBlock* activations,
                                int64_t blocks, float* out, int64_t stride, int64_t columns) {
  Vec acc[T];
CORRAL_UNROLL
  for (int t = 0; t < T; t++) acc[t] = splat(0.0f);
  for (int64_t b = 0; b < blocks; b++) {
    const PackedBlock<Panel> block(panel, b);
    fetch<Panel>(block.block + fetchAhead);
    addBlock<Panel, T>(block, activations[b], acc);
  }
CORRAL_UNROLL
  for (int t = 0; t < T; t++) storeFirst(out + t * stride, acc[t], columns);
}

// Calls `use` with a number of rows, 1 to int8TileRows, as a constant.
template <class Use>
CORRAL_INLINE void withTileRows(int64_t rows, Use use) {
  switch (rows) {
#if !defined(CORRAL_PORTABLE)
    case 1: return use(Height<1>());
    case 2: return use(Height<2>());
    case 3: return use(Height<3>());
#endif
#if defined(CORRAL_AVX512)
    case 4: return use(Height<4>());
    case 5: return use(Height<5>());
    case 6: return use(Height<6>());
    case 7: return use(Height<7>());
#endif
    default: return use(Height<int8TileRows>());
  }
}

template <class Panel>
CORRAL_INLINE void unpackStrip(const uint8_t* panel, int64_t first, int64_t count,
                               StripBlock* strip) {
  for (int64_t b = 0; b < count; b++) {
    const PackedBlock<Panel> block(panel, first + b);
    fetch<Panel>(block.block + fetchAhead);
CORRAL_UNROLL
    for (int i = 0; i < 8; i++) storeInts(strip[b].groups[i], block.levels(i));
    store(strip[b].scales, block.scale());
    if constexpr (Panel::hasMinimum) store(strip[b].minima, block.minimum());
    if constexpr (Panel::hasZeros) storeInts(strip[b].zeroPairs, block.zeros());
    if constexpr (Panel::hasFactors) {
      for (int h = 0; h < 2; h++) storeInts(strip[b].factors[h], block.factor(h));
    }
  }
}

// T rows times a strip, added to sixteen sums for each row.
template <class Panel, int T>
CORRAL_INLINE void addStrip(const StripBlock* strip, int64_t count,
                            const ActivationBlock* activations, float* sums) {
  Vec acc[T];
CORRAL_UNROLL
  for (int t = 0; t < T; t++) acc[t] = load(sums + t * lanes);
  for (int64_t b = 0; b < count; b++) addBlock<Panel, T>(strip[b], activations[b], acc);
CORRAL_UNROLL
  for (int t = 0; t < T; t++) store(sums + t * lanes, acc[t]);
}

// `rows` rows times one panel, strip by strip.
template <class Panel>
CORRAL_INLINE void multiplyStrips(const uint8_t* panel, const ActivationBlock* activations,
                                  int64_t rows, int64_t blocks, StripBlock* strip, float* sums) {
  memset(sums, 0, (size_t)(rows * lanes) * sizeof(float));
  for (int64_t first = 0; first < blocks; first += stripBlocks) {
    const int64_t count = smallest(stripBlocks, blocks - first);
    unpackStrip<Panel>(panel, first, count, strip);
    for (int64_t r = 0; r < rows; r += int8TileRows) {
      const ActivationBlock* at = activations + r / int8TileRows * blocks + first;
      withTileRows(smallest(int8TileRows, rows - r), [&](auto height) {
        addStrip<Panel, height.rows>(strip, count, at, sums + r * lanes);
      });
    }
  }
}

// Rows that meet a panel together, whole tiles of them.
CORRAL_INLINE int64_t rowsTogether(const Tensor& x) {
  const int64_t perTile = x.columns / blockLevels * (int64_t)sizeof(ActivationBlock);
  const int64_t tiles = largest(4, activationBytes / perTile);
  return smallest(tiles * int8TileRows, roundUp(x.rows, int8TileRows));
}

int64_t matmulInt8Stages(const Call&) { return 2; }

size_t matmulInt8Shared(const Call& call) {
  const Tensor& x = call.in[0];
  return (size_t)tileBlocks(x.rows, x.columns) * sizeof(ActivationBlock);
}

size_t matmulInt8Scratch(const Call& call) {
  return stripBlocks * sizeof(StripBlock) + (size_t)(rowsTogether(call.in[0]) * lanes) * sizeof(float);
}

int64_t matmulInt8Chunks(const Call& call, int threads) {
  const Tensor &x = call.in[0], &weight = call.in[1];
  if (threads == 1) return 1;
  if (call.stage == 0) {
    constexpr int64_t worthAChunk = 1 << 14;
    const int64_t chunks = x.rows * x.columns / worthAChunk;
    return largest(1, smallest(smallest(x.rows, threads * 4), chunks));
  }
  const int64_t work = x.rows * weight.rows * weight.columns;
  if (work < worthSharing) return 1;
  return smallest(ceilDiv(weight.rows, panelRows),
                  smallest(threads * 8, ceilDiv(work, worthSharing / 2)));
}

template <class Panel>
void multiplyPanelsInt8(const Call& call, Range panels, uint8_t* scratch) {
  const Tensor &x = call.in[0], &weight = call.in[1], &out = call.out[0];
  const ActivationBlock* activations = (const ActivationBlock*)call.shared;
  const int64_t blocks = x.columns / blockLevels;
  const int64_t bytes = panelBytesOf<Panel>(x.columns);
  StripBlock* strip = (StripBlock*)scratch;
  float* sums = (float*)(strip + stripBlocks);
  const int64_t most = rowsTogether(x);
  for (int64_t m = 0; m < x.rows; m += most) {
    const int64_t rows = smallest(most, x.rows - m);
    const ActivationBlock* from = activations + m / int8TileRows * blocks;
    for (int64_t p = panels.first; p < panels.end; p++) {
      const int64_t n = p * panelRows, columns = smallest(panelRows, weight.rows - n);
      const uint8_t* panel = weight.data + p * bytes;
      float* to = (float*)out.data + m * out.columns + n;
      if (rows <= int8TileRows) {
        withTileRows(rows, [&](auto height) {
          multiplyTile<Panel, height.rows>(panel, from, blocks, to, out.columns, columns);
        });
        continue;
      }
      multiplyStrips<Panel>(panel, from, rows, blocks, strip, sums);
      for (int64_t r = 0; r < rows; r++) {
        storeFirst(to + r * out.columns, load(sums + r * lanes), columns);
      }
    }
  }
}

void computeMatmulInt8(const Call& call, int64_t chunk, int64_t chunks, uint8_t* scratch) {
  const Tensor &x = call.in[0], &weight = call.in[1];
  if (call.stage == 0) {
    return quantizeRows((const float*)x.data, x.columns, rangeOf(x.rows, 1, chunk, chunks),
                        (ActivationBlock*)call.shared);
  }
  const Range panels = rangeOf(ceilDiv(weight.rows, panelRows), 1, chunk, chunks);
  withPanel(weight.dtype, [&](auto panel) {
    multiplyPanelsInt8<decltype(panel)>(call, panels, scratch);
  });
}

}  // namespace
