// Weights packed for the integer kernels. A panel is sixteen rows of a matrix, block after block of 32
// along k; a block has its scales first and then registers of levels, group by group: register i holds
// levels 4i to 4i + 3 of all sixteen rows, row after row. Levels are unsigned, of 4, 5, 6 or 8 bits:
//
//   256 bytes: the low four bits of groups 0 to 3, and above them those of groups 4 to 7
//   5 bits: 64 bytes more, bit i of each for group i; 6 bits: 128 more, two bits for each group
//   8 bits: eight registers as they are
//
// So a panel takes the bytes its rows take in the file (K types with minima: 3 % more). k-quants keep
// their half-precision scales once per eight blocks, at the head of these.
#pragma once
#include "codecs.h"
#include "int8_activations.h"

namespace {

using corral::Tensor;

using corral::panelRows;

static_assert(panelRows == lanes, "a panel's rows are the lanes of its sums");

// Another number for every change to what packPanels() writes, and for every instruction set that writes
// something of its own: panels kept on disk under another number are packed anew.
constexpr int32_t panelLayout = 1;

// A panel type says how the sums of a block become weights: weight = scale · level + minimum, or scale ·
// factor · (level − zero) with integer factors for each half of a block. zeros() gives what
// pairProducts() multiplies with the activations' sums to take the zero point back out.

constexpr int64_t levelBytes(int bits) { return bits == 8 ? 512 : 256 + 64 * (bits - 4); }

// Group i of a block's levels.
template <int bits>
CORRAL_INLINE Ints levelsAt(const uint8_t* levels, int i) {
  if constexpr (bits == 8) {
    const Ints stored = loadInts(levels + 64 * i);
    return levelsAreSigned ? stored ^ bytesOf(-128) : stored;
  }
  const Ints pairs = loadInts(levels + 64 * (i % 4));
  const Ints low = (i < 4 ? pairs : pairs >> 4) & bytesOf(15);
  if constexpr (bits == 5) {
    const Ints fifth = loadInts(levels + 256);
    return low | ((i < 4 ? fifth << (4 - i) : fifth >> (i - 4)) & bytesOf(16));
  }
  if constexpr (bits == 6) {
    const Ints high = loadInts(levels + 256 + 64 * (i / 4));
    const int up = 4 - 2 * (i % 4);
    return low | ((up >= 0 ? high << up : high >> -up) & bytesOf(48));
  }
  return low;
}

CORRAL_INLINE void storeWord(uint8_t* to, int64_t row, uint32_t word) {
  memcpy(to + 4 * row, &word, 4);
}

CORRAL_INLINE void storeHalf(uint8_t* to, int64_t row, const uint8_t* from, int flipped = 0) {
  to[2 * row] = from[0];
  to[2 * row + 1] = (uint8_t)(from[1] ^ flipped);
}

// Of a row's block: sixteen bytes of nibbles, the low ones first, as the 32-types have them.
CORRAL_INLINE void packNibbles(const uint8_t* from, int64_t row, uint8_t* levels) {
  for (int i = 0; i < 4; i++) storeWord(levels + 64 * i, row, loadWord(from + 4 * i));
}

// Bit j of `bits` belongs to level j: it becomes bit j / 4 of byte j % 4.
CORRAL_INLINE void packFifthBits(uint32_t bits, int64_t row, uint8_t* to) {
  uint32_t word = 0;
  for (int i = 0; i < 8; i++) {
    const uint32_t four = bits >> (4 * i) & 15;
    word |= ((four & 1) | (four & 2) << 7 | (four & 4) << 14 | (four & 8) << 21) << i;
  }
  storeWord(to, row, word);
}

// d · (q − zero) in blocks of 32: q4_0, q5_0 and, with bytes for levels, q8_0.
template <int levelBits, int zeroPoint>
struct SymmetricPanel {
  static constexpr int bits = levelBits;
  static constexpr bool hasMinimum = false, hasFactors = false, hasZeros = zeroPoint != 0;
  static constexpr int64_t headBytes = 0, blocksPerHead = 1, scaleBytes = 32;
  static constexpr int64_t sourceBytes = bits == 8 ? 34 : bits == 5 ? 22 : 18;

