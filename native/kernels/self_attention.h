// Attention of packed training sequences to themselves, without a cache and without ever storing a
// score matrix (arXiv 2205.14135): tiles of queries meet blocks of keys, whose scores live in a
// thread's own memory. What a row does not attend is never multiplied, were it a NaN. Knows the rows
// of one key head of one sequence at a time: threads share those.
#pragma once
#include "attention.h"
#include "products.h"

namespace {

// Queries of a tile and keys of a block.
constexpr int64_t attentionBlock = 64;

struct Heads {
  int64_t heads, kvHeads, group, headDim, padded, window, width, kvWidth;
  float scale;
};

Heads headsOf(const Call& call) {
  Heads h;
  h.heads = (int64_t)call.attributes[0];
  h.kvHeads = (int64_t)call.attributes[1];
  h.headDim = (int64_t)call.attributes[2];
  h.scale = (float)call.attributes[3];
  h.window = (int64_t)call.attributes[4];
  h.group = h.heads / h.kvHeads;
  h.padded = packedRowElements(h.headDim);
  h.width = h.heads * h.headDim;
  h.kvWidth = h.kvHeads * h.headDim;
  return h;
}

CORRAL_INLINE const int32_t* startsOf(const Call& call) { return (const int32_t*)call.in[3].data; }

// Keys that a row attends: the sequence's from its start on, or the last `window` of them.
CORRAL_INLINE Range attendedBy(const Heads& h, const int32_t* starts, int64_t row) {
  const int64_t first = h.window > 0 ? row - h.window + 1 : 0;
  return {largest(starts[row], first), row + 1};
}

// Calls use(rows of a sequence) for each sequence, in order.
template <class Use>
CORRAL_INLINE void forSequences(const Call& call, Use use) {
  const int32_t* starts = startsOf(call);
  const int64_t rows = call.in[0].rows;
  for (int64_t first = 0; first < rows;) {
    int64_t end = first + 1;
    // Starts never decrease: a row belongs to the rows before it until it starts with itself.
    while (end < rows && starts[end] < end) end++;
    use(Range{first, end});
    first = end;
  }
}

// Rows of one key head as column panels [panel, headDim, 16]: the keys of a block on their side.
void packKeysAcross(const float* from, int64_t stride, int64_t rows, int64_t headDim, float* to) {
  for (int64_t first = 0; first < rows; first += panelColumns, to += headDim * panelColumns) {
    const float* row = from + first * stride;
    const int64_t count = smallest(panelColumns, rows - first);
    int64_t d = 0;
    if (count == panelColumns) {
      for (; d + 4 <= headDim; d += 4) {
        transposeColumns<panelColumns>(row + d, stride, to + d * panelColumns, panelColumns);
      }
    }
    for (; d < headDim; d++) {
      for (int64_t i = 0; i < count; i++) to[d * panelColumns + i] = row[i * stride + d];
    }
  }
}

// Rows of one head as column panels [panel of the head, rows, 16]; zeros behind the head.
void packHead(const float* from, int64_t stride, int64_t rows, int64_t headDim, float* to) {
  for (int64_t r = 0; r < rows; r++, from += stride, to += panelColumns) {
    unpackRow<F32Codec>((const uint8_t*)from, headDim, to, rows * panelColumns);
  }
}

// scores [queries, attentionBlock] = packed queries · packed keys.
void multiplyScores(const float* queries, const float* keys, int64_t headDim, int64_t queryCount,
                    int64_t keyCount, float* scores) {
  for (int64_t n = 0; n < keyCount; n += tileWidth) {
    const TileColumns columns = tileColumnsAt(keys, headDim * panelColumns, n);
    for (int64_t m = 0; m < queryCount; m += tileHeight) {
      withHeight(smallest(tileHeight, queryCount - m), [&](auto height) {
        Reg sums[height.rows][2] = {};
        multiplyPanels<height.rows>(queries + m * headDim, columns, headDim, sums);
        putTile<height.rows>(sums, scores + m * attentionBlock + n, attentionBlock, tileWidth, false);
      });
    }
  }
}

// out [rows, padded] += a · columns, where row r takes only the steps of ranges[r]. Rows of a tile go
// together over the steps that all of them take, then alone over the rest.
template <int rowStride, int stepStride>
void multiplyRanges(const float* a, const Range* ranges, int64_t rows, const float* panels,
                    int64_t panelStride, int64_t padded, float* out) {
  for (int64_t m = 0; m < rows; m += tileHeight) {
    const int64_t count = smallest(tileHeight, rows - m);
    Range together = ranges[m];
    for (int64_t i = 1; i < count; i++) {
      together.first = largest(together.first, ranges[m + i].first);
      together.end = smallest(together.end, ranges[m + i].end);
    }
    if (together.first >= together.end) together = {0, 0};
    for (int64_t n = 0; n < padded; n += tileWidth) {
      const int64_t width = smallest(tileWidth, padded - n);
      const TileColumns columns = tileColumnsAt(panels, panelStride, n);
      const auto take = [&](auto height, int64_t row, Range steps) {
        Reg sums[height.rows][2] = {};
        const int64_t at = steps.first * panelColumns;
        multiplyPanels<height.rows, rowStride, stepStride>(
            a + row * rowStride + steps.first * stepStride,
            {{columns.at[0] + at, columns.at[1] + at}}, steps.size(), sums);
        putTile<height.rows>(sums, out + row * padded + n, padded, width, true);
      };
      if (together.size() > 0) {
        withHeight(count, [&](auto height) { take(height, m, together); });
      }
      for (int64_t row = m; row < m + count; row++) {
        const Range all = ranges[row];
        const Range before = {all.first, smallest(all.end, together.first)};
        const Range after = {largest(all.first, together.end), all.end};
        if (together.size() > 0 && before.size() > 0) take(Height<1>(), row, before);
        if (after.size() > 0) take(Height<1>(), row, after);
      }
    }
  }
}

// A tile of queries of one sequence, and the key head that it reads.
struct QueryTile {
  Range rows;
  int64_t sequence, kvHead;
};

// Calls use(tile) for the units of a chunk; sequence by sequence, so that a sequence's bits do not
// depend on what it is packed with.
template <class Use>
CORRAL_INLINE void forQueryTiles(const Call& call, Range units, Use use) {
  const int64_t kvHeads = (int64_t)call.attributes[1];
  int64_t unit = 0;
  forSequences(call, [&](Range sequence) {
    for (int64_t first = sequence.first; first < sequence.end; first += attentionBlock) {
      const Range rows = {first, smallest(first + attentionBlock, sequence.end)};
      for (int64_t head = 0; head < kvHeads; head++, unit++) {
        if (unit >= units.first && unit < units.end) use(QueryTile{rows, sequence.first, head});
      }
    }
  });
}

int64_t queryTilesOf(const Call& call) {
  int64_t tiles = 0;
  forQueryTiles(call, {0, INT64_MAX}, [&](const QueryTile&) { tiles++; });
  return tiles;
}

int64_t selfAttentionChunks(const Call& call, int threads) {
  if (threads == 1 || elementsOf(call.in[0]) * 32 < worthSharing) return 1;
  return smallest(queryTilesOf(call), threads * 16);
}

// One thread's memory for a tile of queries, with the numbers of each head of the group.
struct TileMemory {
  float *queries, *keys, *values, *scores, *results, *highest, *total, *correction;
};

size_t layOutTile(const Call& call, float* base, TileMemory* memory) {
  const Heads h = headsOf(call);
  size_t used = 0;
  const auto take = [&](int64_t floats) {
    float* at = base + used;
    used += (size_t)packedRowElements(floats);
    return at;
  };
  // A register tile may read a panel more than there is.
  const int64_t wide = attentionBlock * (h.padded + panelColumns);
  memory->queries = take(h.group * roundUp(attentionBlock, tileHeight) * h.padded);
  memory->keys = take(wide);
  memory->values = take(wide);
  memory->scores = take(attentionBlock * attentionBlock);
  memory->results = take(h.group * attentionBlock * h.padded);
  memory->highest = take(h.group * attentionBlock);
  memory->total = take(h.group * attentionBlock);
  memory->correction = take(attentionBlock);
  return used * sizeof(float);
}

size_t selfAttentionScratch(const Call& call) {
  TileMemory memory;
  // Only offsets are taken; the address is never used.
  return layOutTile(call, (float*)64, &memory);
}

// The keys of [block, block + count) that each query attends, counted from the block's first.
CORRAL_INLINE void attendedRanges(const Heads& h, const int32_t* starts, Range rows, int64_t block,
                                  int64_t count, Range* ranges) {
  for (int64_t r = rows.first; r < rows.end; r++) {
    const Range keys = attendedBy(h, starts, r);
    const int64_t first = smallest(largest(keys.first - block, 0), count);
    ranges[r - rows.first] = {first, largest(first, smallest(keys.end - block, count))};
  }
}

// Scores of one query become weights e^(score − highest), and its running sums are brought up to
// date; returns what earlier results are to be multiplied by.
CORRAL_INLINE float weighScores(float* scores, float scale, Range range, float* highest,
                                float* total) {
  constexpr int vectors = attentionBlock / lanes;
  Vec v[vectors];
  for (int i = 0; i < vectors; i++) {
    v[i] = scaledScores(scores, scale, i * lanes, range.first, range.end);
  }
  const float here = reduceMax(atLeast(atLeast(v[0], v[1]), atLeast(v[2], v[3])));
  const float before = *highest;
  *highest = here > before ? here : before;
  // While every score is -infinity there is nothing to scale by.
  const float base = *highest == -INFINITY ? 0.0f : *highest;
  for (int i = 0; i < vectors; i++) {
    v[i] = exponential(v[i] - splat(base));
    store(scores + i * lanes, v[i]);
  }
  const float correction = exponentialOf(before - base);
  *total = *total * correction + reduce((v[0] + v[1]) + (v[2] + v[3]));
  return correction;
}

void attendTile(const Call& call, const QueryTile& tile, const TileMemory& memory) {
  const Heads h = headsOf(call);
  const int32_t* starts = startsOf(call);
  const int64_t queries = tile.rows.size();
  const int64_t head0 = tile.kvHead * h.group;
  const float* q = floatsOf(call.in[0]) + tile.rows.first * h.width;
  const int64_t packedQueries = roundUp(attentionBlock, tileHeight) * h.padded;
  for (int64_t g = 0; g < h.group; g++) {
    packRowsAlongK(q + (head0 + g) * h.headDim, h.width, queries, h.headDim,
                   memory.queries + g * packedQueries);
  }
  memset(memory.results, 0, (size_t)(h.group * attentionBlock * h.padded) * sizeof(float));
  for (int64_t i = 0; i < h.group * attentionBlock; i++) {
    memory.highest[i] = -INFINITY;
    memory.total[i] = 0;
  }
  Range ranges[attentionBlock];
  // The first row attends the furthest back.
  const int64_t skipped = attendedBy(h, starts, tile.rows.first).first - tile.sequence;
  for (int64_t block = tile.sequence + skipped / attentionBlock * attentionBlock;
       block < tile.rows.end; block += attentionBlock) {
    const int64_t keys = smallest(attentionBlock, tile.rows.end - block);
    const int64_t at = block * h.kvWidth + tile.kvHead * h.headDim;
    packKeysAcross(floatsOf(call.in[1]) + at, h.kvWidth, keys, h.headDim, memory.keys);
    packHead(floatsOf(call.in[2]) + at, h.kvWidth, keys, h.headDim, memory.values);
    attendedRanges(h, starts, tile.rows, block, keys, ranges);
    for (int64_t g = 0; g < h.group; g++) {
      multiplyScores(memory.queries + g * packedQueries, memory.keys, h.headDim, queries, keys,
                     memory.scores);
      float* results = memory.results + g * attentionBlock * h.padded;
      for (int64_t i = 0; i < queries; i++) {
        if (ranges[i].size() == 0) continue;
        const int64_t state = g * attentionBlock + i;
        const Vec correction =
            splat(weighScores(memory.scores + i * attentionBlock, h.scale, ranges[i],
                              memory.highest + state, memory.total + state));
        float* row = results + i * h.padded;
        mapRow(row, row, row, h.padded, [&](Vec v, Vec) { return v * correction; });
      }
      multiplyRanges<attentionBlock, 1>(memory.scores, ranges, queries, memory.values,
                                        keys * panelColumns, h.padded, results);
    }
  }
  for (int64_t i = 0; i < queries; i++) {
    for (int64_t g = 0; g < h.group; g++) {
      const int64_t state = g * attentionBlock + i;
      const float* row = memory.results + state * h.padded;
      const int64_t at = (tile.rows.first + i) * h.heads + head0 + g;
      const Vec total = splat(memory.total[state]);
      mapRow(row, row, resultsOf(call.out[0]) + at * h.headDim, h.headDim,
             [&](Vec v, Vec) { return v / total; });
      resultsOf(call.out[1])[at] =
          memory.highest[state] == -INFINITY
              ? NAN
              : (float)(log((double)memory.total[state]) + (double)memory.highest[state]);
    }
  }
}

void computeSelfAttention(const Call& call, int64_t chunk, int64_t chunks, uint8_t* scratch) {
  TileMemory memory;
  layOutTile(call, (float*)scratch, &memory);
  forQueryTiles(call, rangeOf(queryTilesOf(call), 1, chunk, chunks),
                [&](const QueryTile& tile) { attendTile(call, tile, memory); });
}

}  // namespace
