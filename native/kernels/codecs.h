// How each weight type unpacks into floats, sixteen at a time and in order. The values equal the
// plain dequantisers of src/tensor/codecs bit for bit: a half times a small integer is exact in
// f32, so at most the addition of a minimum rounds. Knows nothing of matrices.
//
// A codec has: blockSize and blockBytes; Scales, what is worked out once per block; span, how many
// vectors unpack() gives at a time; part counts those spans within the block.
#pragma once
#include "../kernels.h"
#include "../simd.h"

namespace {

using corral::DType;

struct NoScales {};

struct F32Codec {
  static constexpr int blockSize = 16, blockBytes = 64, span = 1;
  typedef NoScales Scales;
  CORRAL_INLINE Scales open(const uint8_t*) { return {}; }
  CORRAL_INLINE void unpack(const uint8_t* block, const Scales&, int, Vec* out) {
    out[0] = load((const float*)block);
  }
};

struct F16Codec {
  static constexpr int blockSize = 16, blockBytes = 32, span = 1;
  typedef NoScales Scales;
  CORRAL_INLINE Scales open(const uint8_t*) { return {}; }
  CORRAL_INLINE void unpack(const uint8_t* block, const Scales&, int, Vec* out) {
    out[0] = loadHalves(block);
  }
};

struct Bf16Codec {
  static constexpr int blockSize = 16, blockBytes = 32, span = 1;
  typedef NoScales Scales;
  CORRAL_INLINE Scales open(const uint8_t*) { return {}; }
  CORRAL_INLINE void unpack(const uint8_t* block, const Scales&, int, Vec* out) {
    out[0] = loadBfloats(block);
  }
};

// Nibbles to floats times a scale. The 16 values that can occur are made once per block where a
// register holds them all; a permutation then unpacks 16 weights in one instruction.
struct NibbleScale {
  Vec table;
};

CORRAL_INLINE NibbleScale nibbleScale(float scale, float zero) {
#if defined(__AVX512F__)
  const Reg steps = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return {{{(steps - splatReg(zero)) * splatReg(scale)}}};
#else
  (void)zero;
  return {splat(scale)};
#endif
}

// `low` and `high` nibbles of sixteen bytes, minus `zero`, times the scale.
CORRAL_INLINE void unpackNibbles(const uint8_t* from, const NibbleScale& scale, float zero,
                                 Vec* low, Vec* high) {
  const Ints bytes = loadU8(from);
#if defined(__AVX512F__)
  // The permutation looks at the lowest four bits only.
  (void)zero;
  low->part[0] = (Reg)_mm512_permutexvar_ps((__m512i)bytes.part[0], (__m512)scale.table.part[0]);
  high->part[0] =
      (Reg)_mm512_permutexvar_ps((__m512i)(bytes >> 4).part[0], (__m512)scale.table.part[0]);
#else
  *low = (toFloat(bytes & 15) - splat(zero)) * scale.table;
  *high = (toFloat(bytes >> 4) - splat(zero)) * scale.table;
#endif
}

struct Q4_0Codec {
  static constexpr int blockSize = 32, blockBytes = 18, span = 2;
  typedef NibbleScale Scales;
  CORRAL_INLINE Scales open(const uint8_t* block) { return nibbleScale(loadHalf(block), 8.0f); }
  CORRAL_INLINE void unpack(const uint8_t* block, const Scales& scales, int, Vec* out) {
    unpackNibbles(block + 2, scales, 8.0f, out, out + 1);
  }
};

struct ScaleAndMinimum {
  Vec scale, minimum;
};

struct Q4_1Codec {
  static constexpr int blockSize = 32, blockBytes = 20, span = 2;
  typedef ScaleAndMinimum Scales;
  CORRAL_INLINE Scales open(const uint8_t* block) {
    return {splat(loadHalf(block)), splat(loadHalf(block + 2))};
  }
  CORRAL_INLINE void unpack(const uint8_t* block, const Scales& scales, int, Vec* out) {
    const Ints bytes = loadU8(block + 4);
    out[0] = fma(toFloat(bytes & 15), scales.scale, scales.minimum);
    out[1] = fma(toFloat(bytes >> 4), scales.scale, scales.minimum);
  }
};

CORRAL_INLINE uint32_t loadWord(const uint8_t* from) {
  uint32_t word;
  memcpy(&word, from, 4);
  return word;
}

// Sixteen nibble pairs with a fifth bit each from `fifth`.
CORRAL_INLINE void unpackFiveBits(const uint8_t* from, uint32_t fifth, Ints* low, Ints* high) {
  const Ints bytes = loadU8(from);
  *low = (bytes & 15) | whereBits(fifth, 16);
  *high = (bytes >> 4) | whereBits(fifth >> 16, 16);
}

struct Q5_0Codec {
  static constexpr int blockSize = 32, blockBytes = 22, span = 2;
  typedef Vec Scales;
  CORRAL_INLINE Scales open(const uint8_t* block) { return splat(loadHalf(block)); }
  CORRAL_INLINE void unpack(const uint8_t* block, const Scales& scale, int, Vec* out) {
    Ints low, high;
    unpackFiveBits(block + 6, loadWord(block + 2), &low, &high);
    out[0] = toFloat(low - splatInt(16)) * scale;
    out[1] = toFloat(high - splatInt(16)) * scale;
  }
};

struct Q5_1Codec {
  static constexpr int blockSize = 32, blockBytes = 24, span = 2;
  typedef ScaleAndMinimum Scales;
  CORRAL_INLINE Scales open(const uint8_t* block) {
    return {splat(loadHalf(block)), splat(loadHalf(block + 2))};
  }
  CORRAL_INLINE void unpack(const uint8_t* block, const Scales& scales, int, Vec* out) {
    Ints low, high;
    unpackFiveBits(block + 8, loadWord(block + 4), &low, &high);
    out[0] = fma(toFloat(low), scales.scale, scales.minimum);
    out[1] = fma(toFloat(high), scales.scale, scales.minimum);
  }
};

struct Q8_0Codec {
  static constexpr int blockSize = 32, blockBytes = 34, span = 2;
  typedef Vec Scales;
  CORRAL_INLINE Scales open(const uint8_t* block) { return splat(loadHalf(block)); }
  CORRAL_INLINE void unpack(const uint8_t* block, const Scales& scale, int, Vec* out) {
    out[0] = toFloat(loadI8(block + 2)) * scale;
    out[1] = toFloat(loadI8(block + 18)) * scale;
  }
};

// Scales of a 256-block's groups, and what is subtracted from each group, ready to be broadcast.
struct GroupScales {
  float scale[16];
  float minimum[16];
};

// Sixteen groups of 16: a byte has 4 bits of scale and 4 of minimum.
struct Q2_KCodec {
  static constexpr int blockSize = 256, blockBytes = 84, span = 2;
  typedef GroupScales Scales;
  CORRAL_INLINE Scales open(const uint8_t* block) {
    Scales scales;
    const Ints bytes = loadU8(block);
    store(scales.scale, toFloat(bytes & 15) * splat(loadHalf(block + 80)));
    store(scales.minimum, toFloat(bytes >> 4) * splat(-loadHalf(block + 82)));
    return scales;
  }
  // Byte i of each 32 holds elements i, i + 32, i + 64, i + 96 of 128, two bits each.
  CORRAL_INLINE void unpack(const uint8_t* block, const Scales& scales, int part, Vec* out) {
    const uint8_t* from = block + 16 + part / 4 * 32;
    for (int v = 0; v < 2; v++) {
      const Ints steps = (loadU8(from + 16 * v) >> (part % 4 * 2)) & 3;
      out[v] = fma(toFloat(steps), splat(scales.scale[2 * part + v]),
                   splat(scales.minimum[2 * part + v]));
    }
  }
};

// Sixteen groups of 16 with 6-bit scales about 32: low nibbles in 8 bytes, high pairs in 4.
struct Q3_KCodec {
  static constexpr int blockSize = 256, blockBytes = 110, span = 2;
  typedef GroupScales Scales;
  CORRAL_INLINE Scales open(const uint8_t* block) {
    const uint8_t* packed = block + 96;
    uint8_t sixBits[16];
    for (int i = 0; i < 16; i++) {
      const int low = i < 8 ? packed[i] & 15 : packed[i - 8] >> 4;
      const int high = (packed[8 + i % 4] >> (i / 4 * 2)) & 3;
      sixBits[i] = (uint8_t)(low | high << 4);
    }
    Scales scales;
    store(scales.scale, toFloat(loadU8(sixBits) - splatInt(32)) * splat(loadHalf(block + 108)));
    return scales;
  }
  // Two bits as in q2_k; bit `part` of byte i of the mask is the third, worth 4, and 4 is zero.
  CORRAL_INLINE void unpack(const uint8_t* block, const Scales& scales, int part, Vec* out) {
    const uint8_t* from = block + 32 + part / 4 * 32;
    for (int v = 0; v < 2; v++) {
      const Ints low = (loadU8(from + 16 * v) >> (part % 4 * 2)) & 3;
      const Ints high = ((loadU8(block + 16 * v) >> part) & 1) << 2;
      out[v] = toFloat((low | high) - splatInt(4)) * splat(scales.scale[2 * part + v]);
    }
  }
};

// Eight groups of 32 with 6-bit scales and minima in 12 bytes: of groups 0 to 3 whole in bytes 0 to
// 3 and 4 to 7; of groups 4 to 7 nibbles in bytes 8 to 11 and the high bits atop the others.
// Gives a byte for each: eight scales, eight minima.
CORRAL_INLINE void sixBitPairs(const uint8_t* block, uint32_t (&words)[4]) {
  const uint32_t scales = loadWord(block + 4), minima = loadWord(block + 8);
  const uint32_t nibbles = loadWord(block + 12);
  words[0] = scales & 0x3f3f3f3f;
  words[1] = (nibbles & 0x0f0f0f0f) | ((scales >> 2) & 0x30303030);
  words[2] = minima & 0x3f3f3f3f;
  words[3] = ((nibbles >> 4) & 0x0f0f0f0f) | ((minima >> 2) & 0x30303030);
}

// As floats: scales in lanes 0 to 7, minima in lanes 8 to 15, negated.
CORRAL_INLINE void openSixBitPairs(const uint8_t* block, float* pairs) {
  uint32_t words[4];
  sixBitPairs(block, words);
  const float d = loadHalf(block), dmin = -loadHalf(block + 2);
  const float factors[lanes] = {d,    d,    d,    d,    d,    d,    d,    d,
                                dmin, dmin, dmin, dmin, dmin, dmin, dmin, dmin};
  store(pairs, toFloat(loadU8((const uint8_t*)words)) * load(factors));
}

struct SixBitPairs {
  float pairs[16];
};

struct Q4_KCodec {
  static constexpr int blockSize = 256, blockBytes = 144, span = 4;
  typedef SixBitPairs Scales;
  CORRAL_INLINE Scales open(const uint8_t* block) {
    Scales scales;
    openSixBitPairs(block, scales.pairs);
    return scales;
  }
  // 32 bytes hold two groups: low nibbles, then high ones.
  CORRAL_INLINE void unpack(const uint8_t* block, const Scales& scales, int part, Vec* out) {
    const float* scale = scales.pairs + 2 * part;
    for (int v = 0; v < 2; v++) {
      const Ints bytes = loadU8(block + 16 + part * 32 + v * 16);
      out[v] = fma(toFloat(bytes & 15), splat(scale[0]), splat(scale[8]));
      out[v + 2] = fma(toFloat(bytes >> 4), splat(scale[1]), splat(scale[9]));
    }
  }
};

struct Q5_KCodec {
  static constexpr int blockSize = 256, blockBytes = 176, span = 4;
  typedef SixBitPairs Scales;
  CORRAL_INLINE Scales open(const uint8_t* block) {
    Scales scales;
    openSixBitPairs(block, scales.pairs);
    return scales;
  }
  // As q4_k; bit g of byte i of the 32 after the scales is the fifth of group g's element i.
  CORRAL_INLINE void unpack(const uint8_t* block, const Scales& scales, int part, Vec* out) {
    const float* scale = scales.pairs + 2 * part;
    for (int v = 0; v < 2; v++) {
      const Ints bytes = loadU8(block + 48 + part * 32 + v * 16);
      const Ints fifth = loadU8(block + 16 + v * 16) >> (2 * part);
      const Ints low = (bytes & 15) | ((fifth & 1) << 4);
      const Ints high = (bytes >> 4) | ((fifth & 2) << 3);
      out[v] = fma(toFloat(low), splat(scale[0]), splat(scale[8]));
      out[v + 2] = fma(toFloat(high), splat(scale[1]), splat(scale[9]));
    }
  }
};

// Sixteen groups of 16 with signed scales; four low bits in 128 bytes, two high ones in 64.
struct Q6_KCodec {
  static constexpr int blockSize = 256, blockBytes = 210, span = 8;
  typedef GroupScales Scales;
  CORRAL_INLINE Scales open(const uint8_t* block) {
    Scales scales;
    store(scales.scale, toFloat(loadI8(block + 192)) * splat(loadHalf(block + 208)));
    return scales;
  }
  // Per 128 elements: low nibbles of 64 bytes, then their high nibbles; byte i of 32 holds the
  // high bits of elements i, i + 32, i + 64, i + 96.
  CORRAL_INLINE void unpack(const uint8_t* block, const Scales& scales, int part, Vec* out) {
    const uint8_t* low = block + part * 64;
    const uint8_t* high = block + 128 + part * 32;
    const float* scale = scales.scale + part * 8;
    for (int v = 0; v < 2; v++) {
      const Ints pairs = loadU8(high + 16 * v);
      for (int half = 0; half < 2; half++) {
        const Ints nibbles = loadU8(low + 32 * half + 16 * v);
        const int a = 2 * half + v, b = a + 4;
        const Ints lower = (nibbles & 15) | (((pairs >> (2 * half)) & 3) << 4);
        const Ints upper = (nibbles >> 4) | (((pairs >> (2 * half + 4)) & 3) << 4);
        out[a] = toFloat(lower - splatInt(32)) * splat(scale[a]);
        out[b] = toFloat(upper - splatInt(32)) * splat(scale[b]);
      }
    }
  }
};

// Elements that a row may hold beyond whole blocks of 16, for plain numbers only.
template <class Codec>
constexpr bool plain = Codec::blockSize == lanes;

// The last `count` numbers of a row, zeros after them.
template <class Codec>
CORRAL_INLINE Vec unpackTail(const uint8_t* from, int64_t count) {
  constexpr int64_t bytes = Codec::blockBytes / lanes;
  uint8_t block[64] = {};
  // Half a vector is a head of 8 or 24: a copy of a known size.
  if (count == lanes / 2) {
    memcpy(block, from, lanes / 2 * bytes);
  } else {
    memcpy(block, from, (size_t)(count * bytes));
  }
  Vec out[Codec::span];
  Codec::unpack(block, Codec::open(block), 0, out);
  return out[0];
}

// Unpacks `count` elements of a row into vectors `stride` floats apart; a last partial vector is
// filled with zeros. `from` is at a block's start.
template <class Codec>
void unpackRow(const uint8_t* from, int64_t count, float* out, int64_t stride) {
  const int64_t blocks = count / Codec::blockSize;
  for (int64_t b = 0; b < blocks; b++, from += Codec::blockBytes) {
    const typename Codec::Scales scales = Codec::open(from);
    for (int part = 0; part < Codec::blockSize / lanes / Codec::span; part++) {
      Vec values[Codec::span];
      Codec::unpack(from, scales, part, values);
      for (int v = 0; v < Codec::span; v++, out += stride) store(out, values[v]);
    }
  }
  if constexpr (plain<Codec>) {
    if (count % lanes != 0) store(out, unpackTail<Codec>(from, count % lanes));
  }
}

// Calls `use(codec)` with the codec of a dtype; the runtime admits no type that has none.
template <class Use>
CORRAL_INLINE void withCodec(DType dtype, Use use) {
  switch (dtype) {
    case corral::DTYPE_F32: return use(F32Codec());
    case corral::DTYPE_F16: return use(F16Codec());
    case corral::DTYPE_BF16: return use(Bf16Codec());
    case corral::DTYPE_Q4_0: return use(Q4_0Codec());
    case corral::DTYPE_Q4_1: return use(Q4_1Codec());
    case corral::DTYPE_Q5_0: return use(Q5_0Codec());
    case corral::DTYPE_Q5_1: return use(Q5_1Codec());
    case corral::DTYPE_Q8_0: return use(Q8_0Codec());
    case corral::DTYPE_Q2_K: return use(Q2_KCodec());
    case corral::DTYPE_Q3_K: return use(Q3_KCodec());
    case corral::DTYPE_Q4_K: return use(Q4_KCodec());
    case corral::DTYPE_Q5_K: return use(Q5_KCodec());
    case corral::DTYPE_Q6_K: return use(Q6_KCodec());
    case corral::DTYPE_I32: return;
  }
}

// Unpacks a row, or a part that starts at a block, of any type.
typedef void (*UnpackRow)(const uint8_t* from, int64_t count, float* out, int64_t stride);

CORRAL_INLINE UnpackRow unpackerOf(DType dtype) {
  UnpackRow unpack = nullptr;
  withCodec(dtype, [&](auto codec) { unpack = unpackRow<decltype(codec)>; });
  return unpack;
}

}  // namespace
