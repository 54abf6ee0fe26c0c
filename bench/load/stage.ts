// One stage of load: so many clients who ask again as soon as they were answered, perhaps a long prompt now and
// then, and what the clients saw. Measuring begins when every client has had its first token.
import { setTimeout as sleep } from 'node:timers/promises';
import { median, quantile } from './statistics.ts';
import { makePrompt, type Target } from './target.ts';

/** What the clients do. */
export interface StageOptions {
  readonly streams: number;
  readonly seconds: number;
  /** Every so many seconds a prompt of `longPrompt` tokens comes, too. Default: never. */
  readonly promptEverySeconds?: number;
  readonly vocab: number;
}

/** What they saw. Times in milliseconds. */
export interface StageResult {
  readonly target: string;
  readonly streams: number;
  readonly longPrompts: number;
  /** Of all streams together; answers to long prompts do not count. */
  readonly tokensPerSecond: number;
  /** Between two tokens of one answer. */
  readonly gapMs: { readonly median: number; readonly p99: number; readonly max: number };
  /** From request to first token, of the streams and of the long prompts. */
  readonly firstTokenMs: { readonly median: number; readonly max: number };
  readonly longFirstTokenMs: { readonly median: number; readonly max: number };
  readonly failures: readonly string[];
}

/** Tokens of the prompts that streams begin with, of their answers, and of prompts that come in between. */
export const lengths = { prompt: 32, answer: 512, longPrompt: 1000, longAnswer: 16 } as const;

interface Answer {
  readonly askedAt: number;
  readonly tokensAt: number[];
}

// No two prompts of a run begin alike.
let salt = 0;

/** Loads the target for `seconds`. */
export async function runStage(target: Target, options: StageOptions): Promise<StageResult> {
  const { streams, seconds, promptEverySeconds, vocab } = options;
  const end = new AbortController();
  const failures: string[] = [];
  const ask = async (length: number, count: number, onFirst?: () => void): Promise<Answer> => {
    const answer: Answer = { askedAt: performance.now(), tokensAt: [] };
    const onToken = (): void => {
      answer.tokensAt.push(performance.now());
      if (answer.tokensAt.length === 1) onFirst?.();
    };
    const prompt = makePrompt(salt++, length, vocab);
    await target.ask({ prompt, count, signal: end.signal, onToken }).catch((error: unknown) => {
      failures.push(String(error));
    });
    return answer;
  };
  const answers: Answer[] = [];
  const first = Array.from({ length: streams }, () => Promise.withResolvers<void>());
  const clients = first.map(async ({ resolve }) => {
    while (!end.signal.aborted && failures.length < 100) {
      answers.push(await ask(lengths.prompt, lengths.answer, resolve));
      resolve();
    }
  });
  await Promise.all(first.map(({ promise }) => promise));
  const from = performance.now();
  const long: Promise<Answer>[] = [];
  const send = (): void => {
    long.push(ask(lengths.longPrompt, lengths.longAnswer));
  };
  if (promptEverySeconds !== undefined) send();
  const timer = promptEverySeconds !== undefined && setInterval(send, promptEverySeconds * 1000);
  await sleep(seconds * 1000);
  const to = performance.now();
  if (timer !== false) clearInterval(timer);
  end.abort();
  await Promise.all(clients);
  const longAnswers = await Promise.all(long);
  return {
    target: target.name,
    streams,
    longPrompts: long.length,
    ...seen(answers, { from, to }),
    firstTokenMs: firstTokens(answers),
    longFirstTokenMs: firstTokens(longAnswers),
    failures,
  };
}

function seen(
  answers: readonly Answer[],
  { from, to }: { readonly from: number; readonly to: number },
): Pick<StageResult, 'tokensPerSecond' | 'gapMs'> {
  const isSeen = (at: number): boolean => at > from && at <= to;
  const tokens = answers.reduce((sum, { tokensAt }) => sum + tokensAt.filter(isSeen).length, 0);
  const gaps = answers.flatMap(({ tokensAt }) =>
    tokensAt.flatMap((at, index) => {
      const before = tokensAt[index - 1];
      return before !== undefined && isSeen(at) ? [at - before] : [];
    }),
  );
  return {
    tokensPerSecond: (1000 * tokens) / (to - from),
    gapMs: { median: median(gaps), p99: quantile(gaps, 0.99), max: quantile(gaps, 1) },
  };
}

function firstTokens(answers: readonly Answer[]): { median: number; max: number } {
  const waits = answers.flatMap(({ askedAt, tokensAt }) =>
    tokensAt[0] === undefined ? [] : [tokensAt[0] - askedAt],
  );
  return { median: median(waits), max: quantile(waits, 1) };
}
