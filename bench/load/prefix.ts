// What the prefix cache saves: the time to the first token after a preamble that nobody asked before, and
// after the same preamble with another question.
import { median } from './statistics.ts';
import { makePrompt, type Target } from './target.ts';

const preambleTokens = 1000;
const questionTokens = 16;

/** Medians over several preambles, in milliseconds. */
export interface PrefixResult {
  readonly preambles: number;
  readonly firstMs: number;
  readonly secondMs: number;
  /** second / first */
  readonly ratio: number;
}

/** Asks twice after each of `preambles` preambles; nobody else may ask meanwhile. */
export async function measurePrefix(
  target: Target,
  { preambles, vocab }: { readonly preambles: number; readonly vocab: number },
): Promise<PrefixResult> {
  const pairs: { first: number; second: number }[] = [];
  for (let index = 0; index < preambles; index++) {
    const preamble = makePrompt(1_000_000 + index, preambleTokens, vocab);
    const question = (salt: number): number[] =>
      makePrompt(2_000_000 + 2 * index + salt, questionTokens + 1, vocab).slice(1);
    const first = await timeFirstToken(target, [...preamble, ...question(0)]);
    const second = await timeFirstToken(target, [...preamble, ...question(1)]);
    pairs.push({ first, second });
  }
  const firstMs = median(pairs.map(({ first }) => first));
  const secondMs = median(pairs.map(({ second }) => second));
  const ratio = median(pairs.map(({ first, second }) => second / first));
  return { preambles, firstMs, secondMs, ratio };
}

async function timeFirstToken(target: Target, prompt: readonly number[]): Promise<number> {
  const askedAt = performance.now();
  let firstAt = Number.NaN;
  const onToken = (): void => {
    firstAt = performance.now();
  };
  await target.ask({ prompt, count: 1, signal: new AbortController().signal, onToken });
  return firstAt - askedAt;
}
