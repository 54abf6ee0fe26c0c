// Sixteen floats at a time, on every instruction set: one 512-bit register, two of 256 or four of
// 128 bits. Kernels are written once over this; reductions add in the same order everywhere, so
// that instruction sets differ only by the rounding of fused multiply-adds (portable has none).
// Everything has internal linkage: code for one instruction set never leaks into another's.
#pragma once
#include "simd/exponential.h"
#include "simd/numbers.h"
#include "simd/reduce.h"
