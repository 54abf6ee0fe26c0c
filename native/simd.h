// Sixteen floats at a time, on every instruction set: one 512-bit register, two of 256 or four of
// 128 bits. Kernels are written once over this; reductions add in the same order everywhere, so
// that instruction sets differ only by the rounding of fused multiply-adds (portable has none).
// Everything has internal linkage: code for one instruction set never leaks into another's.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// An emulation brings intrinsics of its own (test/native).
#if defined(__AVX2__) && !defined(CORRAL_EMULATED)
#include <immintrin.h>
#endif

#define CORRAL_INLINE static inline __attribute__((always_inline))

namespace {

#if defined(__AVX512F__)
constexpr int regLanes = 16;
#elif defined(__AVX2__)
constexpr int regLanes = 8;
#else
constexpr int regLanes = 4;
#endif

constexpr int lanes = 16;
constexpr int parts = lanes / regLanes;

typedef float Reg __attribute__((vector_size(regLanes * 4)));
typedef int32_t IntReg __attribute__((vector_size(regLanes * 4)));

struct Vec {
  Reg part[parts];
};

struct Ints {
  IntReg part[parts];
};

#define CORRAL_PARTS for (int p = 0; p < parts; p++)

// A Reg is one register of the instruction set: for kernels that count them.

CORRAL_INLINE Reg loadReg(const float* from) {
  Reg r;
  memcpy(&r, from, sizeof r);
  return r;
}

CORRAL_INLINE void storeReg(float* to, Reg r) { memcpy(to, &r, sizeof r); }

CORRAL_INLINE Reg splatReg(float x) {
#if defined(__AVX512F__)
  return (Reg)_mm512_set1_ps(x);
#elif defined(__AVX2__)
  return (Reg)_mm256_set1_ps(x);
#else
  return Reg{x, x, x, x};
#endif
}

// a · b + c, rounded once where the instruction set can.
CORRAL_INLINE Reg fmaReg(Reg a, Reg b, Reg c) {
#if defined(__AVX512F__)
  return (Reg)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__)
  return (Reg)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
  return a * b + c;
#endif
}

// A Vec is sixteen floats, whatever number of registers that takes.

CORRAL_INLINE Vec load(const float* from) {
  Vec v;
  CORRAL_PARTS v.part[p] = loadReg(from + p * regLanes);
  return v;
}

CORRAL_INLINE void store(float* to, Vec v) {
  CORRAL_PARTS storeReg(to + p * regLanes, v.part[p]);
}

CORRAL_INLINE Vec splat(float x) {
  Vec v;
  CORRAL_PARTS v.part[p] = splatReg(x);
  return v;
}

// The first `count` of 16 floats; the other lanes get `rest`. Reads nothing past them.
CORRAL_INLINE Vec loadFirst(const float* from, int64_t count, float rest) {
  float all[lanes];
  for (int i = 0; i < lanes; i++) all[i] = rest;
  memcpy(all, from, (size_t)count * sizeof(float));
  return load(all);
}

CORRAL_INLINE void storeFirst(float* to, Vec v, int64_t count) {
  if (count >= lanes) return store(to, v);
  float all[lanes];
  store(all, v);
  memcpy(to, all, (size_t)count * sizeof(float));
}

CORRAL_INLINE Vec operator+(Vec a, Vec b) {
  CORRAL_PARTS a.part[p] += b.part[p];
  return a;
}

CORRAL_INLINE Vec operator-(Vec a, Vec b) {
  CORRAL_PARTS a.part[p] -= b.part[p];
  return a;
}

CORRAL_INLINE Vec operator*(Vec a, Vec b) {
  CORRAL_PARTS a.part[p] *= b.part[p];
  return a;
}

CORRAL_INLINE Vec operator/(Vec a, Vec b) {
  CORRAL_PARTS a.part[p] /= b.part[p];
  return a;
}

CORRAL_INLINE Vec fma(Vec a, Vec b, Vec c) {
  CORRAL_PARTS c.part[p] = fmaReg(a.part[p], b.part[p], c.part[p]);
  return c;
}

