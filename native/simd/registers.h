// Which instruction set this is compiled for, and what it computes with: a Reg is one of its registers
// of floats, a Vec sixteen floats, whatever number of registers that takes.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#define CORRAL_AVX512
#elif defined(__AVX2__)
#define CORRAL_AVX2
#elif defined(__ARM_FEATURE_DOTPROD) && !defined(CORRAL_PORTABLE)
#define CORRAL_NEON
#elif !defined(CORRAL_PORTABLE)
#define CORRAL_PORTABLE
#endif

// 32 registers; else 16.
#if defined(CORRAL_AVX512) || defined(CORRAL_NEON)
#define CORRAL_MANY_REGISTERS
#endif

// An emulation brings intrinsics of its own (test/native).
#if (defined(CORRAL_AVX512) || defined(CORRAL_AVX2)) && !defined(CORRAL_EMULATED)
#include <immintrin.h>
#elif defined(CORRAL_NEON)
#include <arm_neon.h>
#endif

#define CORRAL_INLINE static inline __attribute__((always_inline))

namespace {

#if defined(CORRAL_AVX512)
constexpr int regLanes = 16;
#elif defined(CORRAL_AVX2)
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

// Four registers are unrolled only when told to; GCC keeps them in memory else.
#if defined(CORRAL_NEON)
#define CORRAL_PARTS _Pragma("GCC unroll 4") for (int p = 0; p < parts; p++)
#else
#define CORRAL_PARTS for (int p = 0; p < parts; p++)
#endif

CORRAL_INLINE Reg loadReg(const float* from) {
  Reg r;
  memcpy(&r, from, sizeof r);
  return r;
}

CORRAL_INLINE void storeReg(float* to, Reg r) { memcpy(to, &r, sizeof r); }

typedef float Four __attribute__((vector_size(16)));

// Elements a, b, c, d of eight: those of x are 0 to 3, those of y 4 to 7.
#if defined(__clang__) || __GNUC__ >= 12
#define CORRAL_PICK(x, y, a, b, c, d) __builtin_shufflevector(x, y, a, b, c, d)
#else
typedef int32_t FourInts __attribute__((vector_size(16)));
#define CORRAL_PICK(x, y, a, b, c, d) __builtin_shuffle(x, y, FourInts{a, b, c, d})
#endif

}  // namespace
