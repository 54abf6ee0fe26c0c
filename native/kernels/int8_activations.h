// Activations as the integer kernels read them: rounded to int8 in blocks of 32, with the block's
// scale and sums, for a tile of rows together. One rounding for any number of rows, so that a row's
// bits never depend on its company.
#pragma once
#include "gemm.h"
#include "int8_dot.h"

namespace {

constexpr int64_t blockLevels = 32;

// Rows whose sums stay in registers together.
#if defined(CORRAL_AVX512)
constexpr int int8TileRows = 8;
#elif defined(CORRAL_PORTABLE)
constexpr int int8TileRows = 1;
#else
constexpr int int8TileRows = 4;
#endif

// A block of a tile. Tiles lie block after block, so that a kernel reads one stream: rows as far
// apart as they lie in x would share cache sets.
struct ActivationBlock {
  int8_t levels[int8TileRows][blockLevels];
  // x ≈ scale · level
  float scale[int8TileRows];
  // scale · Σ levels
  float weightedSum[int8TileRows];
  // Σ of levels 0 to 15 and of 16 to 31: a pair for pairProducts().
  int16_t sums[int8TileRows][2];
};

CORRAL_INLINE int64_t tileBlocks(int64_t rows, int64_t k) {
  return ceilDiv(rows, int8TileRows) * (k / blockLevels);
}

CORRAL_INLINE Vec magnitude(Vec v) { return asFloat(asInts(v) & 0x7fffffff); }

// Sixteen numbers of at most ±127 to the nearest integers, ties to even; returns their sum.
CORRAL_INLINE int16_t roundLevels(Vec v, int8_t* to) {
  const Vec magic = splat(12582912.0f);  // 1.5 · 2^23: adding it rounds to an integer
  const Vec shifted = v + magic;
  storeBytes(to, asInts(shifted) - asInts(magic));
  return (int16_t)reduce(shifted - magic);
}

// Rounds one row into its place in a tile. A block with a NaN or an infinity gets the scale NaN, so
// that all of the row's results are; one whose numbers are all below 1e-30 becomes zeros.
CORRAL_INLINE void quantizeRow(const float* x, int64_t k, int row, ActivationBlock* to) {
  for (int64_t i = 0; i < k; i += blockLevels, to++) {
    const Vec first = load(x + i), second = load(x + i + lanes);
    const Vec zero = splat(0.0f);
    // 0 unless there is a NaN or an infinity.
    const float damage = reduce(first * zero + second * zero);
    const float largest = reduceMax(atLeast(magnitude(first), magnitude(second)));
    const bool isSound = damage == 0.0f && largest >= 1e-30f;
    const Vec factor = splat(isSound ? 127.0f / largest : 0.0f);
    const float scale = damage == 0.0f ? (isSound ? largest / 127.0f : 0.0f) : damage;
    int8_t* levels = to->levels[row];
    // A NaN times 0 would still be one.
    const Ints kept = splatInt(isSound ? -1 : 0);
    const int16_t low = roundLevels(asFloat(asInts(first * factor) & kept), levels);
    const int16_t high = roundLevels(asFloat(asInts(second * factor) & kept), levels + lanes);
    to->scale[row] = scale;
    to->weightedSum[row] = scale * (float)(low + high);
    to->sums[row][0] = low;
    to->sums[row][1] = high;
  }
}

// Rounds rows [range.first, range.end) of x into their tiles.
CORRAL_INLINE void quantizeRows(const float* x, int64_t k, Range range, ActivationBlock* tiles) {
  for (int64_t r = range.first; r < range.end; r++) {
    quantizeRow(x + r * k, k, (int)(r % int8TileRows),
                tiles + r / int8TileRows * (k / blockLevels));
  }
}

}  // namespace
