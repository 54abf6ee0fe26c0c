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

// Steps compare only where the numbers of answers in them are at most this factor apart.
const alike = 1.5;

const firstPromptRows = 16;
const fewestPromptRows = 4;

/** The pace of one engine. */
export class PromptPace {
  readonly #rows: number;
  readonly #decodes: { readonly answers: number; readonly seconds: number }[] = [];
  #answers = 0;
  #sinceDecode = 0;
  #secondsPerRow: number | undefined;
  // What was learned from few rows may not hold for many.
  #mostRows = firstPromptRows;

  /** `rows` is what a step has at most. */
  constructor(rows: number) {
    this.#rows = rows;
  }

  /** What the next step may take. */
  budget(): StepBudget {
    const median = this.#sinceDecode < staleAfter ? this.#median() : undefined;
    return { rows: this.#rows, promptRows: median === undefined ? 0 : this.#choose(median) };
  }

  /** Notes how long a step took. */
  note({ promptRows, decodeRows, seconds }: StepReport): void {
    if (decodeRows === 0) {
      // Prompts alone: an estimate until there is a better one.
      this.#secondsPerRow ??= seconds / promptRows;
      return;
    }
    this.#answers = decodeRows;
    if (promptRows === 0) {
      this.#decodes.push({ answers: decodeRows, seconds });
      if (this.#decodes.length > remembered) this.#decodes.shift();
      this.#sinceDecode = 0;
      return;
    }
    this.#sinceDecode++;
    const median = this.#median();
    if (median !== undefined) this.#learn((seconds - median) / promptRows);
    this.#mostRows = Math.max(firstPromptRows, 2 * promptRows);
  }

  // Up at once, down slowly: a stall is worse than a prompt that takes a little longer.
  #learn(sample: number): void {
    const known = this.#secondsPerRow ?? sample;
    this.#secondsPerRow = Math.max(0, sample > known ? sample : known + (sample - known) / 4);
  }

  #choose(median: number): number {
    const most = Math.min(this.#rows, this.#mostRows);
    const perRow = this.#secondsPerRow;
    if (perRow === undefined) return most;
    const spare = (targetFactor - 1) * median;
    const fitting = perRow > 0 ? Math.floor(spare / perRow) : most;
    return Math.max(fewestPromptRows, Math.min(fitting, most));
  }

  // Of steps with about as many answers as the last; undefined where there was none lately.
  #median(): number | undefined {
    const sorted = this.#decodes
      .filter(
        ({ answers }) =>
          Math.max(answers, this.#answers) <= alike * Math.min(answers, this.#answers),
      )
      .map(({ seconds }) => seconds)
      .sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  }
}
