// The dispatcher: one task after another, a run on all threads.
#include "device.h"

#include "packing.h"

#include <signal.h>
#include <string.h>

#include <algorithm>
#include <chrono>

#include <new>

namespace corral {

namespace {

typedef std::chrono::steady_clock Clock;

double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Adds to a list of what may be gone; what is gone leaves whenever the list would grow.
template <class T>
void remember(std::vector<std::weak_ptr<T>>& list, const std::shared_ptr<T>& added) {
  if (list.size() == list.capacity()) {
    size_t kept = 0;
    for (auto& entry : list) {
      if (!entry.expired()) list[kept++].swap(entry);
    }
    list.resize(kept);
  }
  list.push_back(added);
}

}  // namespace

bool Device::start(int threads) {
  sigset_t all, before;
  sigfillset(&all);
  pool_.start(threads);
  threads_ = pool_.threads();
  for (int i = 0; i < threads_; i++) scratch_.push_back(std::make_unique<Memory>());
  pthread_sigmask(SIG_SETMASK, &all, &before);
  running_ = pthread_create(&dispatcher_, nullptr, enter, this) == 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!running_) pool_.stop();
  return running_;
}

void Device::stop() {
  if (!running_) return;
  refuse();
  ending_.store(true);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    arrived_.notify_one();
  }
  pthread_join(dispatcher_, nullptr);
  running_ = false;
  pool_.stop();
}

void Device::submit(Task* task) {
  std::lock_guard<std::mutex> lock(mutex_);
  queue_.push_back(task);
  queued_.fetch_add(1);
  arrived_.notify_one();
}

bool Device::runHere(Task& task) {
  if (closing_.load() || !task.executable->isQuick(task.sizes)) return false;
  task.status = performRun(task, 1);
  return true;
}

void Device::adopt(const std::shared_ptr<Buffer>& buffer) {
  std::lock_guard<std::mutex> lock(mutex_);
  remember(buffers_, buffer);
}

void Device::adopt(const std::shared_ptr<Executable>& executable) {
  std::lock_guard<std::mutex> lock(mutex_);
  remember(executables_, executable);
}

// On the device's thread: giving gigabytes back takes the system a while.
void Device::releaseAll() {
  std::lock_guard<std::mutex> lock(mutex_);
  for (auto& entry : buffers_) {
    if (const auto buffer = entry.lock()) {
      buffer->release();
    }
  }
  for (auto& entry : executables_) {
    if (const auto executable = entry.lock()) {
      executable->ran = executable->resolved = false;
      for (auto& memory : executable->inputMemory) memory->release();
      for (auto& memory : executable->slotMemory) memory->release();
    }
  }
  for (auto& memory : scratch_) memory->release();
  shared_.release();
  buffers_.clear();
  executables_.clear();
}

void* Device::enter(void* device) {
  ((Device*)device)->dispatch();
  return nullptr;
}

void Device::dispatch() {
  while (Task* task = next()) {
    task->status = perform(*task);
    completion_(context_, task);
  }
  releaseAll();
}

Task* Device::next() {
  // The next step of a generation follows within microseconds, faster than a thread wakes.
  for (int i = 0; i < 2000 && queued_.load(std::memory_order_relaxed) == 0; i++) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  std::unique_lock<std::mutex> lock(mutex_);
  while (queue_.empty()) {
    if (ending_.load()) return nullptr;
    arrived_.wait(lock);
  }
  Task* task = queue_.front();
  queue_.pop_front();
  queued_.fetch_sub(1);
  return task;
}

