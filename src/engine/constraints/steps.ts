// Long work cut into steps: whoever runs it decides whether others have a turn in between.
import { Yielder } from '../../base/yielder.ts';

/** Work that can pause wherever it yields. */
export type Steps<T> = Generator<void, T>;

/** Runs to the end without a pause. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** Runs to the end; the event loop has its turn every few milliseconds. */
export async function finishInTurns<T>(steps: Steps<T>): Promise<T> {
  const yielder = new Yielder();
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    if (yielder.isDue) await yielder.turn();
  }
}
