// Finds stop strings in streamed text, also across token boundaries: holds back only what could be
// the beginning of one.

/** What a piece of text released. */
export interface Released {
  /** Text that can no longer belong to a stop string. */
  readonly text: string;
  /** The stop string that was found; text after it is dropped. */
  readonly stop?: string;
}

/** Watches one stream of text. */
export class StopStrings {
  readonly #stops: readonly string[];
  #held = '';

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  push(piece: string): Released {
    const text = this.#held + piece;
    // The earliest one wins; of those that start together, the one listed first.
    let found: { stop: string; at: number } | undefined;
    for (const stop of this.#stops) {
      const at = text.indexOf(stop);
      if (at >= 0 && (found === undefined || at < found.at)) found = { stop, at };
    }
    if (found !== undefined) {
      this.#held = '';
      return { text: text.slice(0, found.at), stop: found.stop };
    }
    const keep = this.#possibleStart(text);
    this.#held = text.slice(text.length - keep);
    return { text: text.slice(0, text.length - keep) };
  }

  /** Releases what was held back. */
  flush(): string {
    const text = this.#held;
    this.#held = '';
    return text;
  }

  // Length of the longest end of the text that begins a stop string.
  #possibleStart(text: string): number {
    let longest = 0;
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
        if (stop.startsWith(text.slice(text.length - length))) longest = length;
      }
    }
    return longest;
  }
}
