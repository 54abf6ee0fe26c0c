// Runs programs that the test suite wrote to a file and writes what they compute, on the kernels that the
// CPU is found to have: for machines that Node is not emulated for. Prints the kernels' name.
//   run-cases NAME CASES RESULTS     fails unless the fastest kernels are called NAME
// Both files are plain numbers, as arm.test.ts has them. Portable kernels are tested elsewhere, so
// they are not compiled again.
#include <stdio.h>
#include <string.h>

#include "../../native/runtime/device.h"
#include "../../native/runtime/isa.h"

extern "C" const corral::KernelTable corral_kernels_portable = {};

namespace {

using namespace corral;

template <class T>
std::vector<T> take(FILE* file, size_t count) {
  std::vector<T> all(count);
  if (fread(all.data(), sizeof(T), count, file) != count) all.clear();
  return all;
}

// One after another: who submits waits.
struct Waiting {
  std::mutex mutex;
  std::condition_variable changed;
  bool ended = false;
};

void endTask(void* context, Task*) {
  Waiting& waiting = *(Waiting*)context;
  std::lock_guard<std::mutex> lock(waiting.mutex);
  waiting.ended = true;
  waiting.changed.notify_one();
}

void perform(Device& device, Waiting& waiting, Task& task) {
  waiting.ended = false;
  device.submit(&task);
  std::unique_lock<std::mutex> lock(waiting.mutex);
  waiting.changed.wait(lock, [&] { return waiting.ended; });
}

// False at the end of the file.
bool runCase(Device& device, Waiting& waiting, FILE* cases, FILE* results) {
  const auto counts = take<int32_t>(cases, 6);
  if (counts.empty()) return false;
  const auto layout = take<int32_t>(cases, (size_t)counts[0]);
  const auto numbers = take<double>(cases, (size_t)counts[1]);
  const auto sizes = take<int32_t>(cases, symbolicDims);
  auto executable = std::make_shared<Executable>();
  for (int i = 0; i < counts[2]; i++) {
    const auto bytes = take<uint8_t>(cases, (size_t)take<int32_t>(cases, 1)[0]);
    auto buffer = std::make_shared<Buffer>();
    buffer->memory.reserve(bytes.size(), device.guard());
    memcpy(buffer->memory.data(), bytes.data(), bytes.size());
    executable->buffers.push_back(std::move(buffer));
  }
  Task task = {};
  task.kind = TaskKind::run;
  memcpy(task.sizes, sizes.data(), sizeof task.sizes);
  for (int i = 0; i < counts[3]; i++) {
    const auto bytes = take<uint8_t>(cases, (size_t)take<int32_t>(cases, 1)[0]);
    HostBytes input = {std::make_unique<uint8_t[]>(bytes.size() + 1), bytes.size()};
    memcpy(input.data.get(), bytes.data(), bytes.size());
    task.inputs.push_back(std::move(input));
  }
  std::vector<std::vector<uint8_t>> outputs;
  for (int i = 0; i < counts[4]; i++) {
    const auto fetch = take<int32_t>(cases, 2);
    outputs.emplace_back((size_t)fetch[1]);
    task.fetches.push_back({fetch[0], outputs.back().data(), outputs.back().size()});
  }
  const auto states = take<int32_t>(cases, (size_t)counts[5]);

  if (executable->decode({layout.data(), layout.size(), numbers.data(), numbers.size()}) &&
      executable->isWellFormed()) {
    executable->markChecked();
    executable->listPackedWeights();
    task.executable = executable;
    perform(device, waiting, task);
  } else {
    task.status.code = Code::shapesDisagree;
  }
  const int32_t code = (int32_t)task.status.code;
  fwrite(&code, sizeof code, 1, results);
  for (const auto& output : outputs) fwrite(output.data(), 1, output.size(), results);
  for (const int32_t state : states) {
    const Memory& memory = executable->buffers[(size_t)state]->memory;
    fwrite(memory.data(), 1, memory.bytes(), results);
  }
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) return 2;
  Isa isas[maxIsas];
  const Isa& best = isas[listIsas(isas) - 1];
  printf("%s\n", best.name);
  if (strcmp(best.name, arguments[1]) != 0) return 1;
  FILE* cases = fopen(arguments[2], "rb");
  FILE* results = fopen(arguments[3], "wb");
  if (cases == nullptr || results == nullptr) return 2;
  Waiting waiting;
  Device device(*best.kernels, Guard::canary, endTask, &waiting);
  if (!device.start(2)) return 2;
  while (runCase(device, waiting, cases, results)) {
  }
  device.stop();
  return fclose(results) == 0 ? 0 : 2;
}
