// From the items' values to numbers with error bars: the aggregations and standard errors of
// lm_eval/api/metrics.py (0.4.13), bootstraps in its chunks and with its seeds.
import { errors } from '../../base/errors.ts';
import { Yielder } from '../../base/yielder.ts';
import { PythonRandom } from '../prompt/python-random.ts';
import type { ItemValue } from '../task.ts';

/** How a metric's values become one number. */
export interface Aggregation {
  readonly aggregate: (values: readonly ItemValue[]) => number;
  /** Absent where the harness gives none. */
  readonly standardError?: 'mean' | 'bootstrap';
  /** The aggregate from the mean of the values, where that is all it needs: resampling is quicker then. */
  readonly fromMean?: (mean: number) => number;
}

/** The harness's number of resamples. */
export const usualBootstrapIterations = 100_000;

const aggregations: Readonly<Record<string, Aggregation>> = {
  mean: { aggregate: (values) => mean(scalars(values)), standardError: 'mean' },
  median: {
    // the upper of the two in the middle, as the harness has it
    aggregate: (values) => {
      const sorted = scalars(values).toSorted((a, b) => a - b);
      return sorted[Math.floor(sorted.length / 2)] as number;
    },
    standardError: 'bootstrap',
  },
  perplexity: {
    aggregate: (values) => Math.exp(-mean(scalars(values))),
    standardError: 'bootstrap',
    fromMean: (mean) => Math.exp(-mean),
  },
  weighted_perplexity: { aggregate: (values) => Math.exp(-weightedMean(values)) },
  bits_per_byte: { aggregate: (values) => -weightedMean(values) / Math.LN2 },
  f1: { aggregate: binaryF1, standardError: 'bootstrap' },
  matthews_corrcoef: { aggregate: matthewsCorrelation, standardError: 'bootstrap' },
};

// what a metric is when its entry does not say (register_metric in the harness)
const usual: Readonly<Record<string, { readonly aggregation: string; readonly higher: boolean }>> =
  {
    perplexity: { aggregation: 'perplexity', higher: false },
    word_perplexity: { aggregation: 'weighted_perplexity', higher: false },
    byte_perplexity: { aggregation: 'weighted_perplexity', higher: false },
    bits_per_byte: { aggregation: 'bits_per_byte', higher: false },
    mcc: { aggregation: 'matthews_corrcoef', higher: true },
    f1: { aggregation: 'f1', higher: true },
  };

/** The aggregation of a metric, and whether more is better. Throws TASK_FIELD_INVALID. */
export function aggregationOf(entry: {
  readonly metric: unknown;
  readonly aggregation?: string | undefined;
  readonly higher_is_better?: boolean | undefined;
}): Aggregation & { readonly higherIsBetter: boolean } {
  const standard = typeof entry.metric === 'string' ? usual[entry.metric] : undefined;
  const name = entry.aggregation ?? standard?.aggregation ?? 'mean';
  const aggregation = aggregations[name];
  if (aggregation === undefined) {
    const allowed = Object.keys(aggregations).join(', ');
    throw errors.TASK_FIELD_INVALID({ field: 'aggregation', found: name, allowed });
  }
  return { ...aggregation, higherIsBetter: entry.higher_is_better ?? standard?.higher ?? true };
}

/**
 * The standard error of an aggregate; undefined for fewer than two values and where there is none. Others have
 * turns of the event loop meanwhile. Rejects with ABORTED by the signal.
 */
export async function standardErrorOf(
  aggregation: Aggregation,
  values: readonly ItemValue[],
  {
    iterations,
    signal,
  }: { readonly iterations: number; readonly signal?: AbortSignal | undefined },
): Promise<number | undefined> {
  const { standardError } = aggregation;
  if (standardError === undefined || values.length < 2 || iterations <= 0) return undefined;
  if (standardError === 'mean') return deviation(scalars(values)) / Math.sqrt(values.length);
  return bootstrapError(aggregation, values, { iterations, signal });
}

/** Sample deviation of the aggregate over resamples, drawn in chunks of 1,000 seeded 0, 1, 2 … */
async function bootstrapError(
  { aggregate, fromMean }: Aggregation,
  values: readonly ItemValue[],
  { iterations, signal }: { readonly iterations: number; readonly signal: AbortSignal | undefined },
): Promise<number> {
  const chunk = Math.min(1000, iterations);
  const results: number[] = [];
  const numbers = fromMean && Float64Array.from(scalars(values));
  const yielder = new Yielder();
  for (let seed = 0; seed < Math.floor(iterations / chunk); seed++) {
    const random = new PythonRandom(seed);
    for (let i = 0; i < chunk; i++) {
      if (yielder.isDue) await yielder.turn();
      if (signal?.aborted === true) throw errors.ABORTED({ what: 'Evaluation' });
      results.push(
        fromMean && numbers
          ? fromMean(random.sumOfChoices(numbers) / values.length)
          : aggregate(random.choices(values, values.length)),
      );
    }
  }
  return deviation(results);
}

function scalars(values: readonly ItemValue[]): readonly number[] {
  return values as readonly number[]; // a metric is scalar or weighted throughout
}

function mean(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

function weightedMean(values: readonly ItemValue[]): number {
  let [sum, weight] = [0, 0];
  for (const [value, size] of values as readonly (readonly [number, number])[]) {
    sum += value;
    weight += size;
  }
  return sum / weight;
}

function deviation(values: readonly number[]): number {
  const centre = mean(values);
  let squares = 0;
  for (const value of values) squares += (value - centre) ** 2;
  return Math.sqrt(squares / (values.length - 1));
}

/** F1 of class 1, over pairs of gold and prediction. */
function binaryF1(values: readonly ItemValue[]): number {
  let [hits, either] = [0, 0];
  for (const [gold, predicted] of values as readonly (readonly [number, number])[]) {
    if (gold === 1 && predicted === 1) hits += 1;
    either += Number(gold === 1) + Number(predicted === 1);
  }
  return either === 0 ? 0 : (2 * hits) / either;
}

/** Matthews' correlation over pairs of gold and prediction, of any number of classes (Gorodkin 2004). */
function matthewsCorrelation(values: readonly ItemValue[]): number {
  const golds = new Map<number, number>();
  const predictions = new Map<number, number>();
  let correct = 0;
  for (const [gold, predicted] of values as readonly (readonly [number, number])[]) {
    golds.set(gold, (golds.get(gold) ?? 0) + 1);
    predictions.set(predicted, (predictions.get(predicted) ?? 0) + 1);
    if (gold === predicted) correct += 1;
  }
  const total = values.length;
  const squares = (counts: ReadonlyMap<number, number>): number => {
    return Array.from(counts.values()).reduce((sum, count) => sum + count * count, 0);
  };
  const shared = Array.from(golds).reduce((sum, [label, count]) => {
    return sum + count * (predictions.get(label) ?? 0);
  }, 0);
  const spread = Math.sqrt((total ** 2 - squares(golds)) * (total ** 2 - squares(predictions)));
  return spread === 0 ? 0 : (correct * total - shared) / spread;
}
