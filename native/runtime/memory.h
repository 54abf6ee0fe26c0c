// Memory that tensors live in: anonymous pages or a private mapping of a file, given by the system
// and returned to it. Pages are taken on first touch. Nothing here aborts: what cannot be had is
// said.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace corral {

// What lies around a piece of memory, to catch kernels that leave it.
enum class Guard : int32_t {
  none,
  // Known bytes on both sides; intact() looks whether they still stand.
  canary,
  // An unreadable page right behind the last byte: one step too far faults.
  fence,
};

class Memory {
 public:
  Memory() = default;
  ~Memory() { release(); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // Gives at least `bytes`; what was there before is lost when it has to grow, and zeros come
  // instead. With a guard the size is exact. False: the system has no more.
  bool reserve(size_t bytes, Guard guard);
  // Maps part of a file copy-on-write. 0, or the errno of what failed; -1: the file is shorter.
  int mapFile(const char* path, uint64_t offset, size_t bytes);
  void release();
  bool intact() const;
  // Asks for huge pages where they fit: for memory that will be written from end to end, which is then
  // taken at twice the speed.
  void expectToFill();
  // Lets the system take back what can be read from the file again: whole pages among these bytes,
  // if nothing was ever written here.
  void forget(size_t offset, size_t bytes);
  // A part of a file as it is.
  bool isVerbatim() const { return isVerbatim_; }
  // The mapping has contents of its own now.
  void noteWritten() { isVerbatim_ = false; }

  uint8_t* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  uint8_t* data_ = nullptr;
  size_t bytes_ = 0;
  uint8_t* base_ = nullptr;
  size_t mapped_ = 0;
  // A file's contents, unchanged.
  bool isVerbatim_ = false;
  Guard guard_ = Guard::none;
};

}  // namespace corral