// `a` where it is a NaN.
CORRAL_INLINE Vec atLeast(Vec a, Vec b) {
  CORRAL_PARTS a.part[p] = a.part[p] < b.part[p] ? b.part[p] : a.part[p];
  return a;
}

CORRAL_INLINE Vec atMost(Vec a, Vec b) {
  CORRAL_PARTS a.part[p] = a.part[p] > b.part[p] ? b.part[p] : a.part[p];
  return a;
}

// `b` where that is a NaN, else `a`.
CORRAL_INLINE Vec orNaN(Vec a, Vec b) {
  CORRAL_PARTS a.part[p] = b.part[p] != b.part[p] ? b.part[p] : a.part[p];
  return a;
}

// 1 where a <= b, else 0.
CORRAL_INLINE Vec oneWhereAtMost(Vec a, Vec b) {
  CORRAL_PARTS a.part[p] = a.part[p] <= b.part[p] ? splatReg(1.0f) : Reg{};
  return a;
}

CORRAL_INLINE Vec squareRoot(Vec a) {
#if defined(__AVX512F__)
  a.part[0] = (Reg)_mm512_sqrt_ps((__m512)a.part[0]);
#elif defined(__AVX2__)
  CORRAL_PARTS a.part[p] = (Reg)_mm256_sqrt_ps((__m256)a.part[p]);
#else
  CORRAL_PARTS for (int i = 0; i < regLanes; i++) a.part[p][i] = __builtin_sqrtf(a.part[p][i]);
#endif
  return a;
}

// Sixteen bytes as integers.
CORRAL_INLINE Ints loadU8(const uint8_t* from) {
  Ints v;
#if defined(__AVX512F__)
  v.part[0] = (IntReg)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i*)from));
#elif defined(__AVX2__)
  CORRAL_PARTS v.part[p] =
      (IntReg)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)(from + p * 8)));
#else
  typedef uint8_t Bytes __attribute__((vector_size(regLanes)));
  CORRAL_PARTS {
    Bytes bytes;
    memcpy(&bytes, from + p * regLanes, sizeof bytes);
    v.part[p] = __builtin_convertvector(bytes, IntReg);
  }
#endif
  return v;
}

CORRAL_INLINE Ints loadI8(const uint8_t* from) {
  Ints v;
#if defined(__AVX512F__)
  v.part[0] = (IntReg)_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i*)from));
#elif defined(__AVX2__)
  CORRAL_PARTS v.part[p] =
      (IntReg)_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i*)(from + p * 8)));
#else
  typedef int8_t Bytes __attribute__((vector_size(regLanes)));
  CORRAL_PARTS {
    Bytes bytes;
    memcpy(&bytes, from + p * regLanes, sizeof bytes);
    v.part[p] = __builtin_convertvector(bytes, IntReg);
  }
#endif
  return v;
}

CORRAL_INLINE Ints loadU16(const uint8_t* from) {
  Ints v;
#if defined(__AVX512F__)
  v.part[0] = (IntReg)_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)from));
#elif defined(__AVX2__)
  CORRAL_PARTS v.part[p] =
      (IntReg)_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i*)(from + p * 16)));
#else
  typedef uint16_t Halves __attribute__((vector_size(regLanes * 2)));
  CORRAL_PARTS {
    Halves halves;
    memcpy(&halves, from + p * regLanes * 2, sizeof halves);
    v.part[p] = __builtin_convertvector(halves, IntReg);
  }
#endif
  return v;
}

CORRAL_INLINE Ints splatInt(int32_t x) {
  Ints v;
  CORRAL_PARTS v.part[p] = IntReg{} + x;
  return v;
}

CORRAL_INLINE Ints operator+(Ints a, Ints b) {
  CORRAL_PARTS a.part[p] += b.part[p];
  return a;
}

CORRAL_INLINE Ints operator-(Ints a, Ints b) {
  CORRAL_PARTS a.part[p] -= b.part[p];
  return a;
}

CORRAL_INLINE Ints operator&(Ints a, int32_t mask) {
  CORRAL_PARTS a.part[p] &= mask;
  return a;
}

CORRAL_INLINE Ints operator|(Ints a, Ints b) {
  CORRAL_PARTS a.part[p] |= b.part[p];
  return a;
}

