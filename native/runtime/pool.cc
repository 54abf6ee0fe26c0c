// Threads, their barrier, and how long they spin.
#include "pool.h"

#include <signal.h>

namespace corral {

namespace {

// About 20 to 50 microseconds: longer than the gap between the ops of a step, shorter than a
// scheduler's time slice, so that a machine with fewer free cores than threads still gets on.
constexpr int spins = 1000;

inline void rest() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

void Signal::raise() {
  value_.fetch_add(1, std::memory_order_seq_cst);
  // Who goes to sleep counts itself first and looks at the value again: one of the two sees the
  // other.
  if (sleepers_.load(std::memory_order_seq_cst) == 0) return;
  std::lock_guard<std::mutex> lock(mutex_);
  changed_.notify_all();
}

void Signal::awaitChange(uint32_t from) {
  for (int i = 0; i < spins; i++) {
    if (value_.load(std::memory_order_acquire) != from) return;
    rest();
  }
  std::unique_lock<std::mutex> lock(mutex_);
  sleepers_.fetch_add(1, std::memory_order_seq_cst);
  while (value_.load(std::memory_order_seq_cst) == from) changed_.wait(lock);
  sleepers_.fetch_sub(1, std::memory_order_relaxed);
}

void Pool::start(int threads) {
  for (int i = 0; i + 1 < threads && i < maxWorkers; i++) {
    list_[i].pool = this;
    list_[i].thread = i + 1;
    // Signals belong to the main thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(&list_[i].handle, nullptr, enter, &list_[i]);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (failed != 0) return;
    workers_ = i + 1;
  }
}

void Pool::stop() {
  if (workers_ == 0) return;
  stopping_.store(true);
  started_.raise();
  for (int i = 0; i < workers_; i++) pthread_join(list_[i].handle, nullptr);
  workers_ = 0;
}

void Pool::run(Work work, void* context) {
  work_ = work;
  context_ = context;
  started_.raise();
  work(context, 0);
  barrier();
}

void Pool::barrier() {
  if (workers_ == 0) return;
  const uint32_t phase = passed_.value();
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) == workers_) {
    arrived_.store(0, std::memory_order_relaxed);
    passed_.raise();
  } else {
    passed_.awaitChange(phase);
  }
}

void* Pool::enter(void* worker) {
  Worker* self = (Worker*)worker;
  self->pool->serve(self->thread);
  return nullptr;
}

void Pool::serve(int thread) {
  uint32_t seen = 0;
  for (;;) {
    started_.awaitChange(seen);
    seen++;
    if (stopping_.load()) return;
    work_(context_, thread);
    barrier();
  }
}

}  // namespace corral
