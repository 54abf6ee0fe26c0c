// Compares the int8 products of two instruction sets on random blocks of every packed type, for each
// number of rows that a tile can have and more: prints what differs, and ends with 1 if anything does.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <random>
#include <vector>

typedef void Product(int32_t dtype, uint8_t* weight, int64_t rowBytes, int64_t n, int64_t k, float* x,
                     int64_t m, float* out);
extern "C" Product int8_portable, int8_emulated;

struct Type {
  const char* name;
  int32_t gguf;
  int64_t blockSize, blockBytes;
  // Where half-precision scales lie: random bits there would be NaN at times.
  std::vector<int> halves;
};

static const Type types[] = {
    {"q4_0", 2, 32, 18, {0}},        {"q4_1", 3, 32, 20, {0, 2}},     {"q5_0", 6, 32, 22, {0}},
    {"q5_1", 7, 32, 24, {0, 2}},     {"q8_0", 8, 32, 34, {0}},        {"q4_k", 12, 256, 144, {0, 2}},
    {"q5_k", 13, 256, 176, {0, 2}},  {"q6_k", 14, 256, 210, {208}},
};

int main() {
  std::mt19937 random(20261124);
  std::normal_distribution<float> normal;
  int problems = 0;
  for (const Type& type : types) {
    // Beyond a strip of 16 blocks, and a last panel of 3 rows.
    const int64_t n = 19, k = 768, rowBytes = k / type.blockSize * type.blockBytes;
    std::vector<uint8_t> weight((size_t)(n * rowBytes));
    for (uint8_t& byte : weight) byte = (uint8_t)random();
    for (size_t block = 0; block < weight.size(); block += (size_t)type.blockBytes) {
      for (int half : type.halves) {
        const uint16_t scale = (uint16_t)(0x2000 | (random() & 0x83ff));
        memcpy(&weight[block + (size_t)half], &scale, 2);
      }
    }
    for (int64_t m : {1, 2, 3, 4, 5, 6, 7, 8, 9, 21}) {
      std::vector<float> x((size_t)(m * k)), expected((size_t)(m * n)), found((size_t)(m * n));
      for (float& value : x) value = normal(random);
      int8_portable(type.gguf, weight.data(), rowBytes, n, k, x.data(), m, expected.data());
      int8_emulated(type.gguf, weight.data(), rowBytes, n, k, x.data(), m, found.data());
      double difference = 0, size = 0;
      for (size_t i = 0; i < expected.size(); i++) {
        difference += pow((double)found[i] - expected[i], 2);
        size += pow((double)expected[i], 2);
      }
      // Sums of integers are the same; fused multiply-adds round once where portable code rounds twice.
      if (difference <= 1e-12 * size) continue;
      printf("%s, %ld rows: error %g\n", type.name, (long)m, difference / size);
      problems++;
    }
  }
  return problems == 0 ? 0 : 1;
}
