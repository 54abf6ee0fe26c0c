// Which sizes of tensors fit together, op by op.
#include "op-rules.h"

namespace corral {

const OpShape opShapes[OP_COUNT] = {
#define CORRAL_ROW(op, name, inputs, outputs, indices, ...) {inputs, outputs, indices},
    CORRAL_OPS(CORRAL_ROW)
#undef CORRAL_ROW
};

// The gradient of a frozen weight is not made.
int outputsOf(const Step& step) {
  const bool isFrozen = step.op == OP_LINEAR_CROSS_ENTROPY_GRADIENT && step.attributes[0] == 0;
  return opShapes[step.op].outputs - (isFrozen ? 1 : 0);
}

bool hasLeadingRows(Op op) { return op == OP_TAKE_ROWS || op == OP_SEGMENT_SUM; }

namespace {

bool repeats(const Tensor& y, const Tensor& x) {
  return y.columns == x.columns && (countOf(y) == countOf(x) || countOf(y) == x.columns);
}

bool alike(const Tensor& a, const Tensor& b) {
  return a.columns == b.columns && a.rows == b.rows;
}

bool likeFirst(const Call& c) {
  return c.out[0].columns == c.in[0].columns && countOf(c.out[0]) == countOf(c.in[0]);
}

bool attentionAgrees(const Call& c) {
  const int64_t heads = (int64_t)c.attributes[0], kvHeads = (int64_t)c.attributes[1];
  const int64_t headDim = (int64_t)c.attributes[2], pageSize = (int64_t)c.attributes[3];
  if (heads < 1 || kvHeads < 1 || headDim < 1 || pageSize < 1 || heads % kvHeads != 0) return false;
  // So that none of the products here and in the kernels overflows.
  if (heads > INT32_MAX || headDim > INT32_MAX || pageSize > INT32_MAX) return false;
  return c.in[0].columns == heads * headDim && c.in[1].columns == kvHeads * headDim &&
         c.in[2].columns == kvHeads * headDim && c.in[1].rows == c.in[2].rows &&
         headDim % blockElements(c.in[1].dtype) == 0 &&
         headDim % blockElements(c.in[2].dtype) == 0 && countOf(c.in[3]) == c.in[0].rows &&
         countOf(c.in[4]) == c.in[0].rows && c.attributes[5] >= 0 && likeFirst(c);
}

bool selfAttentionAgrees(const Call& c) {
  const int64_t heads = (int64_t)c.attributes[0], kvHeads = (int64_t)c.attributes[1];
  const int64_t headDim = (int64_t)c.attributes[2];
  if (heads < 1 || kvHeads < 1 || headDim < 1 || heads % kvHeads != 0) return false;
  // So that none of the products here and in the kernels overflows.
  if (heads > INT32_MAX || headDim > INT32_MAX) return false;
  const Tensor &q = c.in[0], &k = c.in[1];
  return q.columns == heads * headDim && k.columns == kvHeads * headDim && k.rows == q.rows &&
         alike(k, c.in[2]) && countOf(c.in[3]) == q.rows && c.attributes[4] >= 0 &&
         alike(c.out[0], q);
}

bool loraAddAgrees(const Call& c) {
  const Tensor &y = c.in[0], &x = c.in[1], &down = c.in[2], &up = c.in[3];
  const int64_t slots = countOf(c.in[4]) - 1;
  return slots >= 1 && down.rows % slots == 0 && up.rows == down.rows && x.rows == y.rows &&
         down.columns == x.columns && up.columns == y.columns && countOf(c.in[5]) == y.rows &&
         likeFirst(c);
}

bool adamwAgrees(const Call& c) {
  const int64_t size = countOf(c.in[0]);
  const DType dtype = c.in[1].dtype;
  return countOf(c.in[1]) == size && countOf(c.in[2]) == size && countOf(c.in[3]) == size &&
         countOf(c.in[4]) == 6 && dtype == c.in[2].dtype &&
         (dtype == DTYPE_F32 || (dtype == DTYPE_Q8_0 && size % 32 == 0));
}

// Losses: one target, and one of each other number, per row.
bool onePerRow(const Call& c, int first, int inputs) {
  for (int i = first; i < inputs; i++) {
    if (countOf(c.in[i]) != c.in[0].rows) return false;
  }
  return true;
}

}  // namespace

bool shapesAgree(Op op, const Call& c) {
  const Tensor &a = c.in[0], &b = c.in[1], &out = c.out[0];
  switch (op) {
    case OP_EMBED:
    case OP_TAKE_ROWS: return out.columns == a.columns && out.rows == countOf(b);
    case OP_MATMUL_INT8:
      // Blocks of 32 along k are what activations are rounded in.
      if (a.columns % 32 != 0) return false;
      [[fallthrough]];
    case OP_MATMUL: return a.columns == b.columns && out.rows == a.rows && out.columns == b.rows;
    case OP_ADD: case OP_SUB: case OP_MUL: case OP_SWIGLU: case OP_SILU_GRADIENT:
    case OP_MINIMUM: case OP_MAXIMUM: case OP_NOT_ABOVE: case OP_NOT_BELOW:
      return repeats(b, a) && likeFirst(c);
    case OP_SCALE: case OP_SILU: case OP_EXP: case OP_LOG: case OP_LOG_SIGMOID: case OP_SQUARE:
    case OP_SQRT: case OP_RECIPROCAL: case OP_CLIP: case OP_INSIDE: case OP_FILL: case OP_WHITEN:
      return likeFirst(c);
    case OP_SWIGLU_GRADIENT:
      return repeats(b, a) && alike(c.in[2], a) && likeFirst(c) && alike(c.out[1], a);
    case OP_WHITEN_GRADIENT: return countOf(b) == countOf(a) && likeFirst(c);
    case OP_DROPOUT: return countOf(b) == 2 && likeFirst(c);
    case OP_MATMUL_TRANSPOSED:
      return a.columns == b.rows && out.rows == a.rows && out.columns == b.columns;
    case OP_OUTER_SUM:
      return a.rows == b.rows && out.rows == a.columns && out.columns == b.columns;
    case OP_OUTER_SUM_INTO:
      return a.rows == b.rows && c.in[2].rows == a.columns && c.in[2].columns == b.columns;
    case OP_LORA_ROW_NORM:
      return a.rows == b.rows && b.columns == c.in[2].rows && a.columns == c.in[2].columns &&
             countOf(out) == a.rows;
    case OP_LORA_ADD: return loraAddAgrees(c);
    case OP_RMS_NORM_GRADIENT:
      return countOf(b) == a.columns && alike(c.in[2], a) && likeFirst(c) &&
             countOf(c.out[1]) == a.columns;
    case OP_SELF_ATTENTION:
      return selfAttentionAgrees(c) && countOf(c.out[1]) == a.rows * (int64_t)c.attributes[0];
    case OP_SELF_ATTENTION_GRADIENT:
      return selfAttentionAgrees(c) && alike(c.in[4], a) && alike(c.in[6], a) &&
             countOf(c.in[5]) == a.rows * (int64_t)c.attributes[0] && alike(c.out[1], b) &&
             alike(c.out[2], b);
    case OP_CROSS_ENTROPY:
      return onePerRow(c, 1, 2) && countOf(out) == a.rows && countOf(c.out[1]) == a.rows;
    case OP_CROSS_ENTROPY_GRADIENT:
    case OP_LOG_SUM_EXP_GRADIENT: return onePerRow(c, 1, 4) && likeFirst(c);
    case OP_LINEAR_CROSS_ENTROPY:
      return a.columns == b.columns && onePerRow(c, 2, 3) && countOf(out) == a.rows &&
             countOf(c.out[1]) == a.rows;
    case OP_LINEAR_CROSS_ENTROPY_GRADIENT:
      return a.columns == b.columns && onePerRow(c, 2, 5) && likeFirst(c) &&
             (c.attributes[0] == 0 || alike(c.out[1], b));
    case OP_PICK_GRADIENT:
      return countOf(a) == out.rows && countOf(b) == out.rows && alike(out, c.in[2]);
    case OP_DOT: return countOf(a) == countOf(b) && countOf(out) == 1;
    case OP_SUM: case OP_MEAN: case OP_SUM_SQUARES: return countOf(out) == 1;
    case OP_SUM_ROWS: return countOf(out) == a.columns;
    case OP_BROADCAST:
      return (countOf(a) == 1 || countOf(a) == b.columns) && alike(out, b);
    case OP_SEGMENT_SUM:
      return countOf(b) == a.rows && out.rows == c.in[2].rows && out.columns == a.columns;
    case OP_ACCUMULATE: case OP_EMA: return countOf(a) == countOf(b);
    case OP_ZERO: return true;
    case OP_ADAMW: return adamwAgrees(c);
    case OP_RMS_NORM: return countOf(b) == a.columns && likeFirst(c);
    case OP_ADD_RMS_NORM:
      return repeats(b, a) && countOf(c.in[2]) == a.columns && likeFirst(c) &&
             countOf(c.out[1]) == countOf(a);
    case OP_ROPE_TABLE:
      return countOf(a) == out.rows && countOf(b) == out.rows && out.columns == 2 * c.in[2].columns;
    case OP_ROPE: case OP_ROPE_INVERSE:
      return b.columns > 0 && b.columns % 2 == 0 && a.columns % b.columns == 0 &&
             b.rows == a.rows && likeFirst(c);
    case OP_CACHE_WRITE: return a.columns == b.columns && countOf(c.in[2]) == a.rows;
    case OP_ATTENTION: return attentionAgrees(c);
    case OP_ADJUST_LOGITS:
      return likeFirst(c) && b.columns == 2 && c.in[2].columns == 2 && c.in[2].rows == b.rows;
    case OP_MASK_LOGITS:
      return likeFirst(c) && b.rows == a.rows && b.columns == (a.columns + 31) / 32;
    case OP_TOP_K:
      return c.attributes[0] >= 1 && out.columns == (int64_t)c.attributes[0] &&
             out.rows == a.rows && c.out[1].rows == a.rows && c.out[1].columns == out.columns;
    case OP_LOG_SUM_EXP:
    case OP_PICK: return countOf(b) == a.rows && countOf(out) == a.rows;
    case OP_COUNT: break;
  }
  return false;
}

}  // namespace corral
