// The int8 product for one instruction set, under the name that VARIANT gives: what int8-check.cc calls.
// With EMULATED, intrinsics are SIMDe's, so that code for a CPU that is not there runs.
#if defined(EMULATED)
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#define CORRAL_INTRINSICS_GIVEN
#define __AVX2__ 1
#define __F16C__ 1
#define __AVX512F__ 1
#endif
#include "../../native/kernels/int8_matmul.h"

#include <stdlib.h>

// out [m, n] = x [m, k] · weightᵀ; `repeats` times, packing not counted. Returns the packed bytes.
extern "C" int64_t VARIANT(int32_t dtype, uint8_t* weight, int64_t rowBytes, int64_t n, int64_t k,
                           float* x, int64_t m, float* out, int64_t repeats, double (*now)(),
                           double* seconds) {
  Call call = {};
  call.in[0] = {(uint8_t*)x, corral::DTYPE_F32, m, k, k * 4};
  call.in[1] = {weight, (DType)dtype, n, k, rowBytes};
  call.out[0] = {(uint8_t*)out, corral::DTYPE_F32, m, n, n * 4};
  const int64_t panels = ceilDiv(n, panelRows);
  const int64_t bytes = panels * panelBytes((DType)dtype, k);
  uint8_t* packed = (uint8_t*)calloc(1, (size_t)bytes);
  packPanels(call.in[1], 0, panels, packed);
  call.in[1].data = packed;
  call.shared = (uint8_t*)malloc(matmulInt8Shared(call));
  uint8_t* scratch = (uint8_t*)malloc(matmulInt8Scratch(call));
  *seconds = 1e9;
  for (int64_t i = 0; i < repeats; i++) {
    const double start = now();
    for (call.stage = 0; call.stage < 2; call.stage++) computeMatmulInt8(call, 0, 1, scratch);
    const double taken = now() - start;
    if (taken < *seconds) *seconds = taken;
  }
  free(scratch);
  free(call.shared);
  free(packed);
  return bytes;
}
