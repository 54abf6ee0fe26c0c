// CPython's random.Random, bit for bit: the Mersenne Twister MT19937 (Matsumoto and Nishimura 1998) with
// the seeding and the draws of Modules/_randommodule.c and Lib/random.py. Few-shot examples and
// bootstraps of the harness depend on it.

const N = 624;
const M = 397;
const matrix = 0x9908b0df | 0;

/** A generator seeded like `random.Random(seed)`. */
export class PythonRandom {
  // Signed: V8 keeps 32-bit words in registers only while they are.
  readonly #state = new Int32Array(N);
  #index = N;

  /** Seed: a non-negative integer below 2^53. */
  constructor(seed: number) {
    const key = seed < 2 ** 32 ? [seed] : [seed % 2 ** 32, Math.floor(seed / 2 ** 32)];
    this.#initialise(key);
  }

  #initialise(key: readonly number[]): void {
    const state = this.#state;
    state[0] = 19650218;
    for (let i = 1; i < N; i++) {
      const previous = state[i - 1] as number;
      state[i] = Math.imul(1812433253, previous ^ (previous >>> 30)) + i;
    }
    let i = 1;
    let j = 0;
    for (let k = Math.max(N, key.length); k > 0; k--) {
      const previous = state[i - 1] as number;
      const mixed = Math.imul(previous ^ (previous >>> 30), 1664525);
      state[i] = ((state[i] as number) ^ mixed) + (key[j] as number) + j;
      i += 1;
      j = (j + 1) % key.length;
      if (i >= N) {
        state[0] = state[N - 1] as number;
        i = 1;
      }
    }
    for (let k = N - 1; k > 0; k--) {
      const previous = state[i - 1] as number;
      const mixed = Math.imul(previous ^ (previous >>> 30), 1566083941);
      state[i] = ((state[i] as number) ^ mixed) - i;
      i += 1;
      if (i >= N) {
        state[0] = state[N - 1] as number;
        i = 1;
      }
    }
    state[0] = 0x80000000;
  }

  /** 32 random bits. */
  next32(): number {
    if (this.#index >= N) this.#refill();
    return temper(this.#state[this.#index++] as number) >>> 0;
  }

  #refill(): void {
    const state = this.#state;
    let word = state[0] as number;
    for (let k = 0; k < N - M; k++) {
      const next = state[k + 1] as number;
      state[k] = (state[k + M] as number) ^ twist(word, next);
      word = next;
    }
    for (let k = N - M; k < N - 1; k++) {
      const next = state[k + 1] as number;
      state[k] = (state[k + M - N] as number) ^ twist(word, next);
      word = next;
    }
    state[N - 1] = (state[M - 1] as number) ^ twist(word, state[0] as number);
    this.#index = 0;
  }

  /** `random()`: 53 random bits as a fraction in [0, 1). */
  random(): number {
    const high = this.next32() >>> 5;
    const low = this.next32() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }

  /** `_randbelow(n)`: an integer in [0, n), n at most 2^32. */
  below(n: number): number {
    const bits = n === 2 ** 32 ? 33 : 32 - Math.clz32(n);
    let drawn = this.#bits(bits);
    while (drawn >= n) drawn = this.#bits(bits);
    return drawn;
  }

  #bits(count: number): number {
    if (count <= 32) return this.next32() >>> (32 - count);
    const low = this.next32();
    return (this.next32() >>> (64 - count)) * 2 ** 32 + low;
  }

  /** `sample(population, k)`. Throws a RangeError when k exceeds the population. */
  sample<T>(population: readonly T[], k: number): T[] {
    const n = population.length;
    if (k < 0 || k > n) throw new RangeError(`a sample of ${k} from ${n}`);
    // the size of a set of k entries in CPython: below it a copy of the population is cheaper
    const setSize = 21 + (k > 5 ? 4 ** Math.ceil(Math.log(k * 3) / Math.log(4)) : 0);
    if (n <= setSize) {
      const pool = population.slice();
      return Array.from({ length: k }, (_, i) => {
        const j = this.below(n - i);
        const drawn = pool[j] as T;
        pool[j] = pool[n - i - 1] as T;
        return drawn;
      });
    }
    const taken = new Set<number>();
    return Array.from({ length: k }, () => {
      let j = this.below(n);
      while (taken.has(j)) j = this.below(n);
      taken.add(j);
      return population[j] as T;
    });
  }

  /** `choices(population, k=k)`: draws with replacement. */
  choices<T>(population: readonly T[], k: number): T[] {
    const n = population.length;
    return Array.from({ length: k }, () => population[Math.floor(this.random() * n)] as T);
  }

  /**
   * `sum(choices(values, k=len(values)))`, without the list in between. The upper 27 of a draw's 53 bits nearly
   * always tell which value it is: the lower ones are looked at where the next value is less than 2⁻²⁷ · n away.
   */
  sumOfChoices(values: Float64Array): number {
    const n = values.length;
    const state = this.#state;
    // Products of 27 bits and n are exact below 2^53; beyond, all bits are looked at.
    const scale = n * 2 ** -27;
    const clear = n < 2 ** 26 ? 1 - scale : 0;
    let sum = 0;
    for (let i = 0; i < n; ) {
      if (this.#index > N - 2) {
        // two words are needed, the state holds one or none
        sum += values[Math.floor(this.random() * n)] as number;
        i += 1;
        continue;
      }
      const from = this.#index;
      const draws = Math.min(n - i, (N - from) >> 1);
      for (let k = 0; k < draws; k++) {
        const high = temper(state[from + 2 * k] as number) >>> 5;
        const place = high * scale;
        let index = Math.floor(place);
        if (place - index >= clear) {
          const low = temper(state[from + 2 * k + 1] as number) >>> 6;
          index = Math.floor(((high * 67108864 + low) / 9007199254740992) * n);
        }
        sum += values[index] as number;
      }
      this.#index = from + 2 * draws;
      i += draws;
    }
    return sum;
  }

  /** `shuffle(values)`, on a copy. */
  shuffle<T>(values: readonly T[]): T[] {
    const shuffled = values.slice();
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [shuffled[i], shuffled[j]] = [shuffled[j] as T, shuffled[i] as T];
    }
    return shuffled;
  }
}

function temper(word: number): number {
  let y = word;
  y ^= y >>> 11;
  y ^= (y << 7) & 0x9d2c5680;
  y ^= (y << 15) & 0xefc60000;
  return y ^ (y >>> 18);
}

function twist(word: number, next: number): number {
  const y = (word & 0x80000000) | (next & 0x7fffffff);
  return (y >>> 1) ^ (-(y & 1) & matrix);
}
