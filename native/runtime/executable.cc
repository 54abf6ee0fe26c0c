// Sizes, addresses and checks of a program's tensors.
#include "executable.h"

#include <string.h>

namespace corral {

namespace {

struct BlockSize {
  int64_t elements, bytes;
};

BlockSize blockOf(DType dtype) {
  switch (dtype) {
    case DTYPE_F32: case DTYPE_I32: return {1, 4};
    case DTYPE_F16: case DTYPE_BF16: return {1, 2};
    case DTYPE_Q4_0: return {32, 18};
    case DTYPE_Q4_1: return {32, 20};
    case DTYPE_Q5_0: return {32, 22};
    case DTYPE_Q5_1: return {32, 24};
    case DTYPE_Q8_0: return {32, 34};
    case DTYPE_Q2_K: return {256, 84};
    case DTYPE_Q3_K: return {256, 110};
    case DTYPE_Q4_K: return {256, 144};
    case DTYPE_Q5_K: return {256, 176};
    case DTYPE_Q6_K: return {256, 210};
  }
  return {0, 0};
}

// What each op takes and makes, and which of its inputs hold indices (as bits).
struct OpShape {
  int inputs, outputs;
  uint32_t indices;
};

const OpShape opShapes[OP_COUNT] = {
    {2, 1, 1 << 1},                    // embed
    {2, 1, 0},                         // matmul
    {2, 1, 1 << 1},                    // take_rows
    {2, 1, 0},                         // add
    {2, 1, 0},                         // sub
    {2, 1, 0},                         // mul
    {1, 1, 0},                         // scale
    {1, 1, 0},                         // silu
    {2, 1, 0},                         // swiglu
    {2, 1, 0},                         // rms_norm
    {3, 2, 0},                         // add_rms_norm
    {3, 1, 1 << 0 | 1 << 1},           // rope_table
    {2, 1, 0},                         // rope
    {3, 0, 1 << 2},                    // cache_write
    {6, 1, 1 << 3 | 1 << 4 | 1 << 5},  // attention
    {3, 1, 1 << 1},                    // adjust_logits
    {1, 2, 0},                         // top_k
    {2, 1, 0},                         // log_sum_exp
    {2, 1, 1 << 1},                    // pick
};

int64_t sizeOf(int32_t dim, const int32_t* sizes) { return dim >= 0 ? dim : sizes[-1 - dim]; }

// False when the product of two sizes is more than can be counted.
bool multiply(int64_t a, int64_t b, int64_t* product) {
  return !__builtin_mul_overflow(a, b, product);
}

Status tooLarge(double bytes) {
  Status status;
  status.code = Code::outOfMemory;
  status.found = bytes;
  return status;
}

int64_t count(const Tensor& t) { return t.rows * t.columns; }

bool repeats(const Tensor& y, const Tensor& x) {
  return y.columns == x.columns && (count(y) == count(x) || count(y) == x.columns);
}

bool likeFirst(const Call& c) {
  return c.out[0].columns == c.in[0].columns && count(c.out[0]) == count(c.in[0]);
}

bool attentionAgrees(const Call& c) {
  const int64_t heads = (int64_t)c.attributes[0], kvHeads = (int64_t)c.attributes[1];
  const int64_t headDim = (int64_t)c.attributes[2], pageSize = (int64_t)c.attributes[3];
  if (heads < 1 || kvHeads < 1 || headDim < 1 || pageSize < 1 || heads % kvHeads != 0) return false;
  // So that none of the products here and in the kernels overflows.
  if (heads > INT32_MAX || headDim > INT32_MAX || pageSize > INT32_MAX) return false;
  return c.in[0].columns == heads * headDim && c.in[1].columns == kvHeads * headDim &&
         c.in[2].columns == kvHeads * headDim && c.in[1].rows == c.in[2].rows &&
         headDim % blockOf(c.in[1].dtype).elements == 0 &&
         headDim % blockOf(c.in[2].dtype).elements == 0 && count(c.in[3]) == c.in[0].rows &&
         count(c.in[4]) == c.in[0].rows && c.attributes[5] >= 0 && likeFirst(c);
}

// The sizes kernels rely on.
bool shapesAgree(Op op, const Call& c) {
  const Tensor &a = c.in[0], &b = c.in[1], &out = c.out[0];
  switch (op) {
    case OP_EMBED:
    case OP_TAKE_ROWS: return out.columns == a.columns && out.rows == count(b);
    case OP_MATMUL: return a.columns == b.columns && out.rows == a.rows && out.columns == b.rows;
    case OP_ADD: case OP_SUB: case OP_MUL: case OP_SWIGLU: return repeats(b, a) && likeFirst(c);
    case OP_SCALE: case OP_SILU: return likeFirst(c);
    case OP_RMS_NORM: return count(b) == a.columns && likeFirst(c);
    case OP_ADD_RMS_NORM:
      return repeats(b, a) && count(c.in[2]) == a.columns && likeFirst(c) &&
             count(c.out[1]) == count(a);
    case OP_ROPE_TABLE:
      return count(a) == out.rows && count(b) == out.rows && out.columns == 2 * c.in[2].columns;
    case OP_ROPE:
      return b.columns > 0 && b.columns % 2 == 0 && a.columns % b.columns == 0 &&
             b.rows == a.rows && likeFirst(c);
    case OP_CACHE_WRITE: return a.columns == b.columns && count(c.in[2]) == a.rows;
    case OP_ATTENTION: return attentionAgrees(c);
    case OP_ADJUST_LOGITS:
      return likeFirst(c) && b.columns == 2 && c.in[2].columns == 2 && c.in[2].rows == b.rows;
    case OP_TOP_K:
      return c.attributes[0] >= 1 && out.columns == (int64_t)c.attributes[0] &&
             out.rows == a.rows && c.out[1].rows == a.rows && c.out[1].columns == out.columns;
    case OP_LOG_SUM_EXP:
    case OP_PICK: return count(b) == a.rows && count(out) == a.rows;
    case OP_COUNT: break;
  }
  return false;
}

// Looks for the first index outside of [0, size).
class IndexCheck {
 public:
  IndexCheck(const Step& step, const Call& call) : step_(step), call_(call) {}

