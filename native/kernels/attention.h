// The paged cache and attention over it.
//
// Attention is a streaming softmax (arXiv 2112.05682) over blocks of 64 absolute positions. Blocks
// are cut at the same positions for every row, so a row's bits do not depend on which rows share
// its step. The queries of one group and of neighbouring rows of a sequence meet each key together,
// which is read and unpacked once for them; no memory grows with rows × context.
#pragma once
#include <math.h>

#include "rows.h"

namespace {

constexpr int64_t blockPositions = 64;
// Queries that share a pass over the keys: what keeps their sums and the block in L2.
constexpr int64_t queriesTogether = 24;

struct AttentionShape {
  int64_t heads, kvHeads, group, headDim, padded, pageSize, window, rowsTogether, tiles;
  float scale;
};

AttentionShape attentionShape(const Call& call) {
  AttentionShape shape;
  shape.heads = (int64_t)call.attributes[0];
  shape.kvHeads = (int64_t)call.attributes[1];
  shape.headDim = (int64_t)call.attributes[2];
  shape.pageSize = (int64_t)call.attributes[3];
  shape.scale = (float)call.attributes[4];
  shape.window = (int64_t)call.attributes[5];
  shape.group = shape.heads / shape.kvHeads;
  shape.padded = packedRowElements(shape.headDim);
  shape.rowsTogether = largest(1, queriesTogether / shape.group);
  shape.tiles = ceilDiv(call.in[0].rows, shape.rowsTogether);
  return shape;
}

int64_t attentionChunks(const Call& call, int threads) {
  const AttentionShape shape = attentionShape(call);
  const int32_t* positions = (const int32_t*)call.in[3].data;
  int64_t work = 0;
  for (int64_t r = 0; r < call.in[0].rows; r++) {
    const int64_t seen = (int64_t)positions[r] + 1;
    work += (shape.window > 0 ? smallest(seen, shape.window) : seen) * call.in[0].columns;
  }
  if (threads == 1 || work < worthSharing) return 1;
  return smallest(shape.tiles * shape.kvHeads, threads * 8);
}

// One thread's memory for a tile of queries.
struct AttentionMemory {
  float *queries, *keys, *values, *scores, *sums, *results, *highest, *total, *correction;
};

size_t layOutAttention(const Call& call, float* base, AttentionMemory* memory) {
  const AttentionShape shape = attentionShape(call);
  const int64_t queries = shape.rowsTogether * shape.group;
  size_t used = 0;
  const auto take = [&](int64_t floats) {
    float* at = base + used;
    used += (size_t)packedRowElements(floats);
    return at;
  };
  memory->queries = take(queries * shape.padded);
  memory->keys = take(blockPositions * shape.padded);
  memory->values = take(blockPositions * shape.padded);
  memory->scores = take(queries * blockPositions);
  memory->sums = take(tileRows * tileSums);
  memory->results = take(queries * shape.padded);
  memory->highest = take(queries);
  memory->total = take(queries);
  memory->correction = take(queries);
  return used * sizeof(float);
}

size_t attentionScratch(const Call& call) {
  AttentionMemory memory;
  // Only offsets are taken; the address is never used.
  return layOutAttention(call, (float*)64, &memory);
}

// Queries of one sequence in neighbouring rows, for one key head.
struct Run {
  const Call& call;
  const AttentionShape& shape;
  const AttentionMemory& memory;
  int64_t firstRow, rows, kvHead;

