// CPUID, and whether the system saves the registers: the compiler's own check looks at both.
#include "isa.h"

namespace corral {

int listIsas(Isa* isas) {
  int count = 0;
  isas[count++] = {"portable", &corral_kernels_portable};
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("f16c");
  if (avx2) isas[count++] = {"avx2", &corral_kernels_avx2};
  if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi")) {
    isas[count++] = {"avx512", &corral_kernels_avx512};
  }
#endif
  return count;
}

}  // namespace corral
