// Which kernels this CPU can run.
#pragma once
#include "../kernels.h"

namespace corral {

struct Isa {
  const char* name;
  const KernelTable* kernels;
};

constexpr int maxIsas = 4;

// The instruction sets this CPU has kernels for, slowest first, at most maxIsas. Returns their number.
int listIsas(Isa* isas);

}  // namespace corral
