// The cpu device: takes runs, writes and reads and does them in order on threads of its own, so that
// who asks never waits. Knows nothing of JavaScript.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "executable.h"
#include "pool.h"

namespace corral {

// `free` takes the memory from whoever still refers to it, `drop` only lets go of it.
enum class TaskKind : int32_t {
  run, write, read, readOutput, describePacked, readPacked, measure, free, drop, close
};

// What a machine has an end of: f32 operations, int8 multiply-adds, bytes read from memory.
enum class Limit : int32_t { f32, int8, reading };

// Bytes of one input of a run, in the order of the program's inputs.
struct HostBytes {
  std::unique_ptr<uint8_t[]> data;
  size_t bytes;
};

// An output that is copied to the caller's memory when the run ends.
struct Fetch {
  int32_t value;
  uint8_t* to;
  size_t bytes;
};

struct Task {
  TaskKind kind;
  Status status;
  std::shared_ptr<Executable> executable;
  std::shared_ptr<Buffer> buffer;
  int32_t sizes[symbolicDims] = {};
  std::vector<HostBytes> inputs;
  std::vector<Fetch> fetches;
  // For writes, reads and outputs.
  int32_t value = -1;
  size_t offset = 0;
  uint8_t* host = nullptr;
  size_t bytes = 0;
  // What to measure, and for how long; `reading` reads the buffer.
  Limit limit = Limit::f32;
  double seconds = 0;
  // The run stops between ops once this is not 0.
  const int32_t* abort = nullptr;
  void* owner = nullptr;
};

class Device {
 public:
  // Called on the device's thread when a task has ended.
  typedef void (*Completion)(void* context, Task* task);

  Device(const KernelTable& kernels, Guard guard, Completion completion, void* context)
      : kernels_(kernels), guard_(guard), completion_(completion), context_(context) {}
  ~Device() { stop(); }

  // False: the system gives no thread.
  bool start(int threads);
  int threads() const { return threads_; }
  Guard guard() const { return guard_; }
  const KernelTable& kernels() const { return kernels_; }

  // Their memory is released when the device ends.
  void adopt(const std::shared_ptr<Buffer>& buffer);
  void adopt(const std::shared_ptr<Executable>& executable);

  // Takes the task over; it comes back through the completion.
  void submit(Task* task);
  // Does a run on the calling thread, if it is quick; false: it is not. Only while no task is under way.
  bool runHere(Task& task);
  // Nothing more is computed: what waits ends with `closed`, a run stops where it is.
  void refuse() { closing_.store(true); }
  // refuse(), then waits for the threads to end.
  void stop();

 private:
  static void* enter(void* device);
  void dispatch();
  Task* next();
  Status perform(Task& task);
  Status performRun(Task& task, int threads);
  Status performPacked(Task& task);
  Status measure(const Task& task);
  void computeSteps(int thread);
  const Kernel& kernelOf(const Executable& executable, const StepCall& each) const;
  bool mustStop();
  void releaseAll();

  const KernelTable& kernels_;
  const Guard guard_;
  const Completion completion_;
  void* const context_;
  int threads_ = 0;

  pthread_t dispatcher_;
  bool running_ = false;
  Pool pool_;
  // A thread's own, and what the stages of an op share.
  std::vector<std::unique_ptr<Memory>> scratch_;
  Memory shared_;

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Task*> queue_;
  std::vector<std::weak_ptr<Buffer>> buffers_;
  std::vector<std::weak_ptr<Executable>> executables_;
  std::atomic<int> queued_{0};
  std::atomic<bool> closing_{false};
  std::atomic<bool> ending_{false};

  // Of the run in progress.
  Task* run_ = nullptr;
  std::atomic<bool> stopped_{false};
  std::vector<std::atomic<int64_t>> taken_;
};

}  // namespace corral
