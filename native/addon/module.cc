// The native module's functions. Node-API only. src/base/addon.ts describes them; arguments come from
// there alone, so this side checks what memory safety needs and leaves messages to TypeScript.
#include <node_api.h>

#include <memory>
#include <new>
#include <string>

#include "../runtime/isa.h"
#include "handles.h"

namespace {

// Raised when a signature below changes: a stale binary is then refused.
constexpr uint32_t interfaceVersion = 4;

struct OpName {
  const char* name;
  const char* attributes[maxAttributes];
};

const OpName opNames[OP_COUNT] = {
#define CORRAL_ROW(op, name, inputs, outputs, indices, ...) {name, {__VA_ARGS__}},
    CORRAL_OPS(CORRAL_ROW)
#undef CORRAL_ROW
};

napi_value createDevice(napi_env env, napi_callback_info info) {
  napi_value values[3];
  std::string name;
  int32_t threads = 0, guard = 0;
  if (!getArguments(env, info, values) || !getString(env, values[0], &name) ||
      napi_get_value_int32(env, values[1], &threads) != napi_ok ||
      napi_get_value_int32(env, values[2], &guard) != napi_ok || threads < 1 ||
      threads > maxThreads || guard < 0 || guard > 2) {
    return throwBug(env, "createDevice(isa, threads, guard)");
  }
  Isa isas[maxIsas];
  const int count = listIsas(isas);
  const KernelTable* kernels = nullptr;
  for (int i = 0; i < count; i++) {
    if (name == isas[i].name) kernels = isas[i].kernels;
  }
  if (kernels == nullptr) return throwBug(env, "createDevice: unknown instruction set");

  auto handle = std::make_shared<DeviceHandle>();
  handle->env = env;
  napi_value resource;
  napi_create_string_utf8(env, "corral", NAPI_AUTO_LENGTH, &resource);
  if (napi_create_threadsafe_function(env, nullptr, nullptr, resource, 0, 1, nullptr, nullptr,
                                      nullptr, receiveCompletion,
                                      &handle->completion) != napi_ok) {
    return throwBug(env, "createDevice: no threadsafe function");
  }
  napi_unref_threadsafe_function(env, handle->completion);
  handle->device =
      std::make_unique<Device>(*kernels, (Guard)guard, sendCompletion, handle.get());
  if (!handle->device->start(threads)) {
    napi_release_threadsafe_function(handle->completion, napi_tsfn_release);
    return throwBug(env, "createDevice: no thread could be started");
  }
  // After the threadsafe function's own hook, so it runs before: threads end first.
  napi_add_env_cleanup_hook(env, cleanUp, handle.get());

  napi_value external;
  napi_create_external(
      env, new std::shared_ptr<DeviceHandle>(handle),
      [](napi_env, void* data, void*) {
        auto* held = (std::shared_ptr<DeviceHandle>*)data;
        // Without the device nothing can be done with what buffers and executables are left.
        endDevice(**held);
        delete held;
      },
      nullptr, &external);
  return external;
}

napi_value threadsOf(napi_env env, napi_callback_info info) {
  napi_value values[1];
  if (!getArguments(env, info, values)) return throwBug(env, "threadsOf(device)");
  const auto handle = getDevice(env, values[0]);
  if (handle == nullptr) return throwBug(env, "threadsOf(device)");
  napi_value result;
  napi_create_int32(env, handle->device->threads(), &result);
  return result;
}

// Lets go of memory on the device's thread when a handle was forgotten.
void drop(napi_env env, const std::shared_ptr<DeviceHandle>& owner, std::shared_ptr<Buffer> buffer,
          std::shared_ptr<Executable> executable) {
  if (owner->ended) return;
  auto task = makeTask(owner, TaskKind::drop);
  task->buffer = std::move(buffer);
  task->executable = std::move(executable);
  submit(env, std::move(task));
}

napi_value wrapBuffer(napi_env env, const std::shared_ptr<DeviceHandle>& owner,
                      std::shared_ptr<Buffer> buffer) {
  owner->device->adopt(buffer);
  napi_value external;
  napi_create_external(
      env, new BufferHandle{owner, std::move(buffer)},
      [](napi_env finalEnv, void* data, void*) {
        auto* held = (BufferHandle*)data;
        drop(finalEnv, held->owner, std::move(held->buffer), nullptr);
        delete held;
      },
      nullptr, &external);
  return external;
}

// allocate(device, bytes): a buffer, or undefined when there is no memory.
napi_value allocate(napi_env env, napi_callback_info info) {
  napi_value values[2];
  uint64_t bytes = 0;
  if (!getArguments(env, info, values) || !getSize(env, values[1], &bytes)) {
    return throwBug(env, "allocate(device, bytes)");
  }
  const auto handle = getDevice(env, values[0]);
  if (handle == nullptr || handle->ended) return throwBug(env, "allocate: no open device");
  auto buffer = std::make_shared<Buffer>();
  if (!buffer->memory.reserve((size_t)bytes, handle->device->guard())) return nullptr;
  return wrapBuffer(env, handle, std::move(buffer));
}

// mapFile(device, path, offset, bytes): a buffer, or the number of what failed (an errno; -1 when
// the file is shorter than that).
napi_value mapFile(napi_env env, napi_callback_info info) {
  napi_value values[4];
  std::string path;
  uint64_t offset = 0, bytes = 0;
  if (!getArguments(env, info, values) || !getString(env, values[1], &path) ||
      !getSize(env, values[2], &offset) || !getSize(env, values[3], &bytes)) {
    return throwBug(env, "mapFile(device, path, offset, bytes)");
  }
  const auto handle = getDevice(env, values[0]);
  if (handle == nullptr || handle->ended) return throwBug(env, "mapFile: no open device");
  auto buffer = std::make_shared<Buffer>();
  const int error = buffer->memory.mapFile(path.c_str(), offset, (size_t)bytes);
  if (error != 0) {
    napi_value result;
    napi_create_int32(env, error, &result);
    return result;
  }
  return wrapBuffer(env, handle, std::move(buffer));
}

napi_value freeBuffer(napi_env env, napi_callback_info info) {
  napi_value values[1];
  if (!getArguments(env, info, values)) return throwBug(env, "freeBuffer(buffer)");
  auto* held = getExternal<BufferHandle>(env, values[0]);
  if (held == nullptr) return throwBug(env, "freeBuffer(buffer)");
  if (held->owner->ended) return nullptr;
  auto task = makeTask(held->owner, TaskKind::free);
  task->buffer = held->buffer;
  submit(env, std::move(task));
  return nullptr;
}

napi_value transfer(napi_env env, napi_callback_info info, TaskKind kind) {
  napi_value values[3];
  uint64_t offset = 0;
  Bytes host;
  if (!getArguments(env, info, values) || !getSize(env, values[1], &offset) ||
      !getBytes(env, values[2], &host)) {
    return throwBug(env, "transfer(buffer, offset, bytes)");
  }
  auto* held = getExternal<BufferHandle>(env, values[0]);
  if (held == nullptr) return throwBug(env, "transfer(buffer, offset, bytes)");
  auto task = makeTask(held->owner, kind);
  task->buffer = held->buffer;
  task->offset = (size_t)offset;
  task->host = host.data;
  task->bytes = host.bytes;
  return submitForPromise(env, std::move(task), values);
}

napi_value readPacked(napi_env env, napi_callback_info info) {
  return transfer(env, info, TaskKind::readPacked);
}

// panelLayoutOf(device): a number; panels written under another one are of no use.
napi_value panelLayoutOf(napi_env env, napi_callback_info info) {
  napi_value values[1], result;
  if (!getArguments(env, info, values)) return throwBug(env, "panelLayoutOf(device)");
  const auto handle = getDevice(env, values[0]);
  if (handle == nullptr) return throwBug(env, "panelLayoutOf(device)");
  napi_create_int32(env, handle->device->kernels().panelLayout, &result);
  return result;
}

// mapPacked(buffer, path, offset, bytes, checksum): panels that were kept in a file, for a buffer no
// program is bound to yet. They are compared with the checksum, two words, before they are used. A number:
// 0, or as mapFile has it.
napi_value mapPacked(napi_env env, napi_callback_info info) {
  napi_value values[5], number;
  std::string path;
  uint64_t offset = 0, bytes = 0;
  Bytes checksum;
  if (!getArguments(env, info, values) || !getString(env, values[1], &path) ||
      !getSize(env, values[2], &offset) || !getSize(env, values[3], &bytes) ||
      !getBytes(env, values[4], &checksum) || checksum.bytes != sizeof(uint64_t)) {
    return throwBug(env, "mapPacked(buffer, path, offset, bytes, checksum)");
  }
  auto* held = getExternal<BufferHandle>(env, values[0]);
  if (held == nullptr || held->owner->ended || held->buffer.use_count() > 1) {
    return throwBug(env, "mapPacked: no new buffer of an open device");
  }
  Buffer& buffer = *held->buffer;
  const int error = buffer.packed.mapFile(path.c_str(), offset, (size_t)bytes);
  buffer.isUnchecked = error == 0;
  memcpy(&buffer.checksum, checksum.data, sizeof(uint64_t));
  napi_create_int32(env, error, &number);
  return number;
}

// describePacked(buffer): the status finds the panels' bytes; lowest and highest are the two words of
// their checksum, value is 1 where they were mapped from a file.
napi_value describePacked(napi_env env, napi_callback_info info) {
  napi_value values[1];
  if (!getArguments(env, info, values)) return throwBug(env, "describePacked(buffer)");
  auto* held = getExternal<BufferHandle>(env, values[0]);
  if (held == nullptr) return throwBug(env, "describePacked(buffer)");
  auto task = makeTask(held->owner, TaskKind::describePacked);
  task->buffer = held->buffer;
  return submitForPromise(env, std::move(task), values);
}

napi_value writeBuffer(napi_env env, napi_callback_info info) {
  return transfer(env, info, TaskKind::write);
}

napi_value readBuffer(napi_env env, napi_callback_info info) {
  return transfer(env, info, TaskKind::read);
}

// compile(device, layout, numbers, buffers)
napi_value compile(napi_env env, napi_callback_info info) {
  napi_value values[4];
  Bytes layout, numbers;
  uint32_t bufferCount = 0;
  if (!getArguments(env, info, values) || !getBytes(env, values[1], &layout) ||
      !getBytes(env, values[2], &numbers) || layout.type != napi_int32_array ||
      numbers.type != napi_float64_array ||
      napi_get_array_length(env, values[3], &bufferCount) != napi_ok) {
    return throwBug(env, "compile(device, layout, numbers, buffers)");
  }
  const auto handle = getDevice(env, values[0]);
  if (handle == nullptr || handle->ended) return throwBug(env, "compile: no open device");
  auto executable = std::make_shared<Executable>();
  for (uint32_t i = 0; i < bufferCount; i++) {
    napi_value element;
    napi_get_element(env, values[3], i, &element);
    auto* held = getExternal<BufferHandle>(env, element);
    if (held == nullptr || held->owner != handle) {
      return throwBug(env, "compile: a buffer of another device");
    }
    executable->buffers.push_back(held->buffer);
  }
  const EncodedProgram encoded = {(const int32_t*)layout.data, layout.bytes / sizeof(int32_t),
                                  (const double*)numbers.data, numbers.bytes / sizeof(double)};
  if (!executable->decode(encoded) || !executable->isWellFormed()) {
    return throwBug(env, "compile: the program is malformed");
  }
  executable->markChecked();
  executable->listPackedWeights();
  handle->device->adopt(executable);
  napi_value external;
  napi_create_external(
      env, new ExecutableHandle{handle, std::move(executable)},
      [](napi_env finalEnv, void* data, void*) {
        auto* held = (ExecutableHandle*)data;
        drop(finalEnv, held->owner, nullptr, std::move(held->executable));
        delete held;
      },
      nullptr, &external);
  return external;
}

// Copies the inputs: they are small, and their owner may change them once run() has returned.
bool takeInputs(napi_env env, napi_value array, Task* task) {
  uint32_t count = 0;
  if (napi_get_array_length(env, array, &count) != napi_ok) return false;
  if (count != task->executable->inputMemory.size()) return false;
  for (uint32_t i = 0; i < count; i++) {
    napi_value element;
    Bytes bytes;
    napi_get_element(env, array, i, &element);
    if (!getBytes(env, element, &bytes)) return false;
    HostBytes copy;
    copy.data.reset(new (std::nothrow) uint8_t[bytes.bytes + 1]);
    if (copy.data == nullptr) return false;
    copy.bytes = bytes.bytes;
    if (bytes.bytes > 0) memcpy(copy.data.get(), bytes.data, bytes.bytes);
    task->inputs.push_back(std::move(copy));
  }
  return true;
}

bool takeFetches(napi_env env, const Bytes& ids, napi_value array, Task* task) {
  uint32_t count = 0;
  if (napi_get_array_length(env, array, &count) != napi_ok) return false;
  if (ids.type != napi_int32_array || ids.bytes != count * sizeof(int32_t)) return false;
  for (uint32_t i = 0; i < count; i++) {
    napi_value element;
    Bytes bytes;
    napi_get_element(env, array, i, &element);
    if (!getBytes(env, element, &bytes)) return false;
    const int32_t value = ((const int32_t*)ids.data)[i];
    if (value < 0 || (size_t)value >= task->executable->values.size()) return false;
    task->fetches.push_back({value, bytes.data, bytes.bytes});
  }
  return true;
}

// run(executable, sizes, inputs, fetchIds, fetchTargets, abort): its status at once, or a promise of it.
napi_value run(napi_env env, napi_callback_info info) {
  napi_value values[6];
  Bytes sizes, ids, abort;
  if (!getArguments(env, info, values)) return throwBug(env, "run: six arguments");
  auto* held = getExternal<ExecutableHandle>(env, values[0]);
  if (held == nullptr || !getBytes(env, values[1], &sizes) || sizes.type != napi_int32_array ||
      sizes.bytes != symbolicDims * sizeof(int32_t) || !getBytes(env, values[3], &ids)) {
    return throwBug(env, "run(executable, sizes, inputs, fetchIds, fetchTargets, abort)");
  }
  auto task = makeTask(held->owner, TaskKind::run);
  task->executable = held->executable;
  memcpy(task->sizes, sizes.data, sizeof task->sizes);
  bool valid = takeInputs(env, values[2], task.get()) &&
               takeFetches(env, ids, values[4], task.get());
  for (int32_t size : task->sizes) valid = valid && size >= 0;
  if (getBytes(env, values[5], &abort)) {
    valid = valid && abort.type == napi_int32_array && abort.bytes == sizeof(int32_t);
    task->abort = (const int32_t*)abort.data;
  }
  if (!valid) {
    deleteTask(task.release());
    return throwBug(env, "run: sizes, inputs or fetches do not fit the program");
  }
  // What is under way ends on this thread too: with nothing pending the device rests.
  DeviceHandle& handle = *held->owner;
  if (!handle.ended && handle.pending == 0 && handle.device->runHere(*task)) {
    const napi_value status = statusValue(env, task->status);
    deleteTask(task.release());
    return status;
  }
  return submitForPromise(env, std::move(task), values);
}

// readOutput(executable, value, offset, target)
napi_value readOutput(napi_env env, napi_callback_info info) {
  napi_value values[4];
  uint64_t value = 0, offset = 0;
  Bytes host;
  if (!getArguments(env, info, values) || !getSize(env, values[1], &value) ||
      !getSize(env, values[2], &offset) || !getBytes(env, values[3], &host)) {
    return throwBug(env, "readOutput(executable, value, offset, target)");
  }
  auto* held = getExternal<ExecutableHandle>(env, values[0]);
  if (held == nullptr || value >= held->executable->values.size()) {
    return throwBug(env, "readOutput(executable, value, offset, target)");
  }
  auto task = makeTask(held->owner, TaskKind::readOutput);
  task->executable = held->executable;
  task->value = (int32_t)value;
  task->offset = (size_t)offset;
  task->host = host.data;
  task->bytes = host.bytes;
  return submitForPromise(env, std::move(task), values);
}

bool getSeconds(napi_env env, napi_value value, double* seconds) {
  return napi_get_value_double(env, value, seconds) == napi_ok && *seconds > 0 && *seconds < 60;
}

// measurePeak(device, limit, seconds): the status finds multiply-adds per second.
napi_value measurePeak(napi_env env, napi_callback_info info) {
  napi_value values[3];
  int32_t limit = 0;
  double seconds = 0;
  if (!getArguments(env, info, values) ||
      napi_get_value_int32(env, values[1], &limit) != napi_ok || limit < 0 ||
      limit >= (int32_t)Limit::reading || !getSeconds(env, values[2], &seconds)) {
    return throwBug(env, "measurePeak(device, limit, seconds)");
  }
  const auto handle = getDevice(env, values[0]);
  if (handle == nullptr || handle->ended) return throwBug(env, "measurePeak: no open device");
  auto task = makeTask(handle, TaskKind::measure);
  task->limit = (Limit)limit;
  task->seconds = seconds;
  return submitForPromise(env, std::move(task), values);
}

// measureReading(buffer, seconds): the status finds bytes per second.
napi_value measureReading(napi_env env, napi_callback_info info) {
  napi_value values[2];
  double seconds = 0;
  if (!getArguments(env, info, values) || !getSeconds(env, values[1], &seconds)) {
    return throwBug(env, "measureReading(buffer, seconds)");
  }
  auto* held = getExternal<BufferHandle>(env, values[0]);
  if (held == nullptr) return throwBug(env, "measureReading(buffer, seconds)");
  auto task = makeTask(held->owner, TaskKind::measure);
  task->buffer = held->buffer;
  task->limit = Limit::reading;
  task->seconds = seconds;
  return submitForPromise(env, std::move(task), values);
}

napi_value closeDevice(napi_env env, napi_callback_info info) {
  napi_value values[1];
  if (!getArguments(env, info, values)) return throwBug(env, "closeDevice(device)");
  const auto handle = getDevice(env, values[0]);
  if (handle == nullptr) return throwBug(env, "closeDevice(device)");
  handle->device->refuse();
  return submitForPromise(env, makeTask(handle, TaskKind::close), values);
}

napi_value describeOps(napi_env env) {
  napi_value list;
  napi_create_array(env, &list);
  for (int i = 0; i < OP_COUNT; i++) {
    napi_value row, name;
    napi_create_object(env, &row);
    napi_create_string_utf8(env, opNames[i].name, NAPI_AUTO_LENGTH, &name);
    napi_set_named_property(env, row, "name", name);
    napi_set_named_property(env, row, "attributes",
                            stringArray(env, opNames[i].attributes, maxAttributes));
    napi_set_element(env, list, (uint32_t)i, row);
  }
  return list;
}

// The weight types that a product with int8 activations reads, by GGUF's numbers.
napi_value describePackedTypes(napi_env env) {
  napi_value list, number;
  napi_create_array(env, &list);
  uint32_t count = 0;
  for (int32_t dtype = DTYPE_F32; dtype <= DTYPE_BF16; dtype++) {
    if (corral_kernels_portable.panelBytes((DType)dtype, 256) == 0) continue;
    napi_create_int32(env, dtype, &number);
    napi_set_element(env, list, count++, number);
  }
  return list;
}

}  // namespace

