// The int8 product for one instruction set, under the name that VARIANT gives: what int8-check.cc calls.
// Intrinsics of CPUs that are not there are emulated: all of AVX-512 by SIMDe (CORRAL_EMULATED), or the
// one of AVX-VNNI (EMULATED_AVXVNNI).
#if defined(CORRAL_EMULATED)
#include "emulated-avx512.h"
#elif defined(EMULATED_AVXVNNI)
#include "emulated-avxvnni.h"
#endif
#include "../../native/kernels/int8_matmul.h"

#include <stdlib.h>

// out [m, n] = x [m, k] · weightᵀ
extern "C" void VARIANT(int32_t dtype, uint8_t* weight, int64_t rowBytes, int64_t n, int64_t k,
                        float* x, int64_t m, float* out) {
  Call call = {};
  call.in[0] = {(uint8_t*)x, corral::DTYPE_F32, m, k, k * 4};
  call.in[1] = {weight, (DType)dtype, n, k, rowBytes};
  call.out[0] = {(uint8_t*)out, corral::DTYPE_F32, m, n, n * 4};
  const int64_t panels = ceilDiv(n, panelRows);
  uint8_t* packed = (uint8_t*)calloc((size_t)(panels * panelBytes((DType)dtype, k)), 1);
  packPanels(call.in[1], 0, panels, packed);
  call.in[1].data = packed;
  call.shared = (uint8_t*)malloc(matmulInt8Shared(call));
  uint8_t* scratch = (uint8_t*)aligned_alloc(64, (matmulInt8Scratch(call) + 63) / 64 * 64);
  for (call.stage = 0; call.stage < 2; call.stage++) computeMatmulInt8(call, 0, 1, scratch);
  free(scratch);
  free(call.shared);
  free(packed);
}
