// Cross-entropy from logits, and from hidden states without ever storing all logits: a block of
// rows at a time, whose logits are made by matmul's own code, so that their bits agree.
#pragma once
#include "logits.h"
#include "products.h"
#include "reductions.h"

namespace {

// ln Σ e^x over columns that come in pieces of lossColumns, in order: the highest so far, and the
// sum relative to it in f64.
struct RunningMass {
  float highest = -INFINITY;
  double total = 0;
};

constexpr int64_t lossColumns = 512;

void addMass(RunningMass& mass, const float* x, int64_t count) {
  Vec most = splat(-INFINITY);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) most = atLeast(most, load(x + i));
  if (i < count) most = atLeast(most, loadFirst(x + i, count - i, -INFINITY));
  const float here = reduceMax(most);
  if (here > mass.highest) {
    mass.total *= exp((double)mass.highest - (double)here);
    mass.highest = here;
  }
  // While every logit is -infinity there is nothing to scale by.
  const Vec base = splat(mass.highest == -INFINITY ? 0.0f : mass.highest);
  mass.total += sumOf(x, x, i, [&](Vec v, Vec) { return exponential(v - base); });
  for (; i < count; i++) mass.total += (double)exponentialOf(x[i] - base.part[0][0]);
}

// NaN when there was nothing but -infinity.
CORRAL_INLINE double massOf(const RunningMass& mass) {
  return mass.highest == -INFINITY ? (double)NAN : log(mass.total) + (double)mass.highest;
}

void computeCrossEntropy(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Tensor& logits = call.in[0];
  const int32_t* targets = (const int32_t*)call.in[1].data;
  for (int64_t r = logits.rows * chunk / chunks; r < logits.rows * (chunk + 1) / chunks; r++) {
    const float* row = floatsOf(logits) + r * logits.columns;
    RunningMass mass;
    for (int64_t n = 0; n < logits.columns; n += lossColumns) {
      addMass(mass, row + n, smallest(lossColumns, logits.columns - n));
    }
    resultsOf(call.out[0])[r] = (float)(massOf(mass) - (double)row[targets[r]]);
    resultsOf(call.out[1])[r] = (float)massOf(mass);
  }
}

// Rows whose logits are made together.
constexpr int64_t lossRows = 192;

int64_t linearCrossEntropyChunks(const Call& call, int threads) {
  const Tensor& hidden = call.in[0];
  if (threads == 1 || hidden.rows * elementsOf(call.in[1]) < worthSharing) return 1;
  return evenChunks(ceilDiv(hidden.rows, lossRows / 4), threads);
}

size_t linearCrossEntropyScratch(const Call& call) {
  return manyScratch(call.in[0]) +
         (size_t)(lossRows * (lossColumns + 2 * lanes)) * sizeof(float);
}

void computeLinearCrossEntropy(const Call& call, int64_t chunk, int64_t chunks, uint8_t* scratch) {
  const Tensor &hidden = call.in[0], &weight = call.in[1];
  const int32_t* targets = (const int32_t*)call.in[2].data;
  const int64_t vocab = weight.rows;
  const Range part = rangeOf(hidden.rows, 1, chunk, chunks);
  float* logits = (float*)scratch;
  RunningMass* mass = (RunningMass*)(logits + lossRows * lossColumns);
  float* packed = logits + lossRows * (lossColumns + 2 * lanes);
  for (int64_t r0 = part.first; r0 < part.end; r0 += lossRows) {
    const int64_t rows = smallest(lossRows, part.end - r0);
    for (int64_t r = 0; r < rows; r++) mass[r] = RunningMass();
    for (int64_t n = 0; n < vocab; n += lossColumns) {
      const int64_t columns = smallest(lossColumns, vocab - n);
      multiplyMany(hidden, weight, {r0, r0 + rows}, {n, n + columns}, logits, lossColumns, packed);
      for (int64_t r = 0; r < rows; r++) {
        const float* row = logits + r * lossColumns;
        addMass(mass[r], row, columns);
        const int64_t target = targets[r0 + r] - n;
        // Kept where the loss will be.
        if (target >= 0 && target < columns) resultsOf(call.out[0])[r0 + r] = row[target];
      }
    }
    for (int64_t r = 0; r < rows; r++) {
      float* loss = resultsOf(call.out[0]) + r0 + r;
      *loss = (float)(massOf(mass[r]) - (double)*loss);
      resultsOf(call.out[1])[r0 + r] = (float)massOf(mass[r]);
    }
  }
}

// (e^(logit − mass) − 1 at the target) · dloss over `count` logits from id `first` on.
CORRAL_INLINE void lossSlope(const float* logits, float* out, int64_t first, int64_t count,
                             int64_t target, float mass, float dloss) {
  const int64_t at = target - first;
  const bool hasTarget = at >= 0 && at < count;
  const float slope = hasTarget ? (exponentialOf(logits[at] - mass) - 1.0f) * dloss : 0;
  const Vec masses = splat(mass), factor = splat(dloss);
  mapRow(logits, logits, out, count,
         [&](Vec v, Vec) { return exponential(v - masses) * factor; });
  if (hasTarget) out[at] = slope;
}

void computeCrossEntropyGradient(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Tensor& logits = call.in[0];
  const int32_t* targets = (const int32_t*)call.in[1].data;
  const int64_t vocab = logits.columns;
  for (int64_t r = logits.rows * chunk / chunks; r < logits.rows * (chunk + 1) / chunks; r++) {
    lossSlope(floatsOf(logits) + r * vocab, resultsOf(call.out[0]) + r * vocab, 0, vocab,
              targets[r], floatsOf(call.in[2])[r], floatsOf(call.in[3])[r]);
  }
}

