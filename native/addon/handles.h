// What JavaScript holds of the native side, and how tasks travel: submitted on the JavaScript
// thread, done on the device's, ended back on the JavaScript thread by resolving a promise.
#pragma once
#include <memory>
#include <utility>

#include "../runtime/device.h"
#include "values.h"

namespace {

// A device as JavaScript holds it. Lives until its external is collected; the threads end at
// close(), at that collection, or with the environment, whichever comes first.
struct DeviceHandle {
  napi_env env = nullptr;
  std::unique_ptr<Device> device;
  napi_threadsafe_function completion = nullptr;
  int pending = 0;
  bool ended = false;
};

struct BufferHandle {
  std::shared_ptr<DeviceHandle> owner;
  std::shared_ptr<Buffer> buffer;
};

struct ExecutableHandle {
  std::shared_ptr<DeviceHandle> owner;
  std::shared_ptr<Executable> executable;
};

// What a task keeps alive on the JavaScript side until it has ended.
struct TaskOwner {
  std::shared_ptr<DeviceHandle> handle;
  napi_deferred deferred = nullptr;
  napi_ref kept = nullptr;
};

std::shared_ptr<DeviceHandle> getDevice(napi_env env, napi_value value) {
  auto* handle = getExternal<std::shared_ptr<DeviceHandle>>(env, value);
  return handle == nullptr ? nullptr : *handle;
}

void cleanUp(void* data);

// The device's threads have ended or are about to: join them and let go of the event loop.
void endDevice(DeviceHandle& handle) {
  if (handle.ended) return;
  handle.ended = true;
  handle.device->stop();
  napi_remove_env_cleanup_hook(handle.env, cleanUp, &handle);
  napi_release_threadsafe_function(handle.completion, napi_tsfn_release);
}

// The environment (a worker thread, say) ends while the device is open.
void cleanUp(void* data) {
  DeviceHandle& handle = *(DeviceHandle*)data;
  handle.ended = true;
  handle.device->stop();
}

void deleteTask(Task* task) {
  delete (TaskOwner*)task->owner;
  delete task;
}

// On the device's thread.
void sendCompletion(void* context, Task* task) {
  auto* handle = (DeviceHandle*)context;
  if (napi_call_threadsafe_function(handle->completion, task, napi_tsfn_nonblocking) != napi_ok) {
    deleteTask(task);
  }
}

// On the JavaScript thread; `env` is null when the environment is ending.
void receiveCompletion(napi_env env, napi_value, void*, void* data) {
  Task* task = (Task*)data;
  TaskOwner* owner = (TaskOwner*)task->owner;
  const std::shared_ptr<DeviceHandle> handle = owner->handle;
  if (env != nullptr) {
    napi_handle_scope scope;
    napi_open_handle_scope(env, &scope);
    if (--handle->pending == 0) napi_unref_threadsafe_function(env, handle->completion);
    if (owner->kept != nullptr) napi_delete_reference(env, owner->kept);
    if (task->kind == TaskKind::close) endDevice(*handle);
    if (owner->deferred != nullptr) {
      napi_resolve_deferred(env, owner->deferred, statusValue(env, task->status));
    }
    napi_close_handle_scope(env, scope);
  }
  deleteTask(task);
}

std::unique_ptr<Task> makeTask(const std::shared_ptr<DeviceHandle>& handle, TaskKind kind) {
  auto task = std::make_unique<Task>();
  task->kind = kind;
  auto* owner = new TaskOwner;
  owner->handle = handle;
  task->owner = owner;
  return task;
}

void submit(napi_env env, std::unique_ptr<Task> task) {
  DeviceHandle& handle = *((TaskOwner*)task->owner)->handle;
  if (handle.pending++ == 0) napi_ref_threadsafe_function(env, handle.completion);
  handle.device->submit(task.release());
}

// Submits a task, keeping `values` alive until it ends. Resolves with its status.
template <size_t N>
napi_value submitForPromise(napi_env env, std::unique_ptr<Task> task, napi_value (&values)[N]) {
  TaskOwner& owner = *(TaskOwner*)task->owner;
  napi_value promise, kept;
  napi_create_promise(env, &owner.deferred, &promise);
  napi_create_array_with_length(env, N, &kept);
  for (size_t i = 0; i < N; i++) napi_set_element(env, kept, (uint32_t)i, values[i]);
  napi_create_reference(env, kept, 1, &owner.kept);
  if (owner.handle->ended) {
    Status status;
    status.code = Code::closed;
    napi_delete_reference(env, owner.kept);
    napi_resolve_deferred(env, owner.deferred, statusValue(env, status));
    deleteTask(task.release());
  } else {
    submit(env, std::move(task));
  }
  return promise;
}

}  // namespace
