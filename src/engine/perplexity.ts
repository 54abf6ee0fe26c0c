// Perplexity of a text that may be longer than the context. Windows are BOS and the next
// (context − 1) tokens; without a stride they are disjoint, with one they slide and each token is
// scored once, in the first window that reaches it.
import { errors } from '../base/errors.ts';
import type { OnProgress } from '../base/progress.ts';
import type { TokenId } from '../tokenizer/tokenizer.ts';
import type { Engine } from './engine.ts';

// Windows in flight at once: they share steps.
const windowsAtOnce = 4;

/** How surprised a model is by a text. */
export interface Perplexity {
  /** Tokens scored, BOS not among them. */
  readonly tokens: number;
  /** e to the mean negative log-probability. */
  readonly perplexity: number;
  /** Bits needed per byte of UTF-8. */
  readonly bitsPerByte: number;
}

/** What perplexity is measured on. */
export interface PerplexityRequest {
  /** The whole text's tokens, without BOS. */
  readonly tokens: readonly TokenId[];
  readonly bos: TokenId;
  /** Bytes of the text in UTF-8. */
  readonly bytes: number;
  /** Tokens between the starts of two windows, 1 to context − 1. Default context − 1. */
  readonly stride?: number;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

interface Window {
  readonly start: number;
  readonly end: number;
  /** First token not scored by an earlier window. */
  readonly from: number;
}

function windowsOf(count: number, size: number, stride: number): Window[] {
  const windows: Window[] = [];
  for (let start = 0, scored = 0; scored < count; start += stride) {
    const end = Math.min(start + size, count);
    windows.push({ start, end, from: scored });
    scored = end;
  }
  return windows;
}

/** Measures perplexity. Throws OPTION_INVALID for a stride or an empty text, ABORTED by the signal. */
export async function measurePerplexity(
  engine: Engine,
  request: PerplexityRequest,
): Promise<Perplexity> {
  const { tokens, bos, bytes, onProgress, signal } = request;
  const size = engine.context - 1;
  if (size < 1) {
    throw errors.OPTION_INVALID({
      option: 'context',
      found: String(engine.context),
      allowed: 'at least 2 tokens: BOS and one to score',
    });
  }
  const { stride = size } = request;
  if (!(Number.isInteger(stride) && stride >= 1 && stride <= size)) {
    throw errors.OPTION_INVALID({
      option: 'stride',
      found: String(stride),
      allowed: `an integer from 1 to ${size}, the context less one`,
    });
  }
  if (tokens.length === 0) {
    throw errors.OPTION_INVALID({ option: 'text', found: 'empty', allowed: 'at least one token' });
  }
  const windows = windowsOf(tokens.length, size, stride);
  const sums = new Float64Array(windows.length);
  let next = 0;
  let failed = false;
  let done = 0;
  const work = async (): Promise<void> => {
    while (next < windows.length && !failed) {
      const index = next++;
      const { start, end, from } = windows[index] as Window;
      const { logprobs } = await engine.score([bos, ...tokens.slice(start, end)], {
        from: from - start + 1,
        ...(signal === undefined ? {} : { signal }),
      });
      sums[index] = logprobs.reduce((total, logprob) => total + logprob, 0);
      done += end - from;
      onProgress?.({ task: 'Scoring', done, total: tokens.length, unit: 'tokens' });
    }
  };
  const noteFailure = (error: unknown): never => {
    failed = true;
    throw error;
  };
  await Promise.all(Array.from({ length: windowsAtOnce }, () => work().catch(noteFailure)));
  const nats = -sums.reduce((total, sum) => total + sum, 0);
  return {
    tokens: tokens.length,
    perplexity: Math.exp(nats / tokens.length),
    bitsPerByte: nats / Math.LN2 / bytes,
  };
}
