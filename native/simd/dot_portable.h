// Products of bytes in plain C++.
#pragma once
#include "vectors.h"

namespace {

constexpr bool levelsAreSigned = false;
constexpr bool sumsArePairs = false;

CORRAL_INLINE IntReg pairProductsReg(IntReg a, IntReg b) {
  return (a << 16 >> 16) * (b << 16 >> 16) + (a >> 16) * (b >> 16);
}

template <int bits>
CORRAL_INLINE Ints addProducts(Ints pending, Ints levels, Ints four) {
  for (int byte = 0; byte < 4; byte++) {
    const int up = 24 - 8 * byte;
    CORRAL_PARTS pending.part[p] +=
        ((levels.part[p] >> (8 * byte)) & 255) * (four.part[p] << up >> 24);
  }
  return pending;
}

}  // namespace