// The gradient from hidden states takes blocks of rows one after another, each in two stages: slopes
// of the block's logits, then the two products with them. A block has at most this many logits (16
// MiB), but rows enough that packing the weight for them is little work, and a multiple of blockSteps.
CORRAL_INLINE int64_t slopeRows(const Call& call) {
  constexpr int64_t most = 1 << 22;
  const int64_t rows = most / call.in[1].rows / blockSteps * blockSteps;
  return smallest(call.in[0].rows, largest(blockSteps, rows));
}

int64_t slopeStages(const Call& call) {
  return call.in[0].rows == 0 ? 1 : 2 * ceilDiv(call.in[0].rows, slopeRows(call));
}

size_t slopeShared(const Call& call) {
  return (size_t)(slopeRows(call) * call.in[1].rows) * sizeof(float);
}

size_t slopeScratch(const Call& call) {
  const size_t products = (size_t)packedFloats * sizeof(float);
  const size_t logits = manyScratch(call.in[0]);
  return logits > products ? logits : products;
}

// How the chunks of a second stage are shared between the products.
struct SlopeChunks {
  int64_t hidden, weight;
};

CORRAL_INLINE SlopeChunks slopeChunks(const Call& call, int64_t chunks) {
  if (call.attributes[0] == 0) return {chunks, 0};
  return {(chunks + 1) / 2, chunks - (chunks + 1) / 2};
}

int64_t linearCrossEntropyGradientChunks(const Call& call, int threads) {
  const int64_t rows = slopeRows(call), vocab = call.in[1].rows;
  const bool isLittle = rows * elementsOf(call.in[1]) < worthSharing;
  if (call.stage % 2 == 0) {
    return threads == 1 || isLittle ? 1 : evenChunks(ceilDiv(vocab, stripColumns * 4), threads);
  }
  // One chunk does both products one after the other.
  return threads == 1 || isLittle ? 1 : threads * 8;
}

void computeSlopes(const Call& call, Range rows, Range ids, uint8_t* scratch) {
  const Tensor &hidden = call.in[0], &weight = call.in[1];
  const int32_t* targets = (const int32_t*)call.in[2].data;
  float* slopes = (float*)call.shared + ids.first;
  multiplyMany(hidden, weight, rows, ids, slopes, weight.rows, (float*)scratch);
  for (int64_t r = rows.first; r < rows.end; r++, slopes += weight.rows) {
    lossSlope(slopes, slopes, ids.first, ids.size(), targets[r], floatsOf(call.in[3])[r],
              floatsOf(call.in[4])[r]);
  }
}

void computeLinearCrossEntropyGradient(const Call& call, int64_t chunk, int64_t chunks,
                                       uint8_t* scratch) {
  const Tensor &hidden = call.in[0], &weight = call.in[1];
  const int64_t dim = hidden.columns, vocab = weight.rows, most = slopeRows(call);
  const int64_t first = call.stage / 2 * most;
  const Range rows = {first, smallest(hidden.rows, first + most)};
  if (call.stage % 2 == 0) {
    return computeSlopes(call, rows, rangeOf(vocab, stripColumns, chunk, chunks), scratch);
  }
  const Tensor slopes = {call.shared, corral::DTYPE_F32, rows.size(), vocab,
                         vocab * (int64_t)sizeof(float)};
  const Tensor block = {hidden.data + first * hidden.rowBytes, hidden.dtype, rows.size(), dim,
                        hidden.rowBytes};
  const Tensor dblock = {call.out[0].data + first * hidden.rowBytes, hidden.dtype, rows.size(), dim,
                         hidden.rowBytes};
  const bool needsWeight = call.attributes[0] != 0;
  const SlopeChunks parts = chunks == 1 ? SlopeChunks{1, 1} : slopeChunks(call, chunks);
  if (chunk < parts.hidden) {
    multiplyTransposed(slopes, weight, dblock, productPart(rows.size(), dim, weight.dtype, chunk, parts.hidden),
                       (float*)scratch);
  }
  if (needsWeight && (chunks == 1 || chunk >= parts.hidden)) {
    const int64_t at = chunks == 1 ? 0 : chunk - parts.hidden;
    const ProductPart part = productPart(vocab, dim, hidden.dtype, at, parts.weight);
    multiplyOuter(slopes, block, part,
                  resultsOf(call.out[1]) + part.rows.first * dim + part.columns.first, dim,
                  (float*)scratch, first > 0);
  }
}

void computeLogSumExpGradient(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Tensor& x = call.in[0];
  const float *factors = floatsOf(call.in[1]), *mass = floatsOf(call.in[2]);
  for (int64_t r = x.rows * chunk / chunks; r < x.rows * (chunk + 1) / chunks; r++) {
    const float* row = floatsOf(x) + r * x.columns;
    const Vec factor = splat(factors[r]), base = splat(mass[r]);
    const Vec slope = splat(factors[r] * floatsOf(call.in[3])[r]);
    mapRow(row, row, resultsOf(call.out[0]) + r * x.columns, x.columns,
           [&](Vec v, Vec) { return exponential(v * factor - base) * slope; });
  }
}

void computePickGradient(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Tensor& out = call.out[0];
  const int32_t* ids = (const int32_t*)call.in[1].data;
  for (int64_t r = out.rows * chunk / chunks; r < out.rows * (chunk + 1) / chunks; r++) {
    float* row = resultsOf(out) + r * out.columns;
    memset(row, 0, (size_t)out.rowBytes);
    row[ids[r]] = floatsOf(call.in[0])[r];
  }
}

}  // namespace
