// Prometheus' text exposition format 0.0.4 read into samples, and the arithmetic on histograms that a page needs.

/** One line: a name, its labels, its value. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const samplePattern = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/;
const labelPattern = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Samples of an exposition; comments and lines that are no samples are passed over. */
export function parsePrometheus(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    const match = line.startsWith('#') ? null : samplePattern.exec(line.trim());
    if (match === null) continue;
    const [, name = '', labels = '', value = ''] = match;
    samples.push({ name, labels: parseLabels(labels), value: parseValue(value) });
  }
  return samples;
}

function parseLabels(text: string): Record<string, string> {
  const pairs = Array.from(text.matchAll(labelPattern), ([, name = '', value = '']) => {
    return [name, value.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c))] as const;
  });
  return Object.fromEntries(pairs);
}

function parseValue(text: string): number {
  if (text === '+Inf' || text === 'Inf') return Number.POSITIVE_INFINITY;
  return text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
}

/** Sum of a name's samples over all labels; undefined where there are none. */
export function sumOf(samples: readonly Sample[], name: string): number | undefined {
  const values = samples.filter((sample) => sample.name === name).map(({ value }) => value);
  return values.length === 0 ? undefined : values.reduce((total, value) => total + value, 0);
}

/** How many observations of a histogram lie at or below each bound, over all other labels; rising bounds. */
export function bucketsOf(samples: readonly Sample[], name: string): Map<number, number> {
  const counts = new Map<number, number>();
  for (const sample of samples) {
    const bound = sample.labels['le'];
    if (sample.name !== `${name}_bucket` || bound === undefined) continue;
    const at = parseValue(bound);
    counts.set(at, (counts.get(at) ?? 0) + sample.value);
  }
  return new Map([...counts].sort(([a], [b]) => a - b));
}

/** The same for what was observed since an earlier reading. */
export function bucketsSince(
  now: ReadonlyMap<number, number>,
  before: ReadonlyMap<number, number>,
): Map<number, number> {
  return new Map(Array.from(now, ([bound, count]) => [bound, count - (before.get(bound) ?? 0)]));
}

/**
 * The value below which a share `q` of the observations lies, as PromQL's `histogram_quantile` estimates it: linear
 * within a bucket, the last finite bound beyond it. Undefined without observations.
 */
export function quantileOf(buckets: ReadonlyMap<number, number>, q: number): number | undefined {
  const bounds = [...buckets];
  const total = bounds.at(-1)?.[1] ?? 0;
  if (total <= 0) return undefined;
  const rank = q * total;
  let [lower, below] = [0, 0];
  for (const [bound, count] of bounds) {
    if (count >= rank) {
      if (bound === Number.POSITIVE_INFINITY) return lower;
      const inside = count - below;
      return inside <= 0 ? bound : lower + ((bound - lower) * (rank - below)) / inside;
    }
    [lower, below] = [bound, count];
  }
  return lower;
}
