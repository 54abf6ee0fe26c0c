// Which word is being looked at. A word under the pointer is looked at until the pointer leaves; one that was clicked,
// tapped or reached by keyboard is held until it is let go.
import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { AssistantMessage } from '../conversation/message.ts';
import { markWord, type WordMap } from '../words/word-map.ts';

/** A word that is looked at. */
export interface Inspection {
  readonly message: AssistantMessage;
  readonly map: WordMap;
  readonly index: number;
  readonly held: boolean;
}

/** Looking at words. */
export interface Inspector {
  readonly inspection: ReadonlySignal<Inspection | undefined>;
  /** The answer whose unsure words are shaded. */
  readonly shaded: Signal<string | undefined>;
  look(inspection: Inspection): void;
  /** To the token `step` further, if there is one. */
  move(step: number): void;
  /** The pointer is elsewhere: lets go in a moment, unless it comes back or the word is held. */
  leave(): void;
  /** The pointer is on what is shown of the word. */
  stay(): void;
  close(): void;
}

const LINGER_MS = 220;

/** Makes an inspector. */
export function createInspector(): Inspector {
  const inspection = signal<Inspection | undefined>(undefined);
  let leaving: ReturnType<typeof setTimeout> | undefined;

  function set(next: Inspection | undefined): void {
    clearTimeout(leaving);
    inspection.value = next;
    markWord(next?.map.rangeOf(next.index));
  }

  return {
    inspection,
    shaded: signal<string | undefined>(undefined),
    look: set,
    move: (step) => {
      const now = inspection.value;
      if (now === undefined) return;
      const index = now.index + step;
      if (index >= 0 && index < now.map.places.length) set({ ...now, index });
    },
    leave: () => {
      clearTimeout(leaving);
      if (inspection.value?.held === false) leaving = setTimeout(() => set(undefined), LINGER_MS);
    },
    stay: () => clearTimeout(leaving),
    close: () => set(undefined),
  };
}