CORRAL_INLINE Ints operator<<(Ints a, int bits) {
  CORRAL_PARTS a.part[p] <<= bits;
  return a;
}

// Arithmetic: the sign comes in from the left.
CORRAL_INLINE Ints operator>>(Ints a, int bits) {
  CORRAL_PARTS a.part[p] >>= bits;
  return a;
}

CORRAL_INLINE Vec toFloat(Ints a) {
  Vec v;
  CORRAL_PARTS v.part[p] = __builtin_convertvector(a.part[p], Reg);
  return v;
}

CORRAL_INLINE Vec asFloat(Ints a) {
  Vec v;
  memcpy(&v, &a, sizeof v);
  return v;
}

CORRAL_INLINE Ints asInts(Vec a) {
  Ints v;
  memcpy(&v, &a, sizeof v);
  return v;
}

// `yes` in the lanes whose bit of `bits` is set, else 0. Bit i belongs to lane i.
CORRAL_INLINE Ints whereBits(uint32_t bits, int32_t yes) {
  Ints v;
#if defined(__AVX512F__)
  v.part[0] = (IntReg)_mm512_maskz_set1_epi32((__mmask16)bits, yes);
#else
  CORRAL_PARTS {
    IntReg bit;
    for (int i = 0; i < regLanes; i++) bit[i] = 1 << (p * regLanes + i);
    v.part[p] = ((IntReg{} + (int32_t)bits) & bit) != 0 ? IntReg{} + yes : IntReg{};
  }
#endif
  return v;
}

// Bit i is set where a[i] > b[i].
CORRAL_INLINE uint32_t greater(Vec a, Vec b) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask((__m512)a.part[0], (__m512)b.part[0], _CMP_GT_OQ);
#elif defined(__AVX2__)
  uint32_t bits = 0;
  CORRAL_PARTS bits |= (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(
                           (__m256)a.part[p], (__m256)b.part[p], _CMP_GT_OQ))
                       << (p * 8);
  return bits;
#else
  uint32_t bits = 0;
  CORRAL_PARTS for (int i = 0; i < regLanes; i++) {
    bits |= (uint32_t)(a.part[p][i] > b.part[p][i]) << (p * regLanes + i);
  }
  return bits;
#endif
}

CORRAL_INLINE float halfToFloat(uint16_t half) {
#if defined(__F16C__)
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(half)));
#else
  // Exponent and mantissa moved into place are the value times 2^-112, also when it is subnormal;
  // infinities and NaNs then get the highest exponent.
  uint32_t bits = (uint32_t)(half & 0x7fff) << 13;
  float value;
  memcpy(&value, &bits, 4);
  value *= 0x1p112f;
  memcpy(&bits, &value, 4);
  if ((half & 0x7c00) == 0x7c00) bits |= 0x7f800000;
  bits |= (uint32_t)(half & 0x8000) << 16;
  memcpy(&value, &bits, 4);
  return value;
#endif
}

// Nearest, ties to even.
CORRAL_INLINE uint16_t floatToHalf(float value) {
#if defined(__F16C__)
  return (uint16_t)_mm_cvtsi128_si32(_mm_cvtps_ph(_mm_set_ss(value), _MM_FROUND_TO_NEAREST_INT));
#else
  uint32_t bits;
  memcpy(&bits, &value, 4);
  const uint16_t sign = (uint16_t)((bits >> 16) & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // From 65520 on, the nearest half is infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Subnormal: adding 1/2 makes the FPU round at bit 2^-24.
    float rounded;
    memcpy(&rounded, &magnitude, 4);
    rounded += 0.5f;
    uint32_t out;
    memcpy(&out, &rounded, 4);
    return sign | (uint16_t)(out - 0x3f000000);
  }
  const uint32_t odd = (magnitude >> 13) & 1;
  return sign | (uint16_t)((magnitude - 0x38000000 + 0xfff + odd) >> 13);
#endif
}

CORRAL_INLINE float loadHalf(const uint8_t* from) {
  uint16_t half;
  memcpy(&half, from, 2);
  return halfToFloat(half);
}

CORRAL_INLINE Vec loadHalves(const uint8_t* from) {
#if defined(__AVX512F__)
  Vec v;
  v.part[0] = (Reg)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)from));
  return v;