  void within(int input, int64_t size, int64_t stride = 1, int64_t offset = 0) {
    const int32_t* indices = (const int32_t*)call_.in[input].data;
    for (int64_t i = offset; i < count(call_.in[input]); i += stride) look(input, indices[i], size);
  }

  void look(int input, int64_t index, int64_t size) {
    if ((index >= 0 && index < size) || status.code != Code::ok) return;
    status.code = Code::indexInvalid;
    status.op = step_.op;
    status.value = step_.inputs[input];
    status.found = (double)index;
    status.highest = (double)size - 1;
  }

  // Positions must lie in the pages there are, and the pages a row sees in the cache.
  void pages() {
    const int64_t pageSize = (int64_t)call_.attributes[3], window = (int64_t)call_.attributes[5];
    const Tensor& table = call_.in[5];
    within(3, table.columns * pageSize);
    within(4, table.rows);
    if (status.code != Code::ok) return;
    const int32_t* positions = (const int32_t*)call_.in[3].data;
    const int32_t* sequence = (const int32_t*)call_.in[4].data;
    const int32_t* entries = (const int32_t*)table.data;
    for (int64_t r = 0; r < call_.in[0].rows; r++) {
      const int64_t first = window > 0 && positions[r] >= window ? positions[r] - window + 1 : 0;
      for (int64_t page = first / pageSize; page <= positions[r] / pageSize; page++) {
        look(5, entries[sequence[r] * table.columns + page], call_.in[1].rows / pageSize);
      }
    }
  }

  Status status;