  CORRAL_INLINE Vec scale(const uint8_t*, const uint8_t* block) { return loadHalves(block); }
  CORRAL_INLINE Ints zeros(const uint8_t*) { return splatInt(zeroPoint | zeroPoint << 16); }
  CORRAL_INLINE void pack(const uint8_t* source, int64_t row, uint8_t* block) {
    uint8_t* levels = block + scaleBytes;
    storeHalf(block, row, source);
    if constexpr (bits == 8) {
      for (int i = 0; i < 8; i++) {
        storeWord(levels + 64 * i, row, loadWord(source + 2 + 4 * i) ^ (uint32_t)bytesOf(-128));
      }
    } else {
      if constexpr (bits == 5) packFifthBits(loadWord(source + 2), row, levels + 256);
      packNibbles(source + (bits == 5 ? 6 : 2), row, levels);
    }
  }
};

// d · q + m in blocks of 32: q4_1 and q5_1.
template <int levelBits>
struct AffinePanel {
  static constexpr int bits = levelBits;
  static constexpr bool hasMinimum = true, hasFactors = false, hasZeros = false;
  static constexpr int64_t headBytes = 0, blocksPerHead = 1, scaleBytes = 64;
  static constexpr int64_t sourceBytes = bits == 5 ? 24 : 20;

  CORRAL_INLINE Vec scale(const uint8_t*, const uint8_t* block) { return loadHalves(block); }
  CORRAL_INLINE Vec minimum(const uint8_t*, const uint8_t* block) {
    return loadHalves(block + 32);
  }
  CORRAL_INLINE void pack(const uint8_t* source, int64_t row, uint8_t* block) {
    uint8_t* levels = block + scaleBytes;
    storeHalf(block, row, source);
    storeHalf(block + 32, row, source + 2);
    if constexpr (bits == 5) packFifthBits(loadWord(source + 4), row, levels + 256);
    packNibbles(source + (bits == 5 ? 8 : 4), row, levels);
  }
};

// d · scale · q − dmin · minimum, with scales and minima of six bits for each 32: q4_k and q5_k.
template <int levelBits>
struct SixBitPairsPanel {
  static constexpr int bits = levelBits;
  static constexpr bool hasMinimum = true, hasFactors = false, hasZeros = false;
  static constexpr int64_t headBytes = 64, blocksPerHead = 8, scaleBytes = 32;
  static constexpr int64_t sourceBytes = bits == 5 ? 176 : 144;
  static constexpr int64_t blockBytes = scaleBytes + levelBytes(bits);

  CORRAL_INLINE Vec scale(const uint8_t* head, const uint8_t* block) {
    return toFloat(loadU8(block)) * loadHalves(head);
  }
  CORRAL_INLINE Vec minimum(const uint8_t* head, const uint8_t* block) {
    return toFloat(loadU8(block + 16)) * loadHalves(head + 32);
  }
  // Levels lie in 32 bytes for two blocks, the first one's in the low nibbles; bit b of byte l of the
  // fifth bits belongs to level l of block b.
  CORRAL_INLINE void pack(const uint8_t* source, int64_t row, uint8_t* head) {
    storeHalf(head, row, source);
    storeHalf(head + 32, row, source + 2, 0x80);
    uint32_t sixBits[4];
    sixBitPairs(source, sixBits);
    for (int b = 0; b < 8; b++) {
      uint8_t* block = head + headBytes + b * blockBytes;
      uint8_t* levels = block + scaleBytes;
      block[row] = (uint8_t)(sixBits[b / 4] >> (8 * (b % 4)));
      block[16 + row] = (uint8_t)(sixBits[2 + b / 4] >> (8 * (b % 4)));
      const uint8_t* from = source + (bits == 5 ? 48 : 16) + b / 2 * 32;
      const int down = b % 2 * 4;
      for (int i = 0; i < 4; i++) {
        const uint32_t low = loadWord(from + 4 * i) >> down & (uint32_t)bytesOf(15);
        const uint32_t high = loadWord(from + 16 + 4 * i) >> down & (uint32_t)bytesOf(15);
        storeWord(levels + 64 * i, row, low | high << 4);
      }
      if constexpr (bits == 5) {
        uint32_t fifth = 0;
        for (int i = 0; i < 8; i++) {
          fifth |= (loadWord(source + 16 + 4 * i) >> b & (uint32_t)bytesOf(1)) << i;
        }
        storeWord(levels + 256, row, fifth);
      }
    }
  }
};

// d · scale · (q − 32), with signed scales for each 16: q6_k. The scales join the integer sums, so that
// both halves of a block meet one float.
struct SixBitPanel {
  static constexpr int bits = 6;
  static constexpr bool hasMinimum = false, hasFactors = true, hasZeros = true;
  static constexpr int64_t headBytes = 32, blocksPerHead = 8, scaleBytes = 32;
  static constexpr int64_t sourceBytes = 210;
  static constexpr int64_t blockBytes = scaleBytes + levelBytes(bits);

