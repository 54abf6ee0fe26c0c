// What a machine can do at most: the yardstick of the kernels' speed.
#pragma once
#include "../simd.h"
#include "int8_dot.h"

namespace {

// Makes two values ones that the compiler knows nothing of, where they are: in registers. What follows and
// uses one waits for both, in the compiler's order and not in the CPU's.
#if defined(__x86_64__)
#define CORRAL_UNKNOWN(a, b) __asm__("" : "+x"(a), "+x"(b))
#elif defined(__aarch64__)
#define CORRAL_UNKNOWN(a, b) __asm__("" : "+w"(a), "+w"(b))
#else
#define CORRAL_UNKNOWN(a, b) __asm__("" : "+m"(a), "+m"(b))
#endif

// Multiply-adds in chains that do not wait for each other; returns the operations done, two each.
int64_t spendMultiplyAdds(int64_t rounds) {
  constexpr int chains = 12;  // latency times units, at most 8 so far, and a few to spare
  Reg factor = splatReg(0.999f), added = splatReg(0.001f);
  // Else the compiler would know the result.
  __asm__ volatile("" : "+m"(factor), "+m"(added));
  Reg sums[chains];
  for (int i = 0; i < chains; i++) sums[i] = splatReg((float)i);
  for (int64_t round = 0; round < rounds; round++) {
#pragma GCC unroll 12
    for (int i = 0; i < chains; i++) sums[i] = fmaReg(sums[i], factor, added);
  }
  for (int i = 0; i < chains; i++) __asm__ volatile("" : : "m"(sums[i]));
  return rounds * chains * regLanes * 2;
}

// Products of four-bit levels and their sums: the instructions at the heart of every packed product,
// without loads, unpacking or scales. Returns the multiply-adds done.
int64_t spendInt8Products(int64_t rounds) {
  // vpdpbusd takes its time; elsewhere chains are additions, and more of them than registers would spill.
  constexpr int chains = parts == 1 ? 12 : 8 / parts;
  Ints levels = splatInt(bytesOf(3)), four = splatInt(bytesOf(5));
  CORRAL_PARTS CORRAL_UNKNOWN(levels.part[p], four.part[p]);
  // Registers rather than Ints, which compilers leave in memory.
  IntReg sums[chains][parts] = {};
  for (int64_t round = 0; round < rounds; round++) {
#pragma GCC unroll 12
    for (int i = 0; i < chains; i++) {
      Ints sum;
      CORRAL_PARTS sum.part[p] = sums[i][p];
      sum = addProducts<4>(sum, levels, four);
      CORRAL_PARTS {
        IntReg each = sum.part[p], next = four.part[p];
        // Else one product would do for all of them, or all would come before the first sum and spill.
        CORRAL_UNKNOWN(next, each);
        sums[i][p] = each;
        four.part[p] = next;
      }
    }
  }
  for (int i = 0; i < chains; i++) {
    CORRAL_PARTS __asm__ volatile("" : : "m"(sums[i][p]));
  }
  return rounds * chains * lanes * 4;
}

void readMemory(const uint8_t* from, size_t bytes) {
  constexpr int streams = 8;
  IntReg seen[streams] = {};
  for (size_t at = 0; at < bytes; at += sizeof seen) {
#pragma GCC unroll 8
    for (int i = 0; i < streams; i++) {
      IntReg each;
      memcpy(&each, from + at + (size_t)i * sizeof each, sizeof each);
      seen[i] ^= each;
    }
  }
  for (int i = 0; i < streams; i++) __asm__ volatile("" : : "m"(seen[i]));
}

}  // namespace
