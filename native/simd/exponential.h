// e^x of sixteen lanes.
#pragma once
#include "vectors.h"

namespace {

// e^x with a relative error of at most 2e-7 (2 ulp); 0 below -104, infinity above 88.8, NaN for NaN.
// x = n ln 2 + r with |r| <= ln 2 / 2; e^r by its Taylor polynomial of degree 7, whose remainder
// there is below 6e-9; 2^n in two factors, so that n may lie outside of the exponent's range.
CORRAL_INLINE Vec exponential(Vec x) {
  x = atMost(atLeast(x, splat(-104.0f)), splat(89.0f));
  const Vec magic = splat(12582912.0f);  // 1.5 · 2^23: adding it rounds to an integer
  const Vec shifted = fma(x, splat(1.44269504f), magic);
  const Vec n = shifted - magic;
  Vec r = fma(n, splat(-0.693359375f), x);  // ln 2 in two pieces; the first has 9 bits
  r = fma(n, splat(2.12194440e-4f), r);
  Vec e = splat(1.0f / 5040);
  e = fma(e, r, splat(1.0f / 720));
  e = fma(e, r, splat(1.0f / 120));
  e = fma(e, r, splat(1.0f / 24));
  e = fma(e, r, splat(1.0f / 6));
  e = fma(e, r, splat(0.5f));
  e = fma(e, r, splat(1.0f));
  e = fma(e, r, splat(1.0f));
  const Ints exponent = asInts(shifted) - asInts(magic);
  const Ints half = exponent >> 1;
  const Vec first = asFloat((half + splatInt(127)) << 23);
  const Vec second = asFloat((exponent - half + splatInt(127)) << 23);
  return e * first * second;
}

CORRAL_INLINE float exponentialOf(float x) {
  const Vec e = exponential(splat(x));
  return e.part[0][0];
}

}  // namespace
