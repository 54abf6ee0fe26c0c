// What the f32 units can do at most: the yardstick of the kernels' speed.
#pragma once
#include "../simd.h"

namespace {

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

}  // namespace
