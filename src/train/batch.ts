// What the training loop eats: rows of packed sequences with the places whose next token is learned.
// Plain data; data/ makes it, the loop feeds it to a device.

/** A tokenised example: a document, a conversation, a window of a corpus. */
export interface Example {
  readonly tokens: Int32Array;
  /** 1 where predicting this token (from those before it) counts in the loss. Entry 0 is always 0. */
  readonly learn: Uint8Array;
}

/** One forward pass: whole sequences laid end to end, attention never crossing from one to another. */
export interface Batch {
  /** Token ids, [rows]. */
  readonly tokens: Int32Array;
  /** Place of each token in its own sequence, from 0, [rows]. */
  readonly positions: Int32Array;
  /** First row of each row's own sequence, [rows]: attention looks from there to the row itself. */
  readonly starts: Int32Array;
  /** Rows whose next token is learned, ascending, [outputs]. */
  readonly outputs: Int32Array;
  /** The token that follows each of those, [outputs]. */
  readonly targets: Int32Array;
}

/** Batches as a function of the step, so that a resumed run sees what the unbroken one would have seen. */
export interface BatchSource {
  /** Longest sequence in tokens that any batch holds. */
  readonly context: number;
  /** Steps that pass over the data once; undefined where windows are drawn at random. */
  readonly stepsPerEpoch: number | undefined;
  /** Hash of the tokenised data and of how batches are drawn from it. */
  readonly hash: string;
  /**
   * The micro-batches of one optimizer step: the same answer every time. The loss is divided by all
   * targets of the step together, so that accumulation equals one large batch.
   */
  step(step: number): readonly Batch[];
}
