// Ops that change buffers in place: gradients that add up, AdamW and moving averages.
#pragma once
#include "attention.h"

namespace {

// Pieces are whole blocks of packed states.
constexpr int64_t stateBlock = 32;

int64_t inPlaceChunks(const Call& call, int threads) {
  const int64_t count = elementsOf(call.in[0]);
  return rowChunks(ceilDiv(count, stateBlock), count, threads);
}

CORRAL_INLINE Range inPlacePart(const Call& call, int64_t chunk, int64_t chunks) {
  return rangeOf(elementsOf(call.in[0]), stateBlock, chunk, chunks);
}

void computeAccumulate(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Range part = inPlacePart(call, chunk, chunks);
  float* state = resultsOf(call.in[1]) + part.first;
  mapRow(state, floatsOf(call.in[0]) + part.first, state, part.size(),
         [](Vec sum, Vec added) { return sum + added; });
}

void computeZero(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Range part = inPlacePart(call, chunk, chunks);
  memset(resultsOf(call.in[0]) + part.first, 0, (size_t)part.size() * sizeof(float));
}

void computeEma(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Range part = inPlacePart(call, chunk, chunks);
  const Vec kept = splat((float)call.attributes[0]);
  const Vec taken = splat((float)(1 - call.attributes[0]));
  float* shadow = resultsOf(call.in[0]) + part.first;
  mapRow(shadow, floatsOf(call.in[1]) + part.first, shadow, part.size(),
         [&](Vec before, Vec weight) { return fma(kept, before, taken * weight); });
}

// What AdamW does to every element, from the attributes and the control input.
struct AdamwStep {
  Vec gradientScale, beta1, rest1, beta2, rest2, decayed, rate, root2, eps;

  // The weight after the step; m and v are brought up to date.
  CORRAL_INLINE Vec apply(const AdamwStep& s, Vec weight, Vec gradient, Vec& m, Vec& v) {
    const Vec g = gradient * s.gradientScale;
    m = fma(s.beta1, m, s.rest1 * g);
    v = fma(s.beta2, v, s.rest2 * g * g);
    return weight * s.decayed - s.rate * m / fma(squareRoot(v), s.root2, s.eps);
  }
};

CORRAL_INLINE AdamwStep adamwStep(const Call& call) {
  const double beta1 = call.attributes[0], beta2 = call.attributes[1];
  const float* control = floatsOf(call.in[4]);
  const double rate = (double)control[0];
  return {splat(control[1]),
          splat((float)beta1),
          splat((float)(1 - beta1)),
          splat((float)beta2),
          splat((float)(1 - beta2)),
          splat((float)(1 - rate * call.attributes[3])),
          splat((float)(rate / (double)control[2])),
          splat((float)(1 / sqrt((double)control[3]))),
          splat((float)call.attributes[2])};
}

void adamwPlain(const Call& call, Range part) {
  const AdamwStep step = adamwStep(call);
  float *weight = resultsOf(call.in[0]), *m = resultsOf(call.in[1]), *v = resultsOf(call.in[2]);
  const float* gradient = floatsOf(call.in[3]);
  int64_t i = part.first;
  for (; i + lanes <= part.end; i += lanes) {
    Vec mean = load(m + i), square = load(v + i);
    store(weight + i, AdamwStep::apply(step, load(weight + i), load(gradient + i), mean, square));
    store(m + i, mean);
    store(v + i, square);
  }
  if (i == part.end) return;
  const int64_t rest = part.end - i;
  Vec mean = loadFirst(m + i, rest, 0.0f), square = loadFirst(v + i, rest, 0.0f);
  const Vec next = AdamwStep::apply(step, loadFirst(weight + i, rest, 0.0f),
                                    loadFirst(gradient + i, rest, 0.0f), mean, square);
  storeFirst(weight + i, next, rest);
  storeFirst(m + i, mean, rest);
  storeFirst(v + i, square, rest);
}

// 8-bit states hold m, and the root of v, times this.
constexpr float stateFactor = 4096.0f;

// Non-negative numbers in a block whose scale is the least half that reaches the largest; all are
// rounded up, so that none becomes 0 under an m that is not.
void writeRoots(const float* from, uint8_t* to) {
  float most = 0;
  bool finite = true;
  for (int i = 0; i < stateBlock; i++) {
    most = from[i] > most ? from[i] : most;
    finite &= fabsf(from[i]) < INFINITY;
  }
  const float wanted = most / 127.0f;
  uint16_t half = floatToHalf(wanted);
  if (halfToFloat(half) < wanted) half++;
  const bool isWritable = finite && (half & 0x7c00) != 0x7c00;
  if (!isWritable) half = 0x7e00;
  memcpy(to, &half, 2);
  const float scale = halfToFloat(half);
  for (int i = 0; i < stateBlock; i++) {
    const float level = isWritable && scale > 0 ? ceilf(from[i] / scale) : 0;
    to[2 + i] = (uint8_t)(level > 127 ? 127 : level);
  }
}

void adamwPacked(const Call& call, Range part) {
  constexpr int64_t blockBytes = Q8_0Codec::blockBytes;
  const AdamwStep step = adamwStep(call);
  float* weight = resultsOf(call.in[0]);
  const float* gradient = floatsOf(call.in[3]);
  const Vec factor = splat(stateFactor), inverse = splat(1.0f / stateFactor);
  for (int64_t i = part.first; i < part.end; i += stateBlock) {
    uint8_t* means = call.in[1].data + i / stateBlock * blockBytes;
    uint8_t* roots = call.in[2].data + i / stateBlock * blockBytes;
    float m[stateBlock], root[stateBlock];
    unpackRow<Q8_0Codec>(means, stateBlock, m, lanes);
    unpackRow<Q8_0Codec>(roots, stateBlock, root, lanes);
    for (int64_t j = 0; j < stateBlock; j += lanes) {
      Vec mean = load(m + j) * inverse;
      const Vec before = load(root + j) * inverse;
      Vec square = before * before;
      const Vec next = AdamwStep::apply(step, load(weight + i + j), load(gradient + i + j), mean,
                                        square);
      store(weight + i + j, next);
      store(m + j, mean * factor);
      store(root + j, squareRoot(square) * factor);
    }
    writeQ8Block(m, means);
    writeRoots(root, roots);
  }
}

void computeAdamw(const Call& call, int64_t chunk, int64_t chunks, uint8_t*) {
  const Range part = inPlacePart(call, chunk, chunks);
  if (call.in[1].dtype == corral::DTYPE_Q8_0) return adamwPacked(call, part);
  adamwPlain(call, part);
}

}  // namespace
