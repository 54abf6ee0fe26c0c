// The gradient of self_attention (arXiv 2205.14135, appendix B.4): blocks of keys meet the tiles of
// queries that attend them; scores are made again from the mass that the forward pass kept. One key
// head of one sequence is one thread's: its sums have one order.
#pragma once
#include "self_attention.h"

namespace {

// Calls use(sequence, kvHead) for the units of a chunk.
template <class Use>
CORRAL_INLINE void forSequenceHeads(const Call& call, Range units, Use use) {
  const int64_t kvHeads = (int64_t)call.attributes[1];
  int64_t unit = 0;
  forSequences(call, [&](Range sequence) {
    for (int64_t head = 0; head < kvHeads; head++, unit++) {
      if (unit >= units.first && unit < units.end) use(sequence, head);
    }
  });
}

int64_t sequenceHeadsOf(const Call& call) {
  int64_t units = 0;
  forSequenceHeads(call, {0, INT64_MAX}, [&](Range, int64_t) { units++; });
  return units;
}

int64_t selfAttentionGradientChunks(const Call& call, int threads) {
  if (call.stage == 0) return chunksByRow(call, threads);
  if (threads == 1 || elementsOf(call.in[0]) * 32 < worthSharing) return 1;
  return sequenceHeadsOf(call);
}

size_t selfAttentionGradientShared(const Call& call) {
  return (size_t)elementsOf(call.in[5]) * sizeof(float);
}

// The first stage: dout · out of each row and head, sixteen heads at a time. Each takes the head's
// elements in the order of multiplyScores(), so that dout · v − dout · out is 0 for a row that
// attends itself alone.
void multiplyOutputs(const Call& call, int64_t chunk, int64_t chunks) {
  const Heads h = headsOf(call);
  const Range rows = rangeOf(call.in[0].rows, 1, chunk, chunks);
  const float *out = floatsOf(call.in[4]), *dout = floatsOf(call.in[6]);
  for (int64_t i = rows.first * h.heads; i < rows.end * h.heads; i += lanes) {
    const int64_t count = smallest(lanes, rows.end * h.heads - i);
    Vec sum = splat(0.0f);
    for (int64_t d = 0; d < h.headDim; d++) {
      float left[lanes] = {}, right[lanes] = {};
      for (int64_t j = 0; j < count; j++) {
        left[j] = dout[(i + j) * h.headDim + d];
        right[j] = out[(i + j) * h.headDim + d];
      }
      sum = fma(load(left), load(right), sum);
    }
    storeFirst((float*)call.shared + i, sum, count);
  }
}

// One thread's memory for a block of keys and a tile of queries: rows for broadcasts, columns across
// (on their side) and along.
struct GradientMemory {
  float *queryRows, *doutRows, *queryColumns, *doutColumns;
  float *keysAcross, *valuesAcross, *keyColumns;
  float *weights, *slopes;
  float *dkeys, *dvalues, *dqueries;
};

size_t layOutGradient(const Call& call, float* base, GradientMemory* memory) {
  const Heads h = headsOf(call);
  size_t used = 0;
  const auto take = [&](int64_t floats) {
    float* at = base + used;
    used += (size_t)packedRowElements(floats);
    return at;
  };
  const int64_t rows = roundUp(attentionBlock, tileHeight) * h.padded;
  // A register tile may read a panel more than there is.
  const int64_t wide = attentionBlock * (h.padded + panelColumns);
  memory->queryRows = take(rows);
  memory->doutRows = take(rows);
  memory->queryColumns = take(wide);
  memory->doutColumns = take(wide);
  memory->keysAcross = take(wide);
  memory->valuesAcross = take(wide);
  memory->keyColumns = take(wide);
  memory->weights = take(attentionBlock * attentionBlock);
  memory->slopes = take(attentionBlock * attentionBlock);
  memory->dkeys = take(attentionBlock * h.padded);
  memory->dvalues = take(attentionBlock * h.padded);
  memory->dqueries = take(attentionBlock * h.padded);
  return used * sizeof(float);
}

size_t selfAttentionGradientScratch(const Call& call) {
  GradientMemory memory;
  // Only offsets are taken; the address is never used.
  return layOutGradient(call, (float*)64, &memory);
}

// The queries of a tile that attend each key, counted from the tile's first: starts never decrease,
// so they follow each other.
void attendingRanges(const Range* keyRanges, int64_t queries, int64_t keys, Range* ranges) {
  for (int64_t j = 0; j < keys; j++) {
    int64_t first = 0;
    while (first < queries && keyRanges[first].end <= j) first++;
    int64_t end = first;
    while (end < queries && keyRanges[end].first <= j) end++;
    ranges[j] = {first, end};
  }
}

// Scores become weights p = e^(score − mass), and dout · v becomes ds = p · (dout · v − dout · out) ·
// scale; nothing outside of the range is looked at again.
CORRAL_INLINE void slopeRow(float* weights, float* slopes, float scale, float mass, float shared,
                            Range range) {
  const Vec masses = splat(mass), all = splat(shared), factor = splat(scale);
  for (int64_t i = range.first / lanes * lanes; i < range.end; i += lanes) {
    const Vec p = exponential(load(weights + i) * factor - masses);
    store(weights + i, p);
    store(slopes + i, p * (load(slopes + i) - all) * factor);
  }
}

// One head's queries of a tile against the block of keys that is packed.
void addTile(const Call& call, const Heads& h, const GradientMemory& memory, Range rows, int64_t head,
             const Range* keyRanges, const Range* queryRanges, int64_t keys) {
  const int64_t queries = rows.size();
  const int64_t at = rows.first * h.width + head * h.headDim;
  const float *q = floatsOf(call.in[0]) + at, *dout = floatsOf(call.in[6]) + at;
  packRowsAlongK(q, h.width, queries, h.headDim, memory.queryRows);
  packRowsAlongK(dout, h.width, queries, h.headDim, memory.doutRows);
  packHead(q, h.width, queries, h.headDim, memory.queryColumns);
  packHead(dout, h.width, queries, h.headDim, memory.doutColumns);
  multiplyScores(memory.queryRows, memory.keysAcross, h.headDim, queries, keys, memory.weights);
  multiplyScores(memory.doutRows, memory.valuesAcross, h.headDim, queries, keys, memory.slopes);
  for (int64_t i = 0; i < queries; i++) {
    const int64_t place = (rows.first + i) * h.heads + head;
    slopeRow(memory.weights + i * attentionBlock, memory.slopes + i * attentionBlock, h.scale,
             floatsOf(call.in[5])[place], ((const float*)call.shared)[place], keyRanges[i]);
  }
  const int64_t queryStride = queries * panelColumns;
  multiplyRanges<1, attentionBlock>(memory.weights, queryRanges, keys, memory.doutColumns,
                                    queryStride, h.padded, memory.dvalues);
  multiplyRanges<1, attentionBlock>(memory.slopes, queryRanges, keys, memory.queryColumns,
                                    queryStride, h.padded, memory.dkeys);
  memset(memory.dqueries, 0, (size_t)(queries * h.padded) * sizeof(float));
  multiplyRanges<attentionBlock, 1>(memory.slopes, keyRanges, queries, memory.keyColumns,
                                    keys * panelColumns, h.padded, memory.dqueries);
  for (int64_t i = 0; i < queries; i++) {
    float* to = resultsOf(call.out[0]) + at + i * h.width;
    mapRow(to, memory.dqueries + i * h.padded, to, h.headDim,
           [](Vec sum, Vec added) { return sum + added; });
  }
}

void addBlock(const Call& call, const Heads& h, const GradientMemory& memory, Range sequence,
              int64_t kvHead, int64_t block) {
  const int32_t* starts = startsOf(call);
  const int64_t keys = smallest(attentionBlock, sequence.end - block);
  const int64_t at = block * h.kvWidth + kvHead * h.headDim;
  const float* k = floatsOf(call.in[1]) + at;
  packKeysAcross(k, h.kvWidth, keys, h.headDim, memory.keysAcross);
  packKeysAcross(floatsOf(call.in[2]) + at, h.kvWidth, keys, h.headDim, memory.valuesAcross);
  packHead(k, h.kvWidth, keys, h.headDim, memory.keyColumns);
  memset(memory.dkeys, 0, (size_t)(keys * h.padded) * sizeof(float));
  memset(memory.dvalues, 0, (size_t)(keys * h.padded) * sizeof(float));

  Range keyRanges[attentionBlock], queryRanges[attentionBlock];
  for (int64_t first = block; first < sequence.end; first += attentionBlock) {
    const Range rows = {first, smallest(first + attentionBlock, sequence.end)};
    // Later rows attend no earlier keys than this one.
    if (attendedBy(h, starts, first).first >= block + keys) break;
    attendedRanges(h, starts, rows, block, keys, keyRanges);
    attendingRanges(keyRanges, rows.size(), keys, queryRanges);
    for (int64_t g = 0; g < h.group; g++) {
      addTile(call, h, memory, rows, kvHead * h.group + g, keyRanges, queryRanges, keys);
    }
  }
  for (int64_t i = 0; i < keys; i++) {
    const size_t bytes = (size_t)h.headDim * sizeof(float);
    memcpy(resultsOf(call.out[1]) + at + i * h.kvWidth, memory.dkeys + i * h.padded, bytes);
    memcpy(resultsOf(call.out[2]) + at + i * h.kvWidth, memory.dvalues + i * h.padded, bytes);
  }
}

void computeSelfAttentionGradient(const Call& call, int64_t chunk, int64_t chunks,
                                  uint8_t* scratch) {
  if (call.stage == 0) return multiplyOutputs(call, chunk, chunks);
  const Heads h = headsOf(call);
  GradientMemory memory;
  layOutGradient(call, (float*)scratch, &memory);
  const Range units = rangeOf(sequenceHeadsOf(call), 1, chunk, chunks);
  forSequenceHeads(call, units, [&](Range sequence, int64_t kvHead) {
    const int64_t width = h.group * h.headDim;
    for (int64_t r = sequence.first; r < sequence.end; r++) {
      memset(resultsOf(call.out[0]) + r * h.width + kvHead * width, 0,
             (size_t)width * sizeof(float));
    }
    for (int64_t block = sequence.first; block < sequence.end; block += attentionBlock) {
      addBlock(call, h, memory, sequence, kvHead, block);
    }
  });
}

}  // namespace
