// Which examples stand before an item: lm-evaluation-harness's samplers (lm_eval/api/samplers.py, 0.4.13).
// One generator per task, seeded once; what it draws for an item depends on the items before it.
import { pythonEqual } from '../definition/python-text.ts';
import type { Doc } from '../task.ts';
import { PythonRandom } from './python-random.ts';

/** Chooses examples from a pool. */
export interface FewShotSampler {
  /** `count` examples; none of them equal to `exclude`. Throws a RangeError when the pool is too small. */
  sample(count: number, exclude: Doc | undefined): readonly Doc[];
}

/** The harness's seed for few-shot examples. */
export const fewShotSeed = 1234;

/** Draws without replacement, `random.Random(seed).sample`, the state carried from item to item. */
export function randomSampler(pool: readonly Doc[], seed: number): FewShotSampler {
  const random = new PythonRandom(seed);
  return {
    sample(count, exclude) {
      if (exclude === undefined) return random.sample(pool, count);
      // one more is drawn, so that the item itself can be dropped from among them
      const drawn = random.sample(pool, count + 1).filter((doc) => !pythonEqual(doc, exclude));
      if (drawn.length >= count) return drawn.slice(0, count);
      return random.sample(
        pool.filter((doc) => !pythonEqual(doc, exclude)),
        count,
      );
    },
  };
}

/** The first ones, in order. */
export function firstSampler(pool: readonly Doc[]): FewShotSampler {
  return {
    sample(count, exclude) {
      const left = exclude === undefined ? pool : pool.filter((doc) => !pythonEqual(doc, exclude));
      if (count > left.length) throw new RangeError(`${count} examples from ${left.length}`);
      return left.slice(0, count);
    },
  };
}
