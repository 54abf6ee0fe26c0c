// Chooses a token from candidates in order of likelihood. Pure: the random number is an argument.
// Sees the few candidates a device hands over, and says when it needs the whole row instead.
import { present } from '../base/invariant.ts';
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

/** Picks one of the candidates by the options' rules with `draw` in [0, 1). Temperature must be above 0. */
export function choose(candidates: Candidates, options: SamplingOptions, draw: number): Choice {
  const { ids, complete } = candidates;
  const { topK, topP, minP, typicalP } = options;
  if (typicalP < 1 && !complete) return 'needs-all';
  if (topK > ids.length && !complete) return 'needs-all';

  let kept = withProbabilities(candidates, options.temperature);
  let open = !complete; // tokens beyond the candidates could still belong to the set
  if (topK > 0 && topK < ids.length) kept = kept.slice(0, topK);
  if (topK > 0 && topK <= ids.length) open = false;
  // Before a cut at top-k the candidates stand for the whole distribution, whose mass is 1.
  let mass = open ? 1 : sum(kept);

  if (typicalP < 1) {
    kept = keepTypical(kept, typicalP * mass);
    mass = sum(kept);
  }
  if (topP < 1) {
    const count = countUntil(kept, topP * mass);
    if (count === undefined && open) return 'needs-all';
    kept = kept.slice(0, count ?? kept.length);
    open = false;
    mass = sum(kept);
  }
  if (minP > 0) {
    const floor = minP * present(kept[0], 'candidate').probability;
    const above = kept.filter(({ probability }) => probability >= floor);
    if (above.length === kept.length && open) return 'needs-all';
    kept = above;
    open = false;
    mass = sum(kept);
  }
  return drawFrom(kept, draw * mass, open);
}

interface Weighted {
  readonly id: number;
  readonly probability: number;
}

function withProbabilities(
  { ids, logits, logSumExp }: Candidates,
  temperature: number,
): Weighted[] {
  return Array.from(ids, (id, rank) => ({
    id,
    probability: Math.exp((logits[rank] as number) / temperature - logSumExp),
  })).filter(({ probability }) => probability > 0);
}

function sum(candidates: readonly Weighted[]): number {
  return candidates.reduce((total, { probability }) => total + probability, 0);
}

// How many of the first candidates it takes to reach the mass; undefined when all do not.
function countUntil(candidates: readonly Weighted[], mass: number): number | undefined {
  let total = 0;
  for (const [index, { probability }] of candidates.entries()) {
    total += probability;
    if (total >= mass) return index + 1;
  }
  return undefined;
}

// Nearest to the entropy first, until they reach the mass; back in order of likelihood.
function keepTypical(candidates: readonly Weighted[], mass: number): Weighted[] {
  const information = ({ probability }: Weighted): number => -Math.log(probability);
  const entropy = candidates.reduce((total, c) => total + c.probability * information(c), 0);
  const surprise = (c: Weighted): number => Math.abs(information(c) - entropy);
  const nearest = [...candidates].sort((a, b) => surprise(a) - surprise(b));
  const count = countUntil(nearest, mass) ?? nearest.length;
  return nearest.slice(0, count).sort((a, b) => b.probability - a.probability || a.id - b.id);
}

function drawFrom(candidates: readonly Weighted[], target: number, open: boolean): Choice {
  let total = 0;
  for (const { id, probability } of candidates) {
    total += probability;
    if (total > target) return { id };
  }
  if (open) return 'needs-all';
  // Rounding can leave the last sliver of mass uncovered.
  return { id: present(candidates.at(-1), 'candidate').id };
}
