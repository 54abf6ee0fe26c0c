// Looks at every index a kernel is about to follow.
#include "op-rules.h"

namespace corral {

namespace {

// Looks for the first index outside of [0, size).
class IndexCheck {
 public:
  IndexCheck(const Step& step, const Call& call) : step_(step), call_(call) {}

  void within(int input, int64_t size, int64_t stride = 1, int64_t offset = 0) {
    const int32_t* indices = (const int32_t*)call_.in[input].data;
    for (int64_t i = offset; i < countOf(call_.in[input]); i += stride) look(input, indices[i], size);
  }

  void look(int input, int64_t index, int64_t size) {
    if ((index >= 0 && index < size) || status.code != Code::ok) return;
    status.code = Code::indexInvalid;
    status.op = step_.op;
    status.value = step_.inputs[input];
    status.found = (double)index;
    status.highest = (double)size - 1;
  }

  // A row starts with an earlier one or itself, and no later row starts before it.
  void starts() {
    const int32_t* starts = (const int32_t*)call_.in[3].data;
    for (int64_t r = 0; r < countOf(call_.in[3]); r++) {
      const int64_t lowest = r == 0 ? 0 : starts[r - 1];
      if (starts[r] < lowest) status.lowest = (double)lowest;
      look(3, starts[r] < lowest ? -1 : starts[r], r + 1);
      if (status.code != Code::ok) {
        status.found = (double)starts[r];
        return;
      }
    }
  }

  // Positions must lie in the pages there are, and the pages a row sees in the cache.
  void pages() {
    const int64_t pageSize = (int64_t)call_.attributes[3], window = (int64_t)call_.attributes[5];
    const Tensor& table = call_.in[5];
    within(3, table.columns * pageSize);
    within(4, table.rows);
    if (status.code != Code::ok) return;
    const int32_t* positions = (const int32_t*)call_.in[3].data;
    const int32_t* sequence = (const int32_t*)call_.in[4].data;
    const int32_t* entries = (const int32_t*)table.data;
    for (int64_t r = 0; r < call_.in[0].rows; r++) {
      const int64_t first = window > 0 && positions[r] >= window ? positions[r] - window + 1 : 0;
      for (int64_t page = first / pageSize; page <= positions[r] / pageSize; page++) {
        look(5, entries[sequence[r] * table.columns + page], call_.in[1].rows / pageSize);
      }
    }
  }

  Status status;

 private:
  const Step& step_;
  const Call& call_;
};

}  // namespace

Status checkIndicesOf(const Step& step, const Call& call) {
  IndexCheck check(step, call);
  switch (step.op) {
    case OP_EMBED:
    case OP_TAKE_ROWS: check.within(1, call.in[0].rows); break;
    case OP_ROPE_TABLE: check.within(1, call.in[2].rows); break;
    case OP_CACHE_WRITE: check.within(2, call.in[1].rows); break;
    case OP_ATTENTION: check.pages(); break;
    case OP_ADJUST_LOGITS:
      check.within(1, call.in[0].rows, 2, 0);
      check.within(1, call.in[0].columns, 2, 1);
      break;
    case OP_PICK:
    case OP_CROSS_ENTROPY:
    case OP_CROSS_ENTROPY_GRADIENT: check.within(1, call.in[0].columns); break;
    case OP_LORA_ADD: check.within(5, countOf(call.in[4])); break;
    case OP_PICK_GRADIENT: check.within(1, call.in[2].columns); break;
    case OP_LINEAR_CROSS_ENTROPY:
    case OP_LINEAR_CROSS_ENTROPY_GRADIENT: check.within(2, call.in[1].rows); break;
    case OP_SEGMENT_SUM: check.within(1, call.in[2].rows); break;
    case OP_SELF_ATTENTION:
    case OP_SELF_ATTENTION_GRADIENT: check.starts(); break;
    default: break;
  }
  return check.status;
}

}  // namespace corral
