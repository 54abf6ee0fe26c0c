// A checksum at the speed of memory, to find damage that disks and broken writes do. No defence
// against somebody who wants two contents to look alike.
#pragma once
#include <stdint.h>
#include <string.h>

namespace corral {

// A multiplication carries a word's bits up, the rotation brings them down again, and both can be
// undone: two contents that differ in one word never have the same checksum.
inline uint64_t mixWord(uint64_t state, uint64_t word) {
  const uint64_t mixed = (state ^ word) * 0x9e3779b97f4a7c15u;  // 2^64 over the golden ratio: odd
  return mixed << 29 | mixed >> 35;
}

// Words go to eight states in turn, which are mixed at the end: a chain of multiplications each, that
// do not wait for one another.
inline uint64_t checksumOf(const uint8_t* data, uint64_t bytes, uint64_t seed) {
  constexpr int chains = 8;
  uint64_t states[chains];
  for (int i = 0; i < chains; i++) states[i] = mixWord(seed, (uint64_t)i);
  uint64_t at = 0;
  for (; at + 8 * chains <= bytes; at += 8 * chains) {
    for (int i = 0; i < chains; i++) {
      uint64_t word;
      memcpy(&word, data + at + 8 * (uint64_t)i, 8);
      states[i] = mixWord(states[i], word);
    }
  }
  for (; at < bytes; at += 8) {
    uint64_t word = 0;
    memcpy(&word, data + at, bytes - at < 8 ? bytes - at : 8);
    states[0] = mixWord(states[0], word);
  }
  uint64_t sum = mixWord(seed, bytes);
  for (uint64_t state : states) sum = mixWord(sum, state);
  return sum ^ sum >> 32;
}

}  // namespace corral
