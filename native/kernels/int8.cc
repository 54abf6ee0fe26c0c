// The int8 product alone, for an instruction set that has better instructions for it and else nothing
// new, under the name that CORRAL_INT8 gives.
#include "int8_matmul.h"

extern "C" const corral::Kernel CORRAL_INT8 = {matmulInt8Chunks, matmulInt8Scratch, computeMatmulInt8,
                                               matmulInt8Stages, matmulInt8Shared};