#elif defined(__F16C__)
  Vec v;
  CORRAL_PARTS v.part[p] = (Reg)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)(from + p * 16)));
  return v;
#else
  const Ints halves = loadU16(from);
  Vec v = asFloat((halves & 0x7fff) << 13) * splat(0x1p112f);
  Ints bits = asInts(v);
  CORRAL_PARTS {
    const IntReg special = (halves.part[p] & 0x7c00) == 0x7c00;
    bits.part[p] |= (special & 0x7f800000) | ((halves.part[p] & 0x8000) << 16);
  }
  return asFloat(bits);
#endif
}

CORRAL_INLINE void storeHalves(uint8_t* to, Vec v) {
#if defined(__AVX512F__)
  _mm256_storeu_si256((__m256i*)to,
                      _mm512_cvtps_ph((__m512)v.part[0], _MM_FROUND_TO_NEAREST_INT));
#elif defined(__F16C__)
  CORRAL_PARTS _mm_storeu_si128((__m128i*)(to + p * 16),
                                _mm256_cvtps_ph((__m256)v.part[p], _MM_FROUND_TO_NEAREST_INT));
#else
  for (int i = 0; i < lanes; i++) {
    const uint16_t half = floatToHalf(v.part[i / regLanes][i % regLanes]);
    memcpy(to + i * 2, &half, 2);
  }
#endif
}

CORRAL_INLINE Vec loadBfloats(const uint8_t* from) { return asFloat(loadU16(from) << 16); }

// Reductions: lane i with i + 8, then i + 4, i + 2, i + 1.

typedef float Four __attribute__((vector_size(16)));

CORRAL_INLINE Four foldToFour(Vec v) {
#if defined(__AVX512F__)
  const __m512 all = (__m512)v.part[0];
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(all), _mm512_extractf32x8_ps(all, 1));
  return (Four)_mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
#elif defined(__AVX2__)
  const __m256 eight = _mm256_add_ps((__m256)v.part[0], (__m256)v.part[1]);
  return (Four)_mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
#else
  return (v.part[0] + v.part[2]) + (v.part[1] + v.part[3]);
#endif
}

CORRAL_INLINE float reduce(Vec v) {
  const Four four = foldToFour(v);
  return (four[0] + four[2]) + (four[1] + four[3]);
}

// Elements a, b, c, d of eight: those of x are 0 to 3, those of y 4 to 7.
#if defined(__clang__) || __GNUC__ >= 12
#define CORRAL_PICK(x, y, a, b, c, d) __builtin_shufflevector(x, y, a, b, c, d)
#else
typedef int32_t FourInts __attribute__((vector_size(16)));
#define CORRAL_PICK(x, y, a, b, c, d) __builtin_shuffle(x, y, FourInts{a, b, c, d})
#endif

// The same sums as reduce(), four at a time.
CORRAL_INLINE Four reduceFour(Vec a, Vec b, Vec c, Vec d) {
  const Four fa = foldToFour(a), fb = foldToFour(b), fc = foldToFour(c), fd = foldToFour(d);
  const Four ab = CORRAL_PICK(fa, fb, 0, 1, 4, 5) + CORRAL_PICK(fa, fb, 2, 3, 6, 7);
  const Four cd = CORRAL_PICK(fc, fd, 0, 1, 4, 5) + CORRAL_PICK(fc, fd, 2, 3, 6, 7);
  return CORRAL_PICK(ab, cd, 0, 2, 4, 6) + CORRAL_PICK(ab, cd, 1, 3, 5, 7);
}

// Lanes 2i and 2i + 1 change places.
CORRAL_INLINE Vec swapNeighbours(Vec v) {
#if defined(__AVX512F__)
  v.part[0] = (Reg)_mm512_permute_ps((__m512)v.part[0], 0xb1);
#elif defined(__AVX2__)
  CORRAL_PARTS v.part[p] = (Reg)_mm256_permute_ps((__m256)v.part[p], 0xb1);
#else
  CORRAL_PARTS v.part[p] = CORRAL_PICK(v.part[p], v.part[p], 1, 0, 3, 2);
#endif
  return v;
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
