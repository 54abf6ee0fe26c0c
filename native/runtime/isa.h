// Which kernels this CPU can run.
#pragma once
#include "../kernels.h"

namespace corral {

struct Isa {
  const char* name;
  const KernelTable* kernels;
};

// The instruction sets this CPU has kernels for, slowest first. Returns their number, at most 3.
int listIsas(Isa* isas);

}  // namespace corral
