// Orders as functions of a seed: the same numbers, the same order, in every run.
import { random } from '../../base/random.ts';

/** What an order is for; keeps the draws of one use apart from those of another. */
const uses = { window: 1, packing: 2, epoch: 3, bucketing: 4 } as const;

/** The numbers 0 to count - 1 in an order drawn for this use and epoch (Fisher and Yates). */
export function shuffled(
  count: number,
  {
    seed,
    use,
    epoch,
  }: { readonly seed: number; readonly use: keyof typeof uses; readonly epoch: number },
): Int32Array {
  const order = Int32Array.from({ length: count }, (_, at) => at);
  const choice = choiceOf(use, epoch);
  for (let at = count - 1; at > 0; at--) {
    const other = Math.floor(random(seed, choice, at) * (at + 1));
    const held = order[at] as number;
    order[at] = order[other] as number;
    order[other] = held;
  }
  return order;
}

/** A number in [0, 1): draw `index` of `step`. */
export function drawWindow(seed: number, step: number, index: number): number {
  // steps stay below 2^29, windows of a step below 2^32
  return random(seed, choiceOf('window', step), index);
}

function choiceOf(use: keyof typeof uses, epoch: number): number {
  return (epoch * 8 + uses[use]) >>> 0;
}
