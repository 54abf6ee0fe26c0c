// A program bound to buffers: what was compiled, and the memory of its inputs and computed values.
// Every index a program is given is checked before a kernel sees it.
#pragma once
#include <memory>
#include <vector>

#include "../kernels.h"
#include "memory.h"

namespace corral {

constexpr int maxRank = 4;
constexpr int symbolicDims = 5;
constexpr int maxThreads = 256;

enum class Code : int32_t {
  ok,
  closed,
  aborted,
  // found: bytes
  outOfMemory,
  // op, value, found, lowest, highest
  indexInvalid,
  bufferFreed,
  neverRun,
  outOfBounds,
  guardBroken,
  // op; a bug in who recorded the program
  shapesDisagree,
  // There are no panels of what the file holds: never asked for, or the weight was written to.
  notPacked,
};

// How a task ended.
struct Status {
  Code code = Code::ok;
  int32_t op = -1;
  int32_t value = -1;
  double found = 0;
  double lowest = 0;
  double highest = 0;
};

// An allocated tensor's memory. The dtype and shape are the program's affair.
struct Buffer {
  Memory memory;
  // The same matrix in panels, once a product with int8 activations has asked for them; before, perhaps,
  // a file's part that is said to hold them and has not been compared with its checksum.
  Memory packed;
  bool isPacked = false, isUnchecked = false;
  uint64_t checksum = 0;
  bool freed = false;

  void release() {
    memory.release();
    packed.release();
    isPacked = isUnchecked = false;
    freed = true;
  }
};

enum class Source : int32_t { input, buffer, slot, unused };

// One tensor as it was compiled. A dimension below 0 is the symbolic one with number -1 - dim.
struct Value {
  Source source;
  int32_t index;
  DType dtype;
  int32_t rank;
  int32_t dims[maxRank];
};

struct Step {
  Op op;
  int32_t inputCount, outputCount;
  int32_t inputs[maxInputs];
  int32_t outputs[maxOutputs];
  double attributes[maxAttributes];
  // The same indices into the same sizes were checked by an earlier step.
  bool checked;
};

// Scratch memory of computed values: a leading dimension times bytes.
struct Slot {
  int32_t lead;
  int64_t rowBytes;
};

// What a step, or one of its stages, computes on.
struct StepCall {
  size_t step;
  Call call;
  int64_t chunks;
  // Reads nothing that the call before it writes: no barrier lies between the two.
  bool joins;
};

// A weight that is to be packed before a run.
struct PackedWeight {
  int32_t value, buffer;
};

// What src/device/cpu-program.ts makes of a program; lengths count numbers.
struct EncodedProgram {
  const int32_t* layout;
  size_t layoutLength;
  const double* numbers;
  size_t numbersLength;
};

struct Executable {
  std::vector<Value> values;
  std::vector<Step> steps;
  std::vector<Slot> slots;
  std::vector<std::shared_ptr<Buffer>> buffers;
  std::vector<std::unique_ptr<Memory>> inputMemory;
  std::vector<std::unique_ptr<Memory>> slotMemory;

  // Each buffer that is read as panels, once.
  std::vector<PackedWeight> packedWeights;

  // Of the last run.
  bool resolved = false;
  bool ran = false;
  int32_t sizes[symbolicDims] = {};
  std::vector<Tensor> tensors;
  std::vector<StepCall> calls;
  // Of all threads together.
  double threadSeconds = 0;
  size_t scratchBytes = 0;
  size_t sharedBytes = 0;

  // False: not as long as it says it is, or with values from nowhere. Buffers are bound before.
  bool decode(const EncodedProgram& encoded);
  // False: the numbers do not make a program that kernels exist for.
  bool isWellFormed() const;
  // Marks the steps whose indices need no check of their own.
  void markChecked();
  // Lists what has to be packed.
  void listPackedWeights();
  // Gives every value its size and address. Does nothing when the sizes are those of last time.
  Status resolve(const int32_t* sizes, const KernelTable& kernels, Guard guard);
  // Looks at every index among the inputs, which hold this run's contents already.
  Status checkIndices() const;
  // Whether a run of these sizes takes less time than handing it to other threads would, as far as the
  // last one tells.
  bool isQuick(const int32_t* sizes) const;
  bool isIntact() const;
};

// A weight as the matrix it is in its file; no data yet.
Tensor matrixOf(const Value& weight);
int64_t blockElements(DType dtype);
int64_t bytesPerRow(DType dtype, int64_t columns);

}  // namespace corral
