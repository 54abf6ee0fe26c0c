// The threads that compute. All of them go through a program together and meet at barriers; the one
// that calls run() is number 0. Between runs they spin for some microseconds, in case the next step
// follows at once, then sleep: an idle pool costs nothing.
#pragma once
#include <pthread.h>
#include <stdint.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace corral {

// A counter that grows; threads wait until it leaves a value, first spinning, then asleep.
class Signal {
 public:
  uint32_t value() const { return value_.load(std::memory_order_acquire); }
  void raise();
  void awaitChange(uint32_t from);

 private:
  std::atomic<uint32_t> value_{0};
  std::atomic<uint32_t> sleepers_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
};

class Pool {
 public:
  typedef void (*Work)(void* context, int thread);

  Pool() = default;
  ~Pool() { stop(); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Starts `threads` - 1 workers; fewer when the system gives no more.
  void start(int threads);
  void stop();
  int threads() const { return workers_ + 1; }

  // Calls work on every thread and returns when all have returned.
  void run(Work work, void* context);
  // Called by every thread within work: nobody passes before all have come.
  void barrier();

 private:
  static constexpr int maxWorkers = 255;
  struct Worker {
    Pool* pool;
    int thread;
    pthread_t handle;
  };

  static void* enter(void* worker);
  void serve(int thread);

  Worker list_[maxWorkers];
  int workers_ = 0;
  std::atomic<bool> stopping_{false};
  Work work_ = nullptr;
  void* context_ = nullptr;
  Signal started_;
  std::atomic<int> arrived_{0};
  Signal passed_;
};

}  // namespace corral
