// Who may see which words: training, a split to try things out on while Cria is made, and one kept for the
// exam at the end. Combinations of parts are dealt out by a rule, so that all parts are known to training.

/** Where words and phrasings come from. */
export type Split = 'training' | 'development' | 'held-out';

/** All of them. */
export const splits: readonly Split[] = ['training', 'development', 'held-out'];

/** Which split has the pair of the `row`-th first and the `column`-th second part: one in twenty is kept for each test. */
export function splitOf(row: number, column: number): Split {
  const at = (row * 7 + column * 11) % 20;
  return at === 0 ? 'held-out' : at === 9 ? 'development' : 'training';
}

/** All pairs of parts, dealt out. `join` may refuse a pair by `undefined`. */
export function dealPairs<First, Second, Pair>(
  firsts: readonly First[],
  seconds: readonly Second[],
  join: (first: First, second: Second) => Pair | undefined,
): Readonly<Record<Split, readonly Pair[]>> {
  const dealt: Record<Split, Pair[]> = { training: [], development: [], 'held-out': [] };
  for (const [row, first] of firsts.entries()) {
    for (const [column, second] of seconds.entries()) {
      const pair = join(first, second);
      if (pair !== undefined) dealt[splitOf(row, column)].push(pair);
    }
  }
  return dealt;
}