Status Device::perform(Task& task) {
  Status status;
  const bool closing = closing_.load();
  switch (task.kind) {
    case TaskKind::free:
      // Executables may still refer to it; they find out at their next run.
      task.buffer->release();
      return status;
    case TaskKind::drop:
      task.buffer.reset();
      task.executable.reset();
      return status;
    case TaskKind::close:
      releaseAll();
      return status;
    case TaskKind::describePacked:
    case TaskKind::readPacked:
      if (closing) break;
      return performPacked(task);
    case TaskKind::measure:
      if (closing) break;
      return measure(task);
    case TaskKind::run:
      if (closing) break;
      return performRun(task, threads_);
    case TaskKind::write:
    case TaskKind::read:
      if (closing) break;
      if (task.buffer->freed) {
        status.code = Code::bufferFreed;
      } else if (task.offset > task.buffer->memory.bytes() ||
                 task.bytes > task.buffer->memory.bytes() - task.offset) {
        status.code = Code::outOfBounds;
      } else if (task.kind == TaskKind::write) {
        memcpy(task.buffer->memory.data() + task.offset, task.host, task.bytes);
        task.buffer->memory.noteWritten();
        task.buffer->isPacked = task.buffer->isUnchecked = false;
      } else {
        memcpy(task.host, task.buffer->memory.data() + task.offset, task.bytes);
      }
      return status;
    case TaskKind::readOutput: {
      if (closing) break;
      if (!task.executable->ran) {
        status.code = Code::neverRun;
        return status;
      }
      const Tensor& tensor = task.executable->tensors[(size_t)task.value];
      const size_t all = (size_t)(tensor.rows * tensor.rowBytes);
      if (tensor.data == nullptr || task.offset > all || task.bytes > all - task.offset) {
        status.code = Code::outOfBounds;
        return status;
      }
      memcpy(task.host, tensor.data + task.offset, task.bytes);
      return status;
    }
  }
  status.code = Code::closed;
  return status;
}

// The found number of the status: what all threads together did per second.
Status Device::measure(const Task& task) {
  // A thread's part of the memory is read in pieces, between which it looks at the clock.
  constexpr size_t pieceBytes = (size_t)4 << 20;
  struct Measurement {
    const KernelTable& kernels;
    const Task& task;
    size_t threadBytes;
    std::atomic<int64_t> amount{0};
  } measurement{kernels_, task, 0};
  Status status;
  if (task.limit == Limit::reading) {
    if (task.buffer->freed) {
      status.code = Code::bufferFreed;
      return status;
    }
    measurement.threadBytes = task.buffer->memory.bytes() / (size_t)threads_ / pieceBytes * pieceBytes;
    if (measurement.threadBytes == 0) {
      status.code = Code::outOfBounds;
      return status;
    }
  }
  const Clock::time_point start = Clock::now();
  pool_.run(
      [](void* context, int thread) {
        Measurement& m = *(Measurement*)context;
        const Clock::time_point begun = Clock::now();
        int64_t amount = 0;
        size_t at = 0;
        do {
          switch (m.task.limit) {
            case Limit::f32:
              amount += m.kernels.spendMultiplyAdds(1 << 14);
              break;
            case Limit::int8:
              amount += m.kernels.spendInt8Products(1 << 12);
              break;
            case Limit::reading:
              m.kernels.readMemory(
                  m.task.buffer->memory.data() + (size_t)thread * m.threadBytes + at, pieceBytes);
              at = (at + pieceBytes) % m.threadBytes;
              amount += (int64_t)pieceBytes;
          }
        } while (secondsSince(begun) < m.task.seconds);
        m.amount.fetch_add(amount);
      },
      &measurement);
  status.found = (double)measurement.amount.load() / secondsSince(start);
  return status;
}

