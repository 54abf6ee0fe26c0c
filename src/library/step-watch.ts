// Counts an engine's steps while they happen, and how long each took for those who wait for its tokens.
import type { EngineObserver, StepReport } from '../engine/index.ts';

/** Watches one engine. */
export class StepWatch {
  /** For the engine's options. */
  readonly observer: EngineObserver;
  #decodeRows = 0;
  #lastAt: number | undefined;
  #left = 0;
  #seconds: number[] = [];
  #done: ((seconds: readonly number[]) => void) | undefined;

  constructor() {
    this.observer = { onStep: (step) => this.#note(step) };
  }

  /**
   * Seconds of the next `count` steps in which `decodeRows` answers go on and no prompt is read, each from the
   * end of the step before. The first such step is not counted: what came before it was another one.
   */
  timeSteps(decodeRows: number, count: number): Promise<readonly number[]> {
    this.#decodeRows = decodeRows;
    this.#lastAt = undefined;
    this.#left = count;
    this.#seconds = [];
    return new Promise((resolve) => {
      this.#done = resolve;
    });
  }

  #note({ decodeRows, promptRows }: StepReport): void {
    if (this.#left === 0) return;
    const now = performance.now() / 1000;
    const last = this.#lastAt;
    const isAsked = decodeRows === this.#decodeRows && promptRows === 0;
    this.#lastAt = isAsked ? now : undefined;
    if (!isAsked || last === undefined) return;
    this.#seconds.push(now - last);
    this.#left--;
    if (this.#left === 0) this.#done?.(this.#seconds);
  }
}
