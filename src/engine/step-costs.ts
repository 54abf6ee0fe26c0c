// What a step of answers costs by its number of rows, learned from those that were. On a CPU a few rows
// cost hardly more than one while the weights come from memory, and ever more beyond; where that is,
// differs by model and machine. Knows no clock.

// Steps of one size whose median counts.
const remembered = 5;

/** Seconds of steps by their rows. */
export class StepCosts {
  readonly #steps = new Map<number, number[]>();
  #table: readonly { readonly rows: number; readonly seconds: number }[] = [];

  /** Notes a step without prompts. */
  note(rows: number, seconds: number): void {
    const steps = this.#steps.get(rows) ?? [];
    steps.push(seconds);
    if (steps.length > remembered) steps.shift();
    this.#steps.set(rows, steps);
    let least = Number.POSITIVE_INFINITY;
    this.#table = [...this.#steps]
      .sort(([a], [b]) => b - a)
      .map(([size, all]) => {
        // Fewer rows never take longer: a higher median is noise, or old. Where the lower one is wrong, it is
        // soon tried and corrected; a size that seems dear would never be.
        least = Math.min(least, medianOf(all));
        return { rows: size, seconds: least };
      })
      .reverse();
  }

  /**
   * Seconds of a step. Between sizes that were seen it is interpolated; up to twice the largest it is
   * taken to cost the same, so that it is tried; undefined where nothing is known.
   */
  estimate(rows: number): number | undefined {
    const above = this.#table.findIndex((each) => each.rows >= rows);
    const low = this.#table.at(above < 0 ? -1 : above - 1);
    if (above < 0) return low !== undefined && rows <= 2 * low.rows ? low.seconds : undefined;
    const high = this.#table[above];
    if (high === undefined || high.rows === rows) return high?.seconds;
    if (above === 0 || low === undefined) return undefined;
    const share = (rows - low.rows) / (high.rows - low.rows);
    return low.seconds + share * (high.seconds - low.seconds);
  }
}

/** The middle one of an odd number; of an even number the higher of the two. */
export function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