 private:
  const Step& step_;
  const Call& call_;
};

}  // namespace

int64_t bytesPerRow(DType dtype, int64_t columns) {
  const BlockSize block = blockOf(dtype);
  return block.elements == 0 ? 0 : columns / block.elements * block.bytes;
}

bool Executable::isWellFormed() const {
  const auto has = [](int32_t index, size_t size) { return index >= 0 && (size_t)index < size; };
  // A fixed size of zero would be divided by; symbolic ones are negative.
  const auto isDim = [](int32_t dim) { return dim != 0 && dim >= -symbolicDims; };
  for (const Value& value : values) {
    if (value.rank < 0 || value.rank > maxRank || blockOf(value.dtype).elements == 0) return false;
    for (int i = 0; i < value.rank; i++) {
      if (!isDim(value.dims[i])) return false;
    }
    if (value.source == Source::input && !has(value.index, inputMemory.size())) return false;
    if (value.source == Source::buffer && !has(value.index, buffers.size())) return false;
    if (value.source == Source::slot && !has(value.index, slots.size())) return false;
  }
  for (const Slot& slot : slots) {
    if (!isDim(slot.lead) || slot.rowBytes < 0) return false;
  }
  for (const Step& step : steps) {
    if (step.op < 0 || step.op >= OP_COUNT) return false;
    const OpShape& shape = opShapes[step.op];
    if (step.inputCount != shape.inputs || step.outputCount != shape.outputs) return false;
    for (int i = 0; i < step.inputCount; i++) {
      if (!has(step.inputs[i], values.size())) return false;
      const Source source = values[step.inputs[i]].source;
      // What a kernel computes cannot be checked before the run.
      if ((shape.indices >> i & 1) != 0 && source != Source::input) return false;
      if (source == Source::unused) return false;
    }
    for (int i = 0; i < step.outputCount; i++) {
      if (!has(step.outputs[i], values.size())) return false;
      if (values[step.outputs[i]].source != Source::slot) return false;
    }
  }
  return true;
}

void Executable::markChecked() {
  const auto sameSizes = [&](int32_t a, int32_t b) {
    const Value &x = values[a], &y = values[b];
    return x.rank == y.rank && memcmp(x.dims, y.dims, sizeof(int32_t) * (size_t)x.rank) == 0;
  };
  for (size_t i = 0; i < steps.size(); i++) {
    Step& step = steps[i];
    step.checked = opShapes[step.op].indices == 0;
    for (size_t j = 0; j < i && !step.checked; j++) {
      if (steps[j].op != step.op) continue;
      bool same = memcmp(steps[j].attributes, step.attributes, sizeof step.attributes) == 0;
      for (int k = 0; k < step.inputCount && same; k++) {
        const bool isIndex = (opShapes[step.op].indices >> k & 1) != 0;
        same = isIndex ? steps[j].inputs[k] == step.inputs[k]
                       : sameSizes(steps[j].inputs[k], step.inputs[k]);
      }
      step.checked = same;
    }
  }
}

Status Executable::resolve(const int32_t* wanted, const KernelTable& kernels, Guard guard) {
  Status status;
  if (resolved && memcmp(sizes, wanted, sizeof sizes) == 0) return status;
  resolved = ran = false;
  memcpy(sizes, wanted, sizeof sizes);

  tensors.resize(values.size());
  for (size_t i = 0; i < values.size(); i++) {
    const Value& value = values[i];
    Tensor& tensor = tensors[i];
    tensor = {nullptr, value.dtype, 1, 1, 0};
    if (value.rank > 0) tensor.columns = sizeOf(value.dims[value.rank - 1], sizes);
    tensor.rowBytes = bytesPerRow(value.dtype, tensor.columns);
    double bytes = (double)tensor.rowBytes;
    for (int d = 0; d + 1 < value.rank; d++) bytes *= (double)sizeOf(value.dims[d], sizes);
    bool counted = true;
    for (int d = 0; d + 1 < value.rank; d++) {
      counted = counted && multiply(tensor.rows, sizeOf(value.dims[d], sizes), &tensor.rows);
    }
    int64_t all;
    if (!counted || !multiply(tensor.rows, tensor.columns, &all) ||
        !multiply(tensor.rows, tensor.rowBytes, &all)) {
      return tooLarge(bytes);
    }
  }
  for (size_t i = 0; i < slots.size(); i++) {
    const int64_t lead = sizeOf(slots[i].lead, sizes);
    int64_t bytes;
    if (!multiply(lead, slots[i].rowBytes, &bytes) ||
        !slotMemory[i]->reserve((size_t)bytes, guard)) {
      return tooLarge((double)lead * (double)slots[i].rowBytes);
    }
  }
  for (size_t i = 0; i < values.size(); i++) {
    Tensor& tensor = tensors[i];
    const size_t bytes = (size_t)(tensor.rows * tensor.rowBytes);
    const Memory* memory = nullptr;
    switch (values[i].source) {
      case Source::input:
        if (!inputMemory[values[i].index]->reserve(bytes, guard)) return tooLarge((double)bytes);
        memory = inputMemory[values[i].index].get();
        break;
      case Source::buffer: memory = &buffers[values[i].index]->memory; break;
      case Source::slot: memory = slotMemory[values[i].index].get(); break;
      case Source::unused: continue;
    }
    if (memory->bytes() < bytes) {
      status.code = Code::shapesDisagree;
      status.value = (int32_t)i;
      return status;
    }
    tensor.data = memory->data();
  }

  calls.resize(steps.size());
  chunks.resize(steps.size());
  scratchBytes = 0;
  for (size_t i = 0; i < steps.size(); i++) {
    const Step& step = steps[i];
    Call& call = calls[i];
    memset(&call, 0, sizeof call);
    for (int k = 0; k < step.inputCount; k++) call.in[k] = tensors[step.inputs[k]];
    for (int k = 0; k < step.outputCount; k++) call.out[k] = tensors[step.outputs[k]];
    memcpy(call.attributes, step.attributes, sizeof call.attributes);
    if (!shapesAgree(step.op, call)) {
      status.code = Code::shapesDisagree;
      status.op = step.op;
      return status;
    }
    const size_t scratch = kernels.ops[step.op].scratch(call);
    if (scratch > scratchBytes) scratchBytes = scratch;
  }
  resolved = true;
  return status;
}

Status Executable::checkIndices() const {
  for (size_t i = 0; i < steps.size(); i++) {
    if (steps[i].checked) continue;
    const Call& call = calls[i];
    IndexCheck check(steps[i], call);
    switch (steps[i].op) {
      case OP_EMBED:
      case OP_TAKE_ROWS: check.within(1, call.in[0].rows); break;
      case OP_ROPE_TABLE: check.within(1, call.in[2].rows); break;
      case OP_CACHE_WRITE: check.within(2, call.in[1].rows); break;
      case OP_ATTENTION: check.pages(); break;
      case OP_ADJUST_LOGITS:
        check.within(1, call.in[0].rows, 2, 0);
        check.within(1, call.in[0].columns, 2, 1);
        break;
      case OP_PICK: check.within(1, call.in[0].columns); break;
      default: break;
    }
    if (check.status.code != Code::ok) return check.status;
  }
  return {};
}

bool Executable::isIntact() const {
  for (const auto& memory : inputMemory) {
    if (!memory->intact()) return false;
  }
  for (const auto& memory : slotMemory) {
    if (!memory->intact()) return false;
  }
  for (const auto& buffer : buffers) {
    if (!buffer->memory.intact()) return false;
  }
  return true;
}

}  // namespace corral
