// How many rows of prompts a step may take while answers run, so that it lasts at most a few times as
// long as one without them. Learns from the steps that were; knows no clock.
import type { StepReport } from './observer.ts';
import type { StepBudget } from './scheduler.ts';

// A step with prompts may last this many times the median of those without: 3 is promised, and the next
// row may cost more than the last ones did.
const targetFactor = 2.5;

// Steps without prompts whose median counts.
const remembered = 15;

// A median is looked at afresh after this many steps with prompts: one goes by without them.
const staleAfter = 32;

const firstPromptRows = 16;
const fewestPromptRows = 4;

/** The pace of one engine. */
export class PromptPace {
  readonly #rows: number;
  readonly #decodeSeconds: number[] = [];
  #sinceDecode = 0;
  #secondsPerRow: number | undefined;
  #promptRows = firstPromptRows;

  /** `rows` is what a step has at most. */
  constructor(rows: number) {
    this.#rows = rows;
  }

  /** What the next step may take. */
  budget(): StepBudget {
    const isKnown = this.#decodeSeconds.length > 0 && this.#sinceDecode < staleAfter;
    return { rows: this.#rows, promptRows: isKnown ? this.#promptRows : 0 };
  }

  /** Notes how long a step took. */
  note({ promptRows, decodeRows, seconds }: StepReport): void {
    if (decodeRows === 0) {
      // Prompts alone: an estimate until there is a better one.
      this.#secondsPerRow ??= seconds / promptRows;
      return;
    }
    if (promptRows === 0) {
      this.#decodeSeconds.push(seconds);
      if (this.#decodeSeconds.length > remembered) this.#decodeSeconds.shift();
      this.#sinceDecode = 0;
    } else {
      this.#sinceDecode++;
      this.#learn((seconds - this.#median()) / promptRows);
    }
    this.#choose();
  }

  // Up at once, down slowly: a stall is worse than a prompt that takes a little longer.
  #learn(sample: number): void {
    const known = this.#secondsPerRow ?? sample;
    this.#secondsPerRow = Math.max(0, sample > known ? sample : known + (sample - known) / 4);
  }

  #choose(): void {
    const perRow = this.#secondsPerRow;
    if (perRow === undefined) return;
    const spare = (targetFactor - 1) * this.#median();
    const fitting = perRow > 0 ? Math.floor(spare / perRow) : this.#rows;
    // Never more than twice as many as before: what was learned from few rows may not hold for many.
    const most = Math.min(this.#rows, 2 * this.#promptRows);
    this.#promptRows = Math.max(fewestPromptRows, Math.min(fitting, most));
  }

  #median(): number {
    const sorted = this.#decodeSeconds.toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? 0;
  }
}
