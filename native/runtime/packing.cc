// Panels of one matrix after another, each on all threads.
#include "packing.h"

#include <algorithm>

#include "checksum.h"

namespace corral {

namespace {

// What a thread takes at once: some hundred kilobytes, still in its cache for the checksum.
constexpr int64_t panelsTogether = 8;

struct Work {
  const Packing& packing;
  Tensor matrix;
  int64_t panels, panelBytes;
  uint8_t* to;
  // Of the matrix in the file; none where panels are only compared.
  Memory* source;
  std::atomic<int64_t> taken{0};
  std::atomic<uint64_t> checksum{0};
};

// The checksum is a sum over pieces that know their place, so that threads may finish in any order.
void work(void* context, int) {
  Work& w = *(Work*)context;
  while (!w.packing.closing.load(std::memory_order_relaxed)) {
    const int64_t first = w.taken.fetch_add(panelsTogether, std::memory_order_relaxed);
    if (first >= w.panels) break;
    const int64_t end = std::min(w.panels, first + panelsTogether);
    if (w.source != nullptr) {
      w.packing.kernels.packPanels(w.matrix, first, end, w.to);
      const int64_t begun = first * panelRows * w.matrix.rowBytes;
      const int64_t ended = std::min(end * panelRows, w.matrix.rows) * w.matrix.rowBytes;
      w.source->forget((size_t)begun, (size_t)(ended - begun));
    }
    const uint64_t bytes = (uint64_t)((end - first) * w.panelBytes);
    const uint64_t part = checksumOf(w.to + first * w.panelBytes, bytes, (uint64_t)first);
    w.checksum.fetch_add(part, std::memory_order_relaxed);
  }
}

uint64_t workThrough(Work& w) {
  w.packing.pool.run(work, &w);
  return w.checksum.load();
}

// Whether panels mapped from a file are what was once packed.
bool areWhole(const Buffer& buffer, Work& w) {
  if (!buffer.isUnchecked || !buffer.packed.isVerbatim()) return false;
  if (buffer.packed.bytes() != (size_t)(w.panels * w.panelBytes)) return false;
  w.to = buffer.packed.data();
  w.source = nullptr;
  return workThrough(w) == buffer.checksum;
}

}  // namespace

Status preparePanels(Executable& executable, const Packing& packing) {
  Status status;
  for (const PackedWeight& weight : executable.packedWeights) {
    Buffer& buffer = *executable.buffers[weight.buffer];
    if (buffer.isPacked) continue;
    Tensor matrix = matrixOf(executable.values[weight.value]);
    if (buffer.memory.bytes() < (size_t)(matrix.rows * matrix.rowBytes)) {
      status.code = Code::shapesDisagree;
      status.value = weight.value;
      return status;
    }
    matrix.data = buffer.memory.data();
    const int64_t panels = (matrix.rows + panelRows - 1) / panelRows;
    const int64_t panelBytes = packing.kernels.panelBytes(matrix.dtype, matrix.columns);
    Work kept{packing, matrix, panels, panelBytes, nullptr, nullptr};
    const bool whole = areWhole(buffer, kept);
    if (!whole && !packing.closing.load()) {
      // Never into the mapping: rows that the last panel lacks have to be zeros.
      if (buffer.packed.isVerbatim()) buffer.packed.release();
      if (!buffer.packed.reserve((size_t)(panels * panelBytes), packing.guard)) {
        status.code = Code::outOfMemory;
        status.found = (double)(panels * panelBytes);
        return status;
      }
      buffer.packed.expectToFill();
      Work made{packing, matrix, panels, panelBytes, buffer.packed.data(), &buffer.memory};
      buffer.checksum = workThrough(made);
      status.found++;
    }
    if (packing.closing.load()) {
      status.code = Code::closed;
      return status;
    }
    buffer.isUnchecked = false;
    buffer.isPacked = true;
  }
  return status;
}

}  // namespace corral
