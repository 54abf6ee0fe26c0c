// Every op with a kernel, in one order for the enum, the names JavaScript sees, the checks and the
// table of kernels; matmul_int8 is how a matmul may be computed, and no op of its own: ROW(constant, name, inputs, outputs, which inputs hold indices as bits,
// attributes in the order of Call::attributes).
#pragma once

#define CORRAL_OPS(ROW)                                                                            \
  ROW(EMBED, "embed", 2, 1, 1 << 1)                                                                \
  ROW(MATMUL, "matmul", 2, 1, 0)                                                                   \
  ROW(MATMUL_INT8, "matmul_int8", 2, 1, 0)                                                         \
  ROW(TAKE_ROWS, "take_rows", 2, 1, 1 << 1)                                                        \
  ROW(ADD, "add", 2, 1, 0)                                                                         \
  ROW(SUB, "sub", 2, 1, 0)                                                                         \
  ROW(MUL, "mul", 2, 1, 0)                                                                         \
  ROW(SCALE, "scale", 1, 1, 0, "factor")                                                           \
  ROW(SILU, "silu", 1, 1, 0)                                                                       \
  ROW(SWIGLU, "swiglu", 2, 1, 0)                                                                   \
  ROW(RMS_NORM, "rms_norm", 2, 1, 0, "eps")                                                        \
  ROW(ADD_RMS_NORM, "add_rms_norm", 3, 2, 0, "eps")                                                \
  ROW(ROPE_TABLE, "rope_table", 3, 1, 1 << 0 | 1 << 1, "scale")                                    \
  ROW(ROPE, "rope", 2, 1, 0)                                                                       \
  ROW(CACHE_WRITE, "cache_write", 3, 0, 1 << 2)                                                    \
  ROW(ATTENTION, "attention", 6, 1, 1 << 3 | 1 << 4 | 1 << 5, "heads", "kvHeads", "headDim",       \
      "pageSize", "scale", "window")                                                               \
  ROW(ADJUST_LOGITS, "adjust_logits", 3, 1, 1 << 1)                                                \
  ROW(MASK_LOGITS, "mask_logits", 2, 1, 0)                                                         \
  ROW(TOP_K, "top_k", 1, 2, 0, "k")                                                                \
  ROW(LOG_SUM_EXP, "log_sum_exp", 2, 1, 0)                                                         \
  ROW(PICK, "pick", 2, 1, 1 << 1)                                                                  \
  ROW(MATMUL_TRANSPOSED, "matmul_transposed", 2, 1, 0)                                             \
  ROW(OUTER_SUM, "outer_sum", 2, 1, 0)                                                             \
  ROW(OUTER_SUM_INTO, "outer_sum_into", 3, 0, 0)                                                   \
  ROW(LORA_ROW_NORM, "lora_row_norm", 3, 1, 0, "scale")                                            \
  ROW(LORA_ADD, "lora_add", 6, 1, 1 << 5)                                                          \
  ROW(SILU_GRADIENT, "silu_gradient", 2, 1, 0)                                                     \
  ROW(SWIGLU_GRADIENT, "swiglu_gradient", 3, 2, 0)                                                 \
  ROW(RMS_NORM_GRADIENT, "rms_norm_gradient", 3, 2, 0, "eps")                                      \
  ROW(ROPE_INVERSE, "rope_inverse", 2, 1, 0)                                                       \
  ROW(SELF_ATTENTION, "self_attention", 4, 2, 1 << 3, "heads", "kvHeads", "headDim", "scale",      \
      "window")                                                                                    \
  ROW(SELF_ATTENTION_GRADIENT, "self_attention_gradient", 7, 3, 1 << 3, "heads", "kvHeads",        \
      "headDim", "scale", "window")                                                                \
  ROW(CROSS_ENTROPY, "cross_entropy", 2, 2, 1 << 1)                                                \
  ROW(CROSS_ENTROPY_GRADIENT, "cross_entropy_gradient", 4, 1, 1 << 1)                              \
  ROW(LINEAR_CROSS_ENTROPY, "linear_cross_entropy", 3, 2, 1 << 2)                                  \
  ROW(LINEAR_CROSS_ENTROPY_GRADIENT, "linear_cross_entropy_gradient", 5, 2, 1 << 2, "needsWeight") \
  ROW(LOG_SUM_EXP_GRADIENT, "log_sum_exp_gradient", 4, 1, 0)                                       \
  ROW(PICK_GRADIENT, "pick_gradient", 3, 1, 1 << 1)                                                \
  ROW(DOT, "dot", 2, 1, 0)                                                                         \
  ROW(SUM, "sum", 1, 1, 0)                                                                         \
  ROW(MEAN, "mean", 1, 1, 0)                                                                       \
  ROW(SUM_SQUARES, "sum_squares", 1, 1, 0)                                                         \
  ROW(SUM_ROWS, "sum_rows", 1, 1, 0)                                                               \
  ROW(BROADCAST, "broadcast", 2, 1, 0, "mean")                                                     \
  ROW(SEGMENT_SUM, "segment_sum", 3, 1, 1 << 1)                                                    \
  ROW(WHITEN, "whiten", 1, 1, 0, "eps", "keepMean")                                                \
  ROW(WHITEN_GRADIENT, "whiten_gradient", 2, 1, 0, "eps", "keepMean")                              \
  ROW(EXP, "exp", 1, 1, 0)                                                                         \
  ROW(LOG, "log", 1, 1, 0)                                                                         \
  ROW(LOG_SIGMOID, "log_sigmoid", 1, 1, 0)                                                         \
  ROW(SQUARE, "square", 1, 1, 0)                                                                   \
  ROW(SQRT, "sqrt", 1, 1, 0)                                                                       \
  ROW(RECIPROCAL, "reciprocal", 1, 1, 0)                                                           \
  ROW(CLIP, "clip", 1, 1, 0, "low", "high")                                                        \
  ROW(INSIDE, "inside", 1, 1, 0, "low", "high")                                                    \
  ROW(FILL, "fill", 1, 1, 0, "value")                                                              \
  ROW(MINIMUM, "minimum", 2, 1, 0)                                                                 \
  ROW(MAXIMUM, "maximum", 2, 1, 0)                                                                 \
  ROW(NOT_ABOVE, "not_above", 2, 1, 0)                                                             \
  ROW(NOT_BELOW, "not_below", 2, 1, 0)                                                             \
  ROW(DROPOUT, "dropout", 2, 1, 0, "rate", "site")                                                 \
  ROW(ACCUMULATE, "accumulate", 2, 0, 0)                                                           \
  ROW(ZERO, "zero", 1, 0, 0)                                                                       \
  ROW(EMA, "ema", 2, 0, 0, "decay")                                                                \
  ROW(ADAMW, "adamw", 5, 0, 0, "beta1", "beta2", "eps", "decay")
