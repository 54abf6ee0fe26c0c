// Lays sequences end to end as the rows of batches. A row is a token that predicts the next one of its own
// sequence; the last token of a sequence is only ever a target.
import type { Batch, Example } from '../batch.ts';

/** Rows that a sequence takes. */
export function rowsOf({ tokens }: Example): number {
  return tokens.length - 1;
}

/** One batch of whole sequences. */
export function layOut(sequences: readonly Example[]): Batch {
  const rows = sequences.reduce((sum, one) => sum + rowsOf(one), 0);
  const tokens = new Int32Array(rows);
  const positions = new Int32Array(rows);
  const starts = new Int32Array(rows);
  const outputs: number[] = [];
  const targets: number[] = [];
  let row = 0;
  for (const { tokens: ids, learn } of sequences) {
    const start = row;
    for (let at = 0; at + 1 < ids.length; at++, row++) {
      tokens[row] = ids[at] as number;
      positions[row] = at;
      starts[row] = start;
      if (learn[at + 1] === 1) {
        outputs.push(row);
        targets.push(ids[at + 1] as number);
      }
    }
  }
  return {
    tokens,
    positions,
    starts,
    outputs: Int32Array.from(outputs),
    targets: Int32Array.from(targets),
  };
}

/** Batches of at most `microRows` rows, sequences in their order; one that is longer stands alone. */
export function layOutWithin(sequences: readonly Example[], microRows: number): Batch[] {
  const batches: Batch[] = [];
  let some: Example[] = [];
  let rows = 0;
  for (const sequence of sequences) {
    const more = rowsOf(sequence);
    if (rows + more > microRows && some.length > 0) {
      batches.push(layOut(some));
      some = [];
      rows = 0;
    }
    some.push(sequence);
    rows += more;
  }
  if (some.length > 0) batches.push(layOut(some));
  return batches;
}
