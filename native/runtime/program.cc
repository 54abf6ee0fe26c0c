// A program as numbers, made an executable: what encodeProgram() in src/device/cpu-program.ts writes.
#include <string.h>

#include "executable.h"

namespace corral {

bool Executable::decode(const EncodedProgram& encoded) {
  constexpr size_t valueFields = 4 + maxRank, stepFields = 3 + maxInputs + maxOutputs;
  const int32_t* fields = encoded.layout;
  if (encoded.layoutLength < 4) return false;
  for (int i = 0; i < 4; i++) {
    if (fields[i] < 0 || fields[i] > (1 << 24)) return false;
  }
  const size_t valueCount = (size_t)fields[0], stepCount = (size_t)fields[1];
  const size_t slotCount = (size_t)fields[2], inputCount = (size_t)fields[3];
  const size_t expected = 4 + valueCount * valueFields + stepCount * stepFields + slotCount;
  if (encoded.layoutLength != expected) return false;
  if (encoded.numbersLength != stepCount * maxAttributes + slotCount) return false;
  const double* doubles = encoded.numbers;

  const int32_t* at = fields + 4;
  values.resize(valueCount);
  for (Value& value : values) {
    if (at[0] < 0 || at[0] > (int32_t)Source::unused) return false;
    value.source = (Source)at[0];
    value.index = at[1];
    value.dtype = (DType)at[2];
    value.rank = at[3];
    memcpy(value.dims, at + 4, sizeof value.dims);
    at += valueFields;
  }
  steps.resize(stepCount);
  for (Step& step : steps) {
    step.op = (Op)at[0];
    step.inputCount = at[1];
    step.outputCount = at[2];
    memcpy(step.inputs, at + 3, sizeof step.inputs);
    memcpy(step.outputs, at + 3 + maxInputs, sizeof step.outputs);
    memcpy(step.attributes, doubles, sizeof step.attributes);
    at += stepFields;
    doubles += maxAttributes;
  }
  slots.resize(slotCount);
  for (Slot& slot : slots) {
    slot.lead = *at++;
    // Negative is refused as not well-formed; what int64_t cannot hold must not be cast.
    slot.rowBytes = *doubles >= 0 && *doubles < 9e18 ? (int64_t)*doubles : -1;
    doubles++;
  }
  for (size_t i = 0; i < slotCount; i++) {
    slotMemory.push_back(std::make_unique<Memory>());
  }
  for (size_t i = 0; i < inputCount; i++) {
    inputMemory.push_back(std::make_unique<Memory>());
  }
  return true;
}

}  // namespace corral