Status Device::performRun(Task& task, int threads) {
  Executable& executable = *task.executable;
  Status status;
  for (const auto& buffer : executable.buffers) {
    if (!buffer->freed) continue;
    status.code = Code::bufferFreed;
    return status;
  }
  status = preparePanels(executable, {kernels_, pool_, closing_, guard_});
  if (status.code != Code::ok) return status;
  const double packed = status.found;
  status = executable.resolve(task.sizes, kernels_, guard_);
  if (status.code != Code::ok) return status;
  executable.ran = false;
  for (size_t i = 0; i < task.inputs.size(); i++) {
    Memory& memory = *executable.inputMemory[i];
    if (memory.bytes() < task.inputs[i].bytes) {
      status.code = Code::outOfBounds;
      return status;
    }
    memcpy(memory.data(), task.inputs[i].data.get(), task.inputs[i].bytes);
  }
  status = executable.checkIndices();
  if (status.code != Code::ok) return status;

  bool shared = false;
  if (!shared_.reserve(executable.sharedBytes, guard_)) {
    status.code = Code::outOfMemory;
    status.found = (double)executable.sharedBytes;
    return status;
  }
  for (StepCall& each : executable.calls) {
    each.call.shared = shared_.data();
    each.chunks = threads == 1 ? 1 : kernelOf(executable, each).chunks(each.call, threads);
    shared = shared || each.chunks > 1;
  }
  for (int i = 0; i < (shared ? threads_ : 1); i++) {
    if (scratch_[(size_t)i]->reserve(executable.scratchBytes, guard_)) continue;
    status.code = Code::outOfMemory;
    status.found = (double)executable.scratchBytes;
    return status;
  }
  if (taken_.size() < executable.calls.size()) {
    std::vector<std::atomic<int64_t>> more(executable.calls.size());
    taken_.swap(more);
  }
  for (size_t i = 0; i < executable.calls.size(); i++) {
    taken_[i].store(0, std::memory_order_relaxed);
  }
  run_ = &task;
  stopped_.store(false);
  const Clock::time_point start = Clock::now();
  if (shared) {
    pool_.run([](void* device, int thread) { ((Device*)device)->computeSteps(thread); }, this);
  } else {
    computeSteps(0);
  }
  executable.threadSeconds = secondsSince(start) * (shared ? threads_ : 1);
  run_ = nullptr;
  if (stopped_.load()) {
    status.code = closing_.load() ? Code::closed : Code::aborted;
    return status;
  }
  if (guard_ != Guard::none) {
    bool intact = executable.isIntact() && shared_.intact();
    for (const auto& memory : scratch_) intact = intact && memory->intact();
    if (!intact) {
      status.code = Code::guardBroken;
      return status;
    }
  }
  executable.ran = true;
  for (const Fetch& fetch : task.fetches) {
    const Tensor& tensor = executable.tensors[(size_t)fetch.value];
    if (tensor.data == nullptr || fetch.bytes > (size_t)(tensor.rows * tensor.rowBytes)) {
      status.code = Code::outOfBounds;
      return status;
    }
    memcpy(fetch.to, tensor.data, fetch.bytes);
  }
  status.found = packed;
  return status;
}

// Panels as they are kept on disk: their size and checksum, or some of their bytes.
Status Device::performPacked(Task& task) {
  Status status;
  const Buffer& buffer = *task.buffer;
  if (!buffer.isPacked || !buffer.memory.isVerbatim()) {
    status.code = Code::notPacked;
  } else if (task.kind == TaskKind::describePacked) {
    status.value = buffer.packed.isVerbatim() ? 1 : 0;
    status.found = (double)buffer.packed.bytes();
    status.lowest = (double)(uint32_t)buffer.checksum;
    status.highest = (double)(uint32_t)(buffer.checksum >> 32);
  } else if (task.offset > buffer.packed.bytes() ||
             task.bytes > buffer.packed.bytes() - task.offset) {
    status.code = Code::outOfBounds;
  } else {
    memcpy(task.host, buffer.packed.data() + task.offset, task.bytes);
  }
  return status;
}

const Kernel& Device::kernelOf(const Executable& executable, const StepCall& each) const {
  return kernels_.ops[executable.steps[each.step].op];
}

bool Device::mustStop() {
  if (stopped_.load(std::memory_order_relaxed)) return true;
  const int32_t* abort = run_->abort;
  const bool stop = closing_.load(std::memory_order_relaxed) ||
                    (abort != nullptr && __atomic_load_n(abort, __ATOMIC_RELAXED) != 0);
  if (stop) stopped_.store(true, std::memory_order_relaxed);
  return stop;
}

// Neighbouring ops of one chunk each run on thread 0 without a barrier between them, so that a step
// of a small model pays for none. A stopped run skips the work but meets every barrier.
void Device::computeSteps(int thread) {
  const Executable& executable = *run_->executable;
  uint8_t* scratch = scratch_[(size_t)thread]->data();
  // Whether all that was computed since the last barrier was computed by thread 0.
  bool alone = true;
  bool first = true;
  for (size_t i = 0; i < executable.calls.size(); i++) {
    const StepCall& each = executable.calls[i];
    const Kernel& kernel = kernelOf(executable, each);
    const int64_t chunks = each.chunks;
    const bool single = chunks == 1;
    if (!first && !each.joins && !(alone && single)) {
      pool_.barrier();
      alone = true;
    }
    first = false;
    alone = alone && single;
    if (single) {
      if (thread == 0 && !mustStop()) kernel.compute(each.call, 0, 1, scratch);
      continue;
    }
    for (;;) {
      if (mustStop()) break;
      const int64_t chunk = taken_[i].fetch_add(1, std::memory_order_relaxed);
      if (chunk >= chunks) break;
      kernel.compute(each.call, chunk, chunks, scratch);
    }
  }
}

}  // namespace corral
