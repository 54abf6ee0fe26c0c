// Memory from mmap. Knows nothing of tensors.
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace corral {

namespace {

constexpr size_t canaryBytes = 64;
constexpr uint8_t canary = 0xc5;
constexpr size_t hugeFrom = (size_t)16 << 20;

size_t pageSize() {
  static const size_t size = (size_t)sysconf(_SC_PAGESIZE);
  return size;
}

size_t roundToPages(size_t bytes) { return (bytes + pageSize() - 1) / pageSize() * pageSize(); }

}  // namespace

bool Memory::reserve(size_t bytes, Guard guard) {
  if (base_ != nullptr && guard == Guard::none && bytes <= bytes_) return true;
  if (base_ != nullptr && guard == guard_ && bytes == bytes_) return true;
  release();
  // Far above any machine's memory, and far below where the sums here would overflow.
  if (bytes > ((size_t)1 << 48)) return false;
  const size_t around = guard == Guard::none ? 0 : 2 * canaryBytes;
  const size_t fence = guard == Guard::fence ? pageSize() : 0;
  const size_t inner = roundToPages(bytes + around + (bytes == 0 ? 1 : 0));
  void* base = mmap(nullptr, inner + fence, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) return false;
#if defined(MADV_HUGEPAGE)
  // Rows of a large cache lie pages apart; small pages would cost a walk of the tables for each.
  if (inner >= hugeFrom) madvise(base, inner, MADV_HUGEPAGE);
#endif
  base_ = (uint8_t*)base;
  mapped_ = inner + fence;
  bytes_ = bytes;
  guard_ = guard;
  data_ = base_;
  if (guard == Guard::canary) data_ = base_ + canaryBytes;
  if (guard == Guard::fence) {
    data_ = base_ + inner - bytes;
    mprotect(base_ + inner, fence, PROT_NONE);
  }
  if (guard != Guard::none) {
    memset(data_ - canaryBytes, canary, canaryBytes);
    if (guard == Guard::canary) memset(data_ + bytes, canary, canaryBytes);
  }
  return true;
}

int Memory::mapFile(const char* path, uint64_t offset, size_t bytes) {
  release();
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return errno;
  struct stat status;
  int error = fstat(file, &status) != 0 ? errno : 0;
  if (error == 0) {
    const uint64_t size = (uint64_t)status.st_size;
    if (!S_ISREG(status.st_mode)) {
      error = EINVAL;
    } else if (offset > size || bytes > size - offset) {
      error = -1;
    }
  }
  if (error == 0 && bytes > 0) {
    const uint64_t start = offset / pageSize() * pageSize();
    const size_t length = (size_t)(offset - start) + bytes;
    void* base = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file,
                      (off_t)start);
    if (base == MAP_FAILED) {
      error = errno;
    } else {
      base_ = (uint8_t*)base;
      mapped_ = length;
      data_ = base_ + (offset - start);
      bytes_ = bytes;
      guard_ = Guard::none;
      isVerbatim_ = true;
    }
  }
  close(file);
  return error;
}

void Memory::release() {
  if (base_ != nullptr) munmap(base_, mapped_);
  base_ = data_ = nullptr;
  mapped_ = bytes_ = 0;
  isVerbatim_ = false;
}

void Memory::expectToFill() {
#if defined(MADV_HUGEPAGE)
  if (guard_ == Guard::none && !isVerbatim_) madvise(base_, mapped_, MADV_HUGEPAGE);
#endif
}

void Memory::forget(size_t offset, size_t bytes) {
  if (!isVerbatim_) return;
  const size_t start = roundToPages((size_t)(data_ - base_) + offset);
  const size_t end = ((size_t)(data_ - base_) + offset + bytes) / pageSize() * pageSize();
  if (start < end) madvise(base_ + start, end - start, MADV_DONTNEED);
}

bool Memory::intact() const {
  if (base_ == nullptr || guard_ == Guard::none) return true;
  for (size_t i = 1; i <= canaryBytes; i++) {
    if (data_[-(ptrdiff_t)i] != canary) return false;
    if (guard_ == Guard::canary && data_[bytes_ + i - 1] != canary) return false;
  }
  return true;
}

}  // namespace corral
