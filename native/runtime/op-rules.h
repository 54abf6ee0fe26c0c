// What the ops ask of their tensors: how many, of which sizes, and indices within bounds. Kernels rely
// on all of it.
#pragma once
#include "executable.h"

namespace corral {

// What an op takes and makes, and which of its inputs hold indices (as bits).
struct OpShape {
  int inputs, outputs;
  uint32_t indices;
};

extern const OpShape opShapes[OP_COUNT];

// Outputs that this step makes.
int outputsOf(const Step& step);
// Ops whose indices count along the first axis, also where that is the only one or one of many.
bool hasLeadingRows(Op op);
// The sizes kernels rely on.
bool shapesAgree(Op op, const Call& call);
// Looks at the indices among a call's inputs.
Status checkIndicesOf(const Step& step, const Call& call);

inline int64_t countOf(const Tensor& tensor) { return tensor.rows * tensor.columns; }

}  // namespace corral