  CORRAL_INLINE Vec scale(const uint8_t* head, const uint8_t*) { return loadHalves(head); }
  CORRAL_INLINE Ints factor(const uint8_t* block, int half) {
    return wideningFactor(loadI8(block + 16 * half));
  }
  CORRAL_INLINE Ints zeros(const uint8_t* block) {
    return pairOf(loadI8(block) << 5, loadI8(block + 16) << 5);
  }
  // Of each 128 levels: 64 bytes with the low four bits of blocks 0 and 1 in their low nibbles, of 2
  // and 3 in their high ones; 32 bytes with two high bits of level l of block b at bit 2b of byte l.
  CORRAL_INLINE void pack(const uint8_t* source, int64_t row, uint8_t* head) {
    storeHalf(head, row, source + 208);
    for (int b = 0; b < 8; b++) {
      uint8_t* block = head + headBytes + b * blockBytes;
      uint8_t* levels = block + scaleBytes;
      block[row] = source[192 + 2 * b];
      block[16 + row] = source[192 + 2 * b + 1];
      const uint8_t* from = source + b / 4 * 64 + b % 2 * 32;
      const uint8_t* upper = source + 128 + b / 4 * 32;
      const int down = b % 4 / 2 * 4, pair = b % 4 * 2;
      for (int i = 0; i < 4; i++) {
        const uint32_t low = loadWord(from + 4 * i) >> down & (uint32_t)bytesOf(15);
        const uint32_t high = loadWord(from + 16 + 4 * i) >> down & (uint32_t)bytesOf(15);
        storeWord(levels + 64 * i, row, low | high << 4);
      }
      for (int half = 0; half < 2; half++) {
        uint32_t word = 0;
        for (int i = 0; i < 4; i++) {
          word |= (loadWord(upper + 16 * half + 4 * i) >> pair & (uint32_t)bytesOf(3)) << (2 * i);
        }
        storeWord(levels + 256 + 64 * half, row, word);
      }
    }
  }
};

// Calls `use(panel)` with how a dtype is packed; false where it is not.
template <class Use>
CORRAL_INLINE bool withPanel(DType dtype, Use use) {
  switch (dtype) {
    case corral::DTYPE_Q4_0: use(SymmetricPanel<4, 8>()); return true;
    case corral::DTYPE_Q4_1: use(AffinePanel<4>()); return true;
    case corral::DTYPE_Q5_0: use(SymmetricPanel<5, 16>()); return true;
    case corral::DTYPE_Q5_1: use(AffinePanel<5>()); return true;
    case corral::DTYPE_Q8_0: use(SymmetricPanel<8, levelsAreSigned ? 0 : 128>()); return true;
    case corral::DTYPE_Q4_K: use(SixBitPairsPanel<4>()); return true;
    case corral::DTYPE_Q5_K: use(SixBitPairsPanel<5>()); return true;
    case corral::DTYPE_Q6_K: use(SixBitPanel()); return true;
    default: return false;
  }
}

template <class Panel>
constexpr int64_t blockBytesOf = Panel::scaleBytes + levelBytes(Panel::bits);

// Bytes from one head to the next.
template <class Panel>
constexpr int64_t headStride = Panel::headBytes + Panel::blocksPerHead * blockBytesOf<Panel>;

template <class Panel>
CORRAL_INLINE int64_t panelBytesOf(int64_t k) {
  return k / blockLevels / Panel::blocksPerHead * headStride<Panel>;
}

int64_t panelBytes(DType dtype, int64_t k) {
  int64_t bytes = 0;
  withPanel(dtype, [&](auto panel) { bytes = panelBytesOf<decltype(panel)>(k); });
  return bytes;
}

void packPanels(const Tensor& matrix, int64_t first, int64_t end, uint8_t* to) {
  withPanel(matrix.dtype, [&](auto each) {
    typedef decltype(each) Panel;
    const int64_t heads = matrix.columns / blockLevels / Panel::blocksPerHead;
    for (int64_t p = first; p < end; p++) {
      const int64_t rows = smallest(panelRows, matrix.rows - p * panelRows);
      uint8_t* panel = to + p * heads * headStride<Panel>;
      for (int64_t h = 0; h < heads; h++) {
        for (int64_t r = 0; r < rows; r++) {
          const uint8_t* row = matrix.data + (p * panelRows + r) * matrix.rowBytes;
          Panel::pack(row + h * Panel::sourceBytes, r, panel + h * headStride<Panel>);
        }
      }
    }
  });
}

}  // namespace
