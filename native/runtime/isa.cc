// What the CPU says it has. On x86 by CPUID: the compiler's own check also looks whether the system saves
// the registers. On ARM the system says it.
#include "isa.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace corral {

namespace {

#if defined(__x86_64__)

// CPUID leaf 7, subleaf 1, EAX bit 4; compilers learnt the name later than AVX2's. It needs no more of
// the system than AVX2 does.
bool hasAvxVnni() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a >> 4 & 1) != 0;
}

// AVX2's kernels but for the products that VNNI is about.
const KernelTable* avxVnniKernels() {
  static const KernelTable table = [] {
    KernelTable kernels = corral_kernels_avx2;
    kernels.ops[OP_MATMUL_INT8] = corral_int8_avxvnni;
    return kernels;
  }();
  return &table;
}

#elif defined(__aarch64__)

bool hasDotProducts() {
#if defined(__linux__)
  return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#elif defined(__APPLE__)
  int32_t found = 0;
  size_t bytes = sizeof found;
  return sysctlbyname("hw.optional.arm.FEAT_DotProd", &found, &bytes, nullptr, 0) == 0 && found != 0;
#else
  return false;
#endif
}

#endif

}  // namespace

int listIsas(Isa* isas) {
  int count = 0;
  isas[count++] = {"portable", &corral_kernels_portable};
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("f16c");
  if (avx2) isas[count++] = {"avx2", &corral_kernels_avx2};
  if (avx2 && hasAvxVnni()) isas[count++] = {"avxvnni", avxVnniKernels()};
  if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi")) {
    isas[count++] = {"avx512", &corral_kernels_avx512};
  }
#elif defined(__aarch64__)
  if (hasDotProducts()) isas[count++] = {"neon", &corral_kernels_neon};
#endif
  return count;
}

}  // namespace corral
