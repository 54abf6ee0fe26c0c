// What load is put on: somebody who continues prompts, token by token.

/** One answer to be made. */
export interface Ask {
  readonly prompt: readonly number[];
  /** Most tokens of the answer. */
  readonly count: number;
  readonly signal: AbortSignal;
  readonly onToken: () => void;
}

/** An engine under load. */
export interface Target {
  readonly name: string;
  /** Resolves when the answer has ended or the signal fired; rejects when it failed. */
  ask(ask: Ask): Promise<void>;
  close(): Promise<void>;
}

/** Tokens that look random. Different salts differ from the second token on, so nothing can be reused. */
export function makePrompt(salt: number, length: number, vocab: number): number[] {
  const first = Math.min(300, Math.floor(vocab / 2));
  const step = (index: number): number => (index * 7919 + salt * 104_729) % (vocab - first);
  return [1, ...Array.from({ length: length - 1 }, (_, index) => first + step(index))];
}
