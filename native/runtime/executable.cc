// Sizes, addresses and checks of a program's tensors.
#include "executable.h"

#include <string.h>

#include <algorithm>

#include "op-rules.h"

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

// The same tensor as a matrix whose rows are its first axis.
Tensor byFirstAxis(Tensor tensor, const Value& value, const int32_t* sizes) {
  if (value.rank == 0 || value.rank == 2) return tensor;
  const int64_t bytes = tensor.rows * tensor.rowBytes;
  const int64_t elements = countOf(tensor);
  tensor.rows = sizeOf(value.dims[0], sizes);
  tensor.columns = tensor.rows == 0 ? 1 : elements / tensor.rows;
  tensor.rowBytes = tensor.rows == 0 ? 0 : bytes / tensor.rows;
  return tensor;
}

}  // namespace

int64_t blockElements(DType dtype) { return blockOf(dtype).elements; }

int64_t bytesPerRow(DType dtype, int64_t columns) {
  const BlockSize block = blockOf(dtype);
  return block.elements == 0 ? 0 : columns / block.elements * block.bytes;
}

Tensor matrixOf(const Value& weight) {
  Tensor matrix = {nullptr, weight.dtype, weight.dims[0], weight.dims[1], 0};
  matrix.rowBytes = bytesPerRow(weight.dtype, matrix.columns);
  return matrix;
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
    if (step.inputCount != shape.inputs || step.outputCount != outputsOf(step)) return false;
    for (int i = 0; i < step.inputCount; i++) {
      if (!has(step.inputs[i], values.size())) return false;
      const Source source = values[step.inputs[i]].source;
      // What a kernel computes cannot be checked before the run.
      if ((shape.indices >> i & 1) != 0 && source != Source::input) return false;
      if (source == Source::unused) return false;
    }
    if (step.op == OP_MATMUL_INT8) {
      const Value& weight = values[step.inputs[1]];
      if (weight.source != Source::buffer || weight.rank != 2) return false;
      if (weight.dims[0] < 1 || weight.dims[1] < 1) return false;
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

void Executable::listPackedWeights() {
  for (const Step& step : steps) {
    if (step.op != OP_MATMUL_INT8) continue;
    const PackedWeight weight = {step.inputs[1], values[step.inputs[1]].index};
    const bool isListed =
        std::any_of(packedWeights.begin(), packedWeights.end(),
                    [&](const PackedWeight& other) { return other.buffer == weight.buffer; });
    if (!isListed) packedWeights.push_back(weight);
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

  calls.clear();
  scratchBytes = sharedBytes = 0;
  for (size_t i = 0; i < steps.size(); i++) {
    const Step& step = steps[i];
    const Kernel& kernel = kernels.ops[step.op];
    Call call;
    memset(&call, 0, sizeof call);
    const auto operand = [&](int32_t id) {
      return hasLeadingRows(step.op) ? byFirstAxis(tensors[id], values[id], sizes) : tensors[id];
    };
    for (int k = 0; k < step.inputCount; k++) call.in[k] = operand(step.inputs[k]);
    for (int k = 0; k < step.outputCount; k++) call.out[k] = operand(step.outputs[k]);
    memcpy(call.attributes, step.attributes, sizeof call.attributes);
    if (!shapesAgree(step.op, call)) {
      status.code = Code::shapesDisagree;
      status.op = step.op;
      return status;
    }
    bool joins = false;
    if (step.op == OP_MATMUL_INT8) {
      const Memory& packed = buffers[values[step.inputs[1]].index]->packed;
      const int64_t panels = (call.in[1].rows + panelRows - 1) / panelRows;
      const int64_t bytes = panels * kernels.panelBytes(call.in[1].dtype, call.in[1].columns);
      if (bytes == 0 || packed.bytes() < (size_t)bytes) {
        status.code = Code::shapesDisagree;
        status.op = step.op;
        return status;
      }
      call.in[1].data = packed.data();
      // Products of the same rows (q, k and v; gate and up) share their rounding and one barrier.
      joins = i > 0 && steps[i - 1].op == step.op && steps[i - 1].inputs[0] == step.inputs[0];
    }
    scratchBytes = std::max(scratchBytes, kernel.scratch(call));
    if (kernel.shared != nullptr) sharedBytes = std::max(sharedBytes, kernel.shared(call));
    const int64_t stages = kernel.stages == nullptr ? 1 : kernel.stages(call);
    for (call.stage = joins ? 1 : 0; call.stage < stages; call.stage++) {
      calls.push_back({i, call, 0, joins});
    }
  }
  resolved = true;
  return status;
}

Status Executable::checkIndices() const {
  for (const StepCall& each : calls) {
    const Step& step = steps[each.step];
    if (step.checked || each.call.stage > 0) continue;
    const Status status = checkIndicesOf(step, each.call);
    if (status.code != Code::ok) return status;
  }
  return {};
}

bool Executable::isQuick(const int32_t* wanted) const {
  // A few times what waking a thread and being woken by it costs; far below what an event loop notices.
  constexpr double quickSeconds = 250e-6;
  if (!ran || threadSeconds > quickSeconds) return false;
  for (int i = 0; i < symbolicDims; i++) {
    // Answers grow by a token and a page at a time.
    if (wanted[i] > sizes[i] + 1) return false;
  }
  for (const PackedWeight& weight : packedWeights) {
    if (!buffers[(size_t)weight.buffer]->isPacked) return false;
  }
  return true;
}

bool Executable::isIntact() const {
  for (const auto& memory : inputMemory) {
    if (!memory->intact()) return false;
  }
  for (const auto& memory : slotMemory) {
    if (!memory->intact()) return false;
  }
  for (const auto& buffer : buffers) {
    if (!buffer->memory.intact() || !buffer->packed.intact()) return false;
  }
  return true;
}

}  // namespace corral
