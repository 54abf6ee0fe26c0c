// Brings the weights that products with int8 activations read into panels: packed from the matrices
// of the file, or mapped from a file that an earlier process kept them in, once their checksum agrees.
#pragma once
#include <atomic>

#include "executable.h"
#include "pool.h"

namespace corral {

// What packing needs of the device.
struct Packing {
  const KernelTable& kernels;
  Pool& pool;
  // Ends the work early, with the code `closed`.
  const std::atomic<bool>& closing;
  Guard guard;
};

// Before a run: all of a model's weights before its first step, later those that were written to. Finds
// (the status's number) how many were packed, those whose kept panels were damaged among them. Pages of
// the file are let go of as packing moves on, so that a model never takes twice its size.
Status preparePanels(Executable& executable, const Packing& packing);

}  // namespace corral
