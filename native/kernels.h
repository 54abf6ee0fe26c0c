// What the runtime and the kernels say to each other: tensors, calls and one table of kernels per
// instruction set. Plain data only: this file is read by code compiled for different instruction
// sets, so nothing in it may have a body that a linker could pick from the wrong one.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "ops.h"

namespace corral {

// Element types by GGUF's numbers.
enum DType : int32_t {
  DTYPE_F32 = 0,
  DTYPE_F16 = 1,
  DTYPE_Q4_0 = 2,
  DTYPE_Q4_1 = 3,
  DTYPE_Q5_0 = 6,
  DTYPE_Q5_1 = 7,
  DTYPE_Q8_0 = 8,
  DTYPE_Q2_K = 10,
  DTYPE_Q3_K = 11,
  DTYPE_Q4_K = 12,
  DTYPE_Q5_K = 13,
  DTYPE_Q6_K = 14,
  DTYPE_I32 = 26,
  DTYPE_BF16 = 30,
};

// Ops that have kernels. TypeScript maps its op table to this list by name.
enum Op : int32_t {
#define CORRAL_ROW(op, ...) OP_##op,
  CORRAL_OPS(CORRAL_ROW)
#undef CORRAL_ROW
  OP_COUNT,
};

constexpr int maxInputs = 7;
constexpr int maxOutputs = 3;
constexpr int maxAttributes = 6;

// A row-major matrix: `columns` is the last axis, `rows` the product of all others.
struct Tensor {
  uint8_t* data;
  DType dtype;
  int64_t rows;
  int64_t columns;
  int64_t rowBytes;
};

// One op, or one of its stages, with sizes and addresses filled in. Attributes are in the order that
// ops.h gives.
struct Call {
  Tensor in[maxInputs];
  Tensor out[maxOutputs];
  double attributes[maxAttributes];
  int64_t stage;
  // Memory that the op's stages share, on all threads.
  uint8_t* shared;
};

// A kernel computes an op in independent chunks. Which thread computes a chunk, and into how many
// the work is cut, must not change a single bit of the result.
struct Kernel {
  int64_t (*chunks)(const Call& call, int threads);
  // Bytes of scratch memory that one thread needs.
  size_t (*scratch)(const Call& call);
  void (*compute)(const Call& call, int64_t chunk, int64_t chunks, uint8_t* scratch);
  // For an op of several stages, each of which sees all that the ones before have written: how many,
  // and the bytes of Call::shared. Both depend on sizes alone.
  int64_t (*stages)(const Call& call) = nullptr;
  size_t (*shared)(const Call& call) = nullptr;
};

// Rows of a matrix that are packed together for matmul_int8.
constexpr int64_t panelRows = 16;

struct KernelTable {
  Kernel ops[OP_COUNT];
  // Bytes of a packed panel of `columns` columns; 0 for a type that is not packed.
  int64_t (*panelBytes)(DType dtype, int64_t columns);
  // Packs panels [first, end) of a matrix to `to`, where its first panel begins. Rows that a last panel
  // lacks are left as they are: zeros.
  void (*packPanels)(const Tensor& matrix, int64_t first, int64_t end, uint8_t* to);
  // Spends f32 multiply-adds on registers alone; returns the operations, two each.
  int64_t (*spendMultiplyAdds)(int64_t rounds);
  // Spends int8 multiply-adds on registers alone, as the packed products make them; returns how many.
  int64_t (*spendInt8Products)(int64_t rounds);
  // Reads memory and does next to nothing with it. `bytes` is a multiple of 512.
  void (*readMemory)(const uint8_t* from, size_t bytes);
  // Tables of one number read each other's panels; panels kept on disk carry it.
  int32_t panelLayout;
};

}  // namespace corral

extern "C" {
extern const corral::KernelTable corral_kernels_portable;
extern const corral::KernelTable corral_kernels_avx2;
extern const corral::KernelTable corral_kernels_avx512;
extern const corral::KernelTable corral_kernels_neon;
// The int8 product alone, in place of AVX2's: all else is the same.
extern const corral::Kernel corral_int8_avxvnni;
}
