// Statistics of two models on the same items: McNemar's exact test and a paired bootstrap.

/** What McNemar's test found. */
export interface McNemar {
  /** Items only the first, and only the second, got right. */
  readonly onlyFirst: number;
  readonly onlySecond: number;
  /** Probability of a split at least this uneven if neither were better. */
  readonly pValue: number;
}

/**
 * McNemar's test in its exact form (McNemar, Psychometrika 1947): of the items on which the two disagree,
 * each is a fair coin under the null hypothesis. Two-sided, for any count.
 */
export function mcNemar(onlyFirst: number, onlySecond: number): McNemar {
  const n = onlyFirst + onlySecond;
  const smaller = Math.min(onlyFirst, onlySecond);
  // log of binomial(n, smaller) / 2^n, then the terms below it by their ratio
  let log = -n * Math.LN2;
  for (let i = 1; i <= smaller; i++) log += Math.log((n - smaller + i) / i);
  let term = Math.exp(log);
  let tail = 0;
  for (let k = smaller; k >= 0 && term > 0; k--) {
    tail += term;
    term *= k / (n - k + 1);
  }
  return { onlyFirst, onlySecond, pValue: Math.min(1, 2 * tail) };
}

/**
 * What an item adds to a metric: a numerator and a denominator. A mean has 1 as denominator; a perplexity
 * has log-probabilities over words or bytes.
 */
export type Contribution = readonly [numerator: number, denominator: number];

/** The difference of a metric between two models. */
export interface PairedDifference {
  readonly first: number;
  readonly second: number;
  /** second − first */
  readonly difference: number;
  readonly stderr: number;
  /** Percentile interval of the bootstrap. */
  readonly low: number;
  readonly high: number;
}

/**
 * Resamples items, both models' values together (Efron & Tibshirani 1993, chapters 13 and 16: percentile
 * interval). `finish` makes the metric of the ratio of the sums. The standard error of a mean is that of the
 * per-item differences; of other metrics, the bootstrap's.
 */
export function pairedDifference(
  pairs: readonly { readonly first: Contribution; readonly second: Contribution }[],
  options: {
    readonly finish: (ratio: number) => number;
    readonly isMean: boolean;
    readonly iterations: number;
    readonly confidence: number;
    /** A whole number from 0 to below the limit. */
    readonly draw: (limit: number) => number;
  },
): PairedDifference {
  const { finish, isMean, iterations, confidence, draw } = options;
  const n = pairs.length;
  const sum = (side: 'first' | 'second', part: 0 | 1): number =>
    pairs.reduce((total, pair) => total + pair[side][part], 0);
  const first = finish(sum('first', 0) / sum('first', 1));
  const second = finish(sum('second', 0) / sum('second', 1));
  const differences = Float64Array.from(pairs, (pair) => pair.second[0] - pair.first[0]);
  const resample = isMean
    ? resampleMean(differences, draw)
    : resampleRatios(pairs, { finish, draw });
  const draws = Float64Array.from({ length: iterations }, resample).sort();
  const tail = (1 - confidence) / 2;
  return {
    first,
    second,
    difference: second - first,
    stderr: isMean ? deviation(differences) / Math.sqrt(n) : deviation(draws),
    low: quantile(draws, tail),
    high: quantile(draws, 1 - tail),
  };
}

type Draw = (limit: number) => number;

function resampleMean(differences: Float64Array, draw: Draw): () => number {
  const n = differences.length;
  return () => {
    let sum = 0;
    for (let index = 0; index < n; index++) sum += differences[draw(n)] ?? 0;
    return sum / n;
  };
}

function resampleRatios(
  pairs: readonly { readonly first: Contribution; readonly second: Contribution }[],
  { finish, draw }: { readonly finish: (ratio: number) => number; readonly draw: Draw },
): () => number {
  const n = pairs.length;
  const values = Float64Array.from(pairs.flatMap(({ first, second }) => [...first, ...second]));
  return () => {
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let index = 0; index < n; index++) {
      const at = 4 * draw(n);
      a += values[at] ?? 0;
      b += values[at + 1] ?? 0;
      c += values[at + 2] ?? 0;
      d += values[at + 3] ?? 0;
    }
    return finish(c / d) - finish(a / b);
  };
}

/** Sample standard deviation, with n − 1. */
function deviation(values: ArrayLike<number>): number {
  const list = Array.from(values);
  const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
  const squares = list.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (list.length - 1));
}

/** Linear between the nearest ranks, as numpy's default. */
function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const [below, above] = [
    sorted[Math.floor(at)] ?? Number.NaN,
    sorted[Math.ceil(at)] ?? Number.NaN,
  ];
  return below + (above - below) * (at - Math.floor(at));
}
