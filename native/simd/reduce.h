// One number of sixteen. Lane i is added to i + 8, then i + 4, i + 2, i + 1, on every instruction set
// (foldToFour() takes the first two steps).
#pragma once
#include "vectors.h"

namespace {

CORRAL_INLINE float reduce(Vec v) {
  const Four four = foldToFour(v);
  return (four[0] + four[2]) + (four[1] + four[3]);
}

// The same sums as reduce(), four at a time.
CORRAL_INLINE Four reduceFour(Vec a, Vec b, Vec c, Vec d) {
  const Four fa = foldToFour(a), fb = foldToFour(b), fc = foldToFour(c), fd = foldToFour(d);
  const Four ab = CORRAL_PICK(fa, fb, 0, 1, 4, 5) + CORRAL_PICK(fa, fb, 2, 3, 6, 7);
  const Four cd = CORRAL_PICK(fc, fd, 0, 1, 4, 5) + CORRAL_PICK(fc, fd, 2, 3, 6, 7);
  return CORRAL_PICK(ab, cd, 0, 2, 4, 6) + CORRAL_PICK(ab, cd, 1, 3, 5, 7);
}

CORRAL_INLINE float reduceMax(Vec v) {
  Four four[4];
  memcpy(four, &v, sizeof four);
  const Four a = four[0] < four[1] ? four[1] : four[0];
  const Four b = four[2] < four[3] ? four[3] : four[2];
  const Four most = a < b ? b : a;
  float highest = most[0];
  for (int i = 1; i < 4; i++) highest = most[i] > highest ? most[i] : highest;
  return highest;
}

}  // namespace
