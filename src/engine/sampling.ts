// Chooses a token from candidates in order of likelihood. Pure: the random number is an argument.
// Sees the few candidates a device hands over, and says when it needs the whole row instead. Works on
// arrays, since a whole row may be 128k tokens and the event loop waits meanwhile.
import type { SamplingOptions } from './sampling-options.ts';

/** Tokens with their adjusted logits, likeliest first, lower id first among equals. */
export interface Candidates {
  readonly ids: Int32Array;
  readonly logits: Float32Array;
  /** ln Σ e^(logit / temperature) over the whole vocabulary, not just these. */
  readonly logSumExp: number;
  /** These are all tokens there are. */
  readonly complete: boolean;
}

/** A choice, or that the candidates given do not decide it. */
export type Choice = { readonly id: number } | 'needs-all';

// Nats below the likeliest token at which a share of the mass is nothing: e^−40 is under 1e-17.
const negligibleNats = 40;

/** Tokens still in the draw, likeliest first, with weights relative to the likeliest of all. */
interface Kept {
  readonly ids: Int32Array;
  readonly weights: Float64Array;
  /** How many of the first are kept. */
  readonly count: number;
  /** Total weight the kept ones share; more than their own while tokens beyond may belong to them. */
  readonly mass: number;
  /** Tokens beyond the candidates could still belong to the set. */
  readonly open: boolean;
}

/** Picks one of the candidates by the options' rules with `draw` in [0, 1). Temperature must be above 0. */
export function choose(candidates: Candidates, options: SamplingOptions, draw: number): Choice {
  const { topP, minP, typicalP } = options;
  let kept = weigh(candidates, options);
  if (kept === 'needs-all') return kept;
  if (typicalP < 1) kept = keepTypical(kept, typicalP);
  if (topP < 1) kept = keepTop(kept, topP);
  if (kept === 'needs-all') return kept;
  if (minP > 0) kept = keepLikely(kept, minP);
  if (kept === 'needs-all') return kept;
  return drawFrom(kept, draw);
}

function weigh(
  { ids, logits, logSumExp, complete }: Candidates,
  { temperature, topK, typicalP }: SamplingOptions,
): Kept | 'needs-all' {
  const highest = logits[0] as number;
  const span = (highest - (logits[logits.length - 1] as number)) / temperature;
  const whole = complete || span > negligibleNats;
  const decided = whole || (topK > 0 && topK <= ids.length);
  if (!decided && (typicalP < 1 || topK > 0)) return 'needs-all';
  const count = topK > 0 ? Math.min(topK, ids.length) : ids.length;
  const weights = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    weights[i] = Math.exp(((logits[i] as number) - highest) / temperature);
  }
  const open = !whole && topK === 0;
  const mass = open ? Math.exp(logSumExp - highest / temperature) : sumOf(weights, count);
  return { ids, weights, count, mass, open };
}

function sumOf(weights: Float64Array, count: number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += weights[i] as number;
  return total;
}

// The first tokens, as many as it takes to reach the share p of the mass.
function keepTop(kept: Kept, p: number): Kept | 'needs-all' {
  let total = 0;
  for (let i = 0; i < kept.count; i++) {
    total += kept.weights[i] as number;
    if (total >= p * kept.mass) return { ...kept, count: i + 1, mass: total, open: false };
  }
  return kept.open ? 'needs-all' : kept;
}

// The first tokens, as long as they have at least the share p of the likeliest one's weight.
function keepLikely(kept: Kept, p: number): Kept | 'needs-all' {
  const floor = p * (kept.weights[0] as number);
  let count = 0;
  while (count < kept.count && (kept.weights[count] as number) >= floor) count++;
  if (count === kept.count && kept.open) return 'needs-all';
  return { ...kept, count, mass: sumOf(kept.weights, count), open: false };
}

// The tokens whose information is nearest the entropy, as many as reach the share p of the mass.
function keepTypical({ ids, weights, count, mass, open }: Kept, p: number): Kept {
  const information = (i: number): number => -Math.log((weights[i] as number) / mass);
  let entropy = 0;
  for (let i = 0; i < count; i++) {
    const weight = weights[i] as number;
    if (weight > 0) entropy += (weight / mass) * information(i);
  }
  const surprises = Float64Array.from({ length: count }, (_, i) =>
    Math.abs(information(i) - entropy),
  );
  const massWithin = (limit: number): number => {
    let total = 0;
    for (let i = 0; i < count; i++) {
      if ((surprises[i] as number) <= limit) total += weights[i] as number;
    }
    return total;
  };
  // The smallest limit that reaches the mass, by bisection over the surprises there are.
  const limits = surprises.toSorted();
  let [low, high] = [0, count - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (massWithin(limits[middle] as number) >= p * mass) high = middle;
    else low = middle + 1;
  }
  const limit = limits[low] as number;
  const places = ids
    .subarray(0, count)
    .map((_, i) => i)
    .filter((i) => (surprises[i] as number) <= limit);
  const keptWeights = Float64Array.from(places, (i) => weights[i] as number);
  return {
    ids: places.map((i) => ids[i] as number),
    weights: keptWeights,
    count: places.length,
    mass: sumOf(keptWeights, places.length),
    open,
  };
}

function drawFrom({ ids, weights, count, mass, open }: Kept, draw: number): Choice {
  let total = 0;
  let last = 0;
  for (let i = 0; i < count; i++) {
    total += weights[i] as number;
    if (total > draw * mass) return { id: ids[i] as number };
    if ((weights[i] as number) > 0) last = i;
  }
  // Rounding can leave the last sliver of mass uncovered.
  return open ? 'needs-all' : { id: ids[last] as number };
}
