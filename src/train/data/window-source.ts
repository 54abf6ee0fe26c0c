// Batches of windows: stretches of a fixed length of one long text, at random places for training (as
// nanoGPT draws them) and one after the other for evaluation. Documents are not kept apart.
import { errors } from '../../base/errors.ts';
import type { Batch, BatchSource, Example } from '../batch.ts';
import { layOutWithin } from './lay-out.ts';
import { drawWindow } from './shuffle.ts';
import { type Part, rangeOf, type TokenSource } from './token-set.ts';

/** How windows become steps. */
export interface WindowSourceOptions {
  /** Rows of a window, which has one token more. */
  readonly context: number;
  /** Windows of one step. */
  readonly batch: number;
  readonly microRows: number;
  readonly part: Part;
  readonly hash: string;
}

interface Stretch {
  readonly source: TokenSource;
  readonly from: number;
  readonly tokens: number;
}

/** Windows at random places, every place as likely as any other. Throws DATA_EMPTY. */
export function randomWindows(
  sources: readonly TokenSource[],
  options: WindowSourceOptions & { readonly seed: number },
): BatchSource {
  const { context, batch, microRows, part, seed, hash } = options;
  const stretches = stretchesOf(sources, part).flatMap((one) =>
    Array.from({ length: one.source.repeat }, () => one),
  );
  // a window needs a target behind its last row
  const places = stretches.map(({ tokens }) => Math.max(0, tokens - context));
  const total = places.reduce((sum, count) => sum + count, 0);
  if (total === 0) throw tooShort(sources, context);
  const windowAt = (place: number): Example => {
    let rest = place;
    let at = 0;
    while (rest >= (places[at] as number)) rest -= places[at++] as number;
    const { source, from } = stretches[at] as Stretch;
    return source.file.read(from + rest, context + 1);
  };
  return {
    context,
    stepsPerEpoch: undefined,
    hash,
    step(step: number): readonly Batch[] {
      const windows = Array.from({ length: batch }, (_, index) =>
        windowAt(Math.floor(drawWindow(seed, step, index) * total)),
      );
      return layOutWithin(windows, Math.max(microRows, context));
    },
  };
}

/** Windows side by side: every token but the first of each source is a target once. Throws DATA_EMPTY. */
export function consecutiveWindows(
  sources: readonly TokenSource[],
  { context, batch, microRows, part, hash }: WindowSourceOptions,
): BatchSource {
  const windows: Stretch[] = [];
  for (const { source, from, tokens } of stretchesOf(sources, part)) {
    for (let at = 0; at + 1 < tokens; at += context) {
      windows.push({ source, from: from + at, tokens: Math.min(context + 1, tokens - at) });
    }
  }
  if (windows.length === 0) throw tooShort(sources, 1);
  return {
    context,
    stepsPerEpoch: Math.ceil(windows.length / batch),
    hash,
    step(step: number): readonly Batch[] {
      const some = windows.slice(step * batch, (step + 1) * batch);
      const read = some.map(({ source, from, tokens }) => source.file.read(from, tokens));
      return layOutWithin(read, Math.max(microRows, context));
    },
  };
}

function stretchesOf(sources: readonly TokenSource[], part: Part): Stretch[] {
  return sources.map((source) => {
    const [from, until] = rangeOf(source.file.facts.tokens, part);
    return { source, from, tokens: until - from };
  });
}

function tooShort(sources: readonly TokenSource[], context: number): Error {
  return errors.DATA_EMPTY({
    path: sources.map(({ path }) => path).join(', '),
    reason: `it has no stretch of ${context + 1} tokens`,
  });
}
