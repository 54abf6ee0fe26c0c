// Long work in JavaScript lets others have the event loop now and then.
import { setImmediate } from 'node:timers/promises';

const sliceMs = 8;

/** Gives the event loop a turn whenever a few milliseconds have passed since the last one. */
export class Yielder {
  #sinceMs = performance.now();

  /** True when it is time to await `turn()`: asking costs nothing, awaiting does. */
  get isDue(): boolean {
    return performance.now() - this.#sinceMs > sliceMs;
  }

  async turn(): Promise<void> {
    await setImmediate();
    this.#sinceMs = performance.now();
  }
}