  int64_t queries() const { return rows * shape.group; }
  int64_t positionOf(int64_t query) const {
    return ((const int32_t*)call.in[3].data)[firstRow + query / shape.group];
  }
  int64_t firstPositionOf(int64_t query) const {
    return shape.window > 0 ? largest(0, positionOf(query) - shape.window + 1) : 0;
  }
  // Offset of a query's head in q and in the output.
  int64_t offsetOf(int64_t query) const {
    return (firstRow + query / shape.group) * call.in[0].columns +
           (kvHead * shape.group + query % shape.group) * shape.headDim;
  }
};

void packQueries(const Run& run) {
  const float* q = floatsOf(run.call.in[0]);
  for (int64_t i = 0; i < run.queries(); i++) {
    const int64_t first = i / tileRows * tileRows;
    const int64_t count = smallest(tileRows, run.queries() - first);
    // packTile lays out whole tiles; a row alone goes to its place in one.
    float* to = run.memory.queries + first * run.shape.padded + (i - first) * lanes;
    const float* from = q + run.offsetOf(i);
    for (int64_t d = 0; d < run.shape.headDim; d += lanes, to += count * lanes) {
      const int64_t rest = smallest(lanes, run.shape.headDim - d);
      store(to, rest == lanes ? load(from + d) : loadFirst(from + d, rest, 0.0f));
    }
  }
}

// One head of the cache's rows, as a run reads it.
struct HeadRows {
  const uint8_t* data;
  int64_t rowBytes, headBytes, headDim, padded;
};

// How many positions before its use a head is fetched: a few hundred bytes of a long row are no pattern
// that the hardware would fetch ahead by.
constexpr int64_t fetchedAhead = 16;

// Unpacks the heads in slots[0, count) to places first, first + 1, … of a block: keys as tiles
// [tile, steps, 4, 16], values row by row. Of slots, `known` may be fetched ahead.
template <class Codec, bool tiled>
void unpackHeads(const HeadRows& heads, const int64_t* slots, int64_t count, int64_t known,
                 int64_t first, float* block) {
  for (int64_t p = 0; p < count; p++) {
    if (p + fetchedAhead < known) {
      const uint8_t* later = heads.data + slots[p + fetchedAhead] * heads.rowBytes;
      for (int64_t at = 0; at < heads.headBytes; at += 64) __builtin_prefetch(later + at);
    }
    const int64_t i = first + p;
    float* to = block + (tiled ? i / tileColumns * tileColumns * heads.padded + i % tileColumns * lanes
                               : i * heads.padded);
    unpackRow<Codec>(heads.data + slots[p] * heads.rowBytes, heads.headDim, to,
                     tiled ? tileColumns * lanes : lanes);
  }
}

// unpackHeads for a type that a cache may have.
template <bool tiled>
void unpackHeadsOf(DType dtype, const HeadRows& heads, const int64_t* slots, int64_t count,
                   int64_t known, int64_t first, float* block) {
  switch (dtype) {
    case corral::DTYPE_F16:
      return unpackHeads<F16Codec, tiled>(heads, slots, count, known, first, block);
    case corral::DTYPE_Q8_0:
      return unpackHeads<Q8_0Codec, tiled>(heads, slots, count, known, first, block);
    default: return unpackHeads<F32Codec, tiled>(heads, slots, count, known, first, block);
  }
}

// Unpacks keys and values of positions [from, to) of a block. The run goes on to position `end`.
void unpackPositions(const Run& run, int64_t block, int64_t from, int64_t to, int64_t end) {
  const AttentionShape& shape = run.shape;
  const int64_t pages = run.call.in[5].columns;
  const int32_t* sequence = (const int32_t*)run.call.in[4].data;
  const int32_t* table = (const int32_t*)run.call.in[5].data + sequence[run.firstRow] * pages;
  int64_t slots[blockPositions + fetchedAhead];
  const int64_t known = smallest(to + fetchedAhead, end) - from;
  int64_t page = from / shape.pageSize, offset = from % shape.pageSize;
  for (int64_t i = 0; i < known; i++) {
    slots[i] = (int64_t)table[page] * shape.pageSize + offset;
    if (++offset == shape.pageSize) {
      offset = 0;
      page++;
    }
  }
  const auto headsOf = [&](const Tensor& cache) -> HeadRows {
    const int64_t head = cache.rowBytes * run.kvHead * shape.headDim / cache.columns;
    return {cache.data + head, cache.rowBytes, cache.rowBytes / shape.kvHeads, shape.headDim,
            shape.padded};
  };
  const Tensor &keys = run.call.in[1], &values = run.call.in[2];
  unpackHeadsOf<true>(keys.dtype, headsOf(keys), slots, to - from, known, from - block,
                      run.memory.keys);
  unpackHeadsOf<false>(values.dtype, headsOf(values), slots, to - from, known, from - block,
                       run.memory.values);
}

void scoreBlock(const Run& run, int64_t from, int64_t to) {
  const int64_t steps = run.shape.padded / lanes;
  for (int64_t tile = from / tileColumns; tile < ceilDiv(to, tileColumns); tile++) {
    const float* keys = run.memory.keys + tile * tileColumns * run.shape.padded;
    for (int64_t q = 0; q < run.queries(); q += tileRows) {
      const int count = (int)smallest(tileRows, run.queries() - q);
      multiplyTileOf(count, run.memory.queries + q * run.shape.padded, keys, steps,
                     run.memory.sums);
      for (int m = 0; m < count; m++) {
        const Four four = reduceTileRow(run.memory.sums + m * tileSums);
        memcpy(run.memory.scores + (q + m) * blockPositions + tile * tileColumns, &four,
               sizeof four);
      }
    }
  }
}

// Sixteen scaled scores from place `at` of the block; -infinity outside of [from, to).
CORRAL_INLINE Vec scaledScores(const float* scores, float scale, int64_t at, int64_t from,
                               int64_t to) {
  const Vec v = load(scores + at) * splat(scale);
  if (from <= at && at + lanes <= to) return v;
  float all[lanes];
  store(all, v);
  for (int64_t lane = 0; lane < lanes; lane++) {
    if (at + lane < from || at + lane >= to) all[lane] = -INFINITY;
  }
  return load(all);
}

// Turns a query's scores of places [from, to) of the block into weights e^(score - highest), 0
// elsewhere, and brings its running highest and total up to date.
void weighBlock(const Run& run, int64_t query, int64_t from, int64_t to) {
  constexpr int vectors = blockPositions / lanes;
  float* scores = run.memory.scores + query * blockPositions;
  Vec v[vectors];
  for (int i = 0; i < vectors; i++) {
    v[i] = scaledScores(scores, run.shape.scale, i * lanes, from, to);
  }
  const float here = reduceMax(atLeast(atLeast(v[0], v[1]), atLeast(v[2], v[3])));
  const float before = run.memory.highest[query];
  const float highest = here > before ? here : before;
  // While every score is -infinity there is nothing to scale by.
  const float base = highest == -INFINITY ? 0.0f : highest;
  for (int i = 0; i < vectors; i++) {
    v[i] = exponential(v[i] - splat(base));
    store(scores + i * lanes, v[i]);
  }
  const float correction = exponentialOf(before - base);
  run.memory.highest[query] = highest;
  run.memory.correction[query] = correction;
  run.memory.total[query] =
      run.memory.total[query] * correction + reduce((v[0] + v[1]) + (v[2] + v[3]));
}

// results = results · correction + Σ weight · value, for M queries and W registers of the head,
// positions ascending.
template <int M, int W>
void accumulate(const Run& run, int64_t query, int64_t from, int64_t to, int64_t d) {
  const int64_t padded = run.shape.padded;
  float* results = run.memory.results + query * padded + d;
  const float* weights = run.memory.scores + query * blockPositions;
  Reg acc[M][W];
#pragma GCC unroll 8
  for (int m = 0; m < M; m++) {
    const Reg correction = splatReg(run.memory.correction[query + m]);
#pragma GCC unroll 8
    for (int w = 0; w < W; w++) acc[m][w] = loadReg(results + m * padded + w * regLanes) * correction;
  }
  const float* value = run.memory.values + from * padded + d;
  for (int64_t p = from; p < to; p++, value += padded) {
    Reg column[W];
#pragma GCC unroll 8
    for (int w = 0; w < W; w++) column[w] = loadReg(value + w * regLanes);
#pragma GCC unroll 8
    for (int m = 0; m < M; m++) {
      const Reg weight = splatReg(weights[m * blockPositions + p]);
#pragma GCC unroll 8
      for (int w = 0; w < W; w++) acc[m][w] = fmaReg(weight, column[w], acc[m][w]);
    }
  }
#pragma GCC unroll 8
  for (int m = 0; m < M; m++) {
#pragma GCC unroll 8
    for (int w = 0; w < W; w++) storeReg(results + m * padded + w * regLanes, acc[m][w]);
  }
}

template <int M>
CORRAL_INLINE void accumulateHead(const Run& run, int64_t query, int64_t from, int64_t to) {
  int64_t d = 0;
  for (; d + 4 * regLanes <= run.shape.padded; d += 4 * regLanes) {
    accumulate<M, 4>(run, query, from, to, d);
  }
  for (; d + 2 * regLanes <= run.shape.padded; d += 2 * regLanes) {
    accumulate<M, 2>(run, query, from, to, d);
  }
  for (; d < run.shape.padded; d += regLanes) accumulate<M, 1>(run, query, from, to, d);
}

// Queries that see the same places of the block go together: the heads of a row, and rows that see all
// of it. Nobody touches a place it does not see: a masked value may be a NaN.
void attendBlock(const Run& run, int64_t block) {
#if defined(__AVX512F__)
  constexpr int together = 4;
#else
  constexpr int together = 2;
#endif
  const auto fromOf = [&](int64_t q) { return largest(0, run.firstPositionOf(q) - block); };
  const auto toOf = [&](int64_t q) {
    return smallest(blockPositions, run.positionOf(q) + 1 - block);
  };
  const int64_t queries = run.queries();
  for (int64_t q = 0; q < queries;) {
    const int64_t from = fromOf(q), to = toOf(q);
    int64_t alike = 1;
    while (alike < together && q + alike < queries && fromOf(q + alike) == from &&
           toOf(q + alike) == to) {
      alike++;
    }
    if (from < to) {
      for (int64_t i = 0; i < alike; i++) weighBlock(run, q + i, from, to);
      if (alike == together) {
        accumulateHead<together>(run, q, from, to);
      } else {
        for (int64_t i = 0; i < alike; i++) accumulateHead<1>(run, q + i, from, to);
      }
    }
    q += alike;
  }
}

void attendRun(const Run& run) {
  const AttentionShape& shape = run.shape;
  const int64_t queries = run.queries();
  packQueries(run);
  memset(run.memory.results, 0, (size_t)(queries * shape.padded) * sizeof(float));
  int64_t first = INT64_MAX, last = 0;
  for (int64_t q = 0; q < queries; q++) {
    run.memory.highest[q] = -INFINITY;
    run.memory.total[q] = 0;
    first = smallest(first, run.firstPositionOf(q));
    last = largest(last, run.positionOf(q));
  }
  for (int64_t block = first / blockPositions * blockPositions; block <= last;
       block += blockPositions) {
    const int64_t from = largest(first, block), to = smallest(last + 1, block + blockPositions);
    unpackPositions(run, block, from, to, last + 1);
    scoreBlock(run, from - block, to - block);
    attendBlock(run, block);
  }
  for (int64_t q = 0; q < queries; q++) {
    const float* results = run.memory.results + q * shape.padded;
    float* to = resultsOf(run.call.out[0]) + run.offsetOf(q);
    const Vec total = splat(run.memory.total[q]);
    mapRow(results, results, to, shape.headDim, [&](Vec v, Vec) { return v / total; });
  }
}

void computeAttention(const Call& call, int64_t chunk, int64_t chunks, uint8_t* scratch) {
  const AttentionShape shape = attentionShape(call);
  AttentionMemory memory;
  layOutAttention(call, (float*)scratch, &memory);
  const int32_t* sequence = (const int32_t*)call.in[4].data;
  const int64_t units = shape.tiles * shape.kvHeads;
  for (int64_t unit = units * chunk / chunks; unit < units * (chunk + 1) / chunks; unit++) {
    const int64_t kvHead = unit % shape.kvHeads;
    int64_t row = unit / shape.kvHeads * shape.rowsTogether;
    const int64_t end = smallest(call.in[0].rows, row + shape.rowsTogether);
    while (row < end) {
      int64_t next = row + 1;
      while (next < end && sequence[next] == sequence[row]) next++;
      attendRun({call, shape, memory, row, next - row, kvHead});
      row = next;
    }
  }
}

// As GGUF's reference quantiser: the largest becomes ±127, halves round away from zero. A block with
// a NaN or an infinity, or too large for a half's scale, is stored so that all of it reads as NaN.
void writeQ8Block(const float* from, uint8_t* to) {
  float most = 0;
  bool finite = true;
  for (int i = 0; i < 32; i++) {
    most = fabsf(from[i]) > most ? fabsf(from[i]) : most;
    finite &= fabsf(from[i]) < INFINITY;
  }
  const float scale = most / 127.0f;
  const float inverse = scale == 0 ? 0 : 1.0f / scale;
  const uint16_t half = floatToHalf(scale);
  if (!finite || (half & 0x7c00) == 0x7c00) {
    const uint16_t notANumber = 0x7e00;
    memset(to, 0, 34);
    memcpy(to, &notANumber, 2);
    return;
  }
  memcpy(to, &half, 2);
  for (int i = 0; i < 32; i++) {
    const float level = from[i] * inverse;
    const float away = level < 0 ? level - 0.5f : level + 0.5f;
    to[2 + i] = away == away ? (uint8_t)(int8_t)(int32_t)away : 0;
  }
}

void writeCacheRow(DType dtype, const float* from, int64_t count, uint8_t* to) {
  switch (dtype) {
    case corral::DTYPE_F16:
      for (int64_t i = 0; i + lanes <= count; i += lanes) storeHalves(to + 2 * i, load(from + i));
      for (int64_t i = count / lanes * lanes; i < count; i++) {
        const uint16_t half = floatToHalf(from[i]);
        memcpy(to + 2 * i, &half, 2);
      }
      return;
    case corral::DTYPE_Q8_0:
      for (int64_t i = 0; i < count; i += 32, to += 34) writeQ8Block(from + i, to);
      return;
    default: memcpy(to, from, (size_t)count * sizeof(float));
  }
}

// Chunks are column ranges, so that of two rows for one slot the later one stays.
constexpr int64_t cacheColumns = 256;

int64_t cacheWriteChunks(const Call& call, int threads) {
  return rowChunks(ceilDiv(call.in[0].columns, cacheColumns), elementsOf(call.in[0]), threads);
}

void computeCacheWrite(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Tensor &x = call.in[0], &cache = call.in[1];
  const int32_t* slots = (const int32_t*)call.in[2].data;
  const int64_t pieces = ceilDiv(x.columns, cacheColumns);
  const int64_t first = pieces * chunk / chunks * cacheColumns;
  const int64_t end = smallest(x.columns, pieces * (chunk + 1) / chunks * cacheColumns);
  const int64_t offset = cache.rowBytes * first / cache.columns;
  for (int64_t r = 0; r < x.rows; r++) {
    writeCacheRow(cache.dtype, floatsOf(x) + r * x.columns + first, end - first,
                  cache.data + slots[r] * cache.rowBytes + offset);
  }
}

}  // namespace