NAPI_MODULE_INIT() {
  const struct {
    const char* name;
    napi_callback function;
  } functions[] = {
      {"createDevice", createDevice}, {"threadsOf", threadsOf},     {"allocate", allocate},
      {"mapFile", mapFile},           {"freeBuffer", freeBuffer},   {"writeBuffer", writeBuffer},
      {"panelLayoutOf", panelLayoutOf}, {"mapPacked", mapPacked},
      {"describePacked", describePacked}, {"readPacked", readPacked},
      {"readBuffer", readBuffer},     {"compile", compile},         {"run", run},
      {"readOutput", readOutput},     {"measurePeak", measurePeak}, {"measureReading", measureReading},
      {"closeDevice", closeDevice},
  };
  for (const auto& entry : functions) {
    napi_value function;
    napi_create_function(env, entry.name, NAPI_AUTO_LENGTH, entry.function, nullptr, &function);
    napi_set_named_property(env, exports, entry.name, function);
  }
  napi_value version;
  napi_create_uint32(env, interfaceVersion, &version);
  napi_set_named_property(env, exports, "interfaceVersion", version);
  Isa isas[maxIsas];
  const int count = listIsas(isas);
  const char* names[3] = {};
  for (int i = 0; i < count; i++) names[i] = isas[i].name;
  napi_set_named_property(env, exports, "isas", stringArray(env, names, count));
  napi_set_named_property(env, exports, "ops", describeOps(env));
  napi_set_named_property(env, exports, "packedTypes", describePackedTypes(env));
  return exports;
}
