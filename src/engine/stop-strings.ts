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
    const found = this.#firstIn(text);
    const open = text.length - this.#possibleStart(text);
    // One that begins earlier may still come: however the text is cut, the earliest wins.
    if (found !== undefined && found.at <= open) {
      this.#held = '';
      return { text: text.slice(0, found.at), stop: found.stop };
    }
    this.#held = text.slice(open);
    return { text: text.slice(0, open) };
  }

  /** Releases what was held back, up to a stop string in it. */
  flush(): string {
    const text = this.#held;
    this.#held = '';
    return text.slice(0, this.#firstIn(text)?.at);
  }

  // The earliest one; of those that start together, the one listed first.
  #firstIn(text: string): { readonly stop: string; readonly at: number } | undefined {
    let found: { stop: string; at: number } | undefined;
    for (const stop of this.#stops) {
      const at = text.indexOf(stop);
      if (at >= 0 && (found === undefined || at < found.at)) found = { stop, at };
    }
    return found;
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
