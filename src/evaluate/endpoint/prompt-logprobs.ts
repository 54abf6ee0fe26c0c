// Log-probabilities of a prompt's end out of a completion that echoes its prompt, as OpenAI's completions
// endpoint and vLLM write them. What does not fit together is refused: a server that ignores `echo` would
// otherwise look like a model that guesses.
import { z } from 'zod';
import { present } from '../../base/invariant.ts';

/** A completion that echoes its prompt: the part that scoring reads. */
export interface EchoedCompletion {
  readonly choices: readonly {
    readonly text: string;
    readonly logprobs: {
      readonly tokens: readonly string[];
      readonly token_logprobs: readonly (number | null)[];
      readonly top_logprobs?:
        | readonly (Readonly<Record<string, number>> | null)[]
        | null
        | undefined;
      readonly text_offset: readonly number[];
    };
  }[];
  readonly usage?: EndpointUsageFields;
}

/** Tokens as endpoints count them. */
export type EndpointUsageFields =
  | { readonly prompt_tokens: number; readonly completion_tokens?: number | null | undefined }
  | null
  | undefined;

/** Checks tokens as endpoints count them. */
export const usageFields: z.ZodType<EndpointUsageFields> = z
  .object({ prompt_tokens: z.number(), completion_tokens: z.number().nullish() })
  .nullish();

/** Checks a completion that echoes its prompt. */
export const echoedCompletion: z.ZodType<EchoedCompletion> = z.object({
  choices: z
    .array(
      z.object({
        text: z.string(),
        logprobs: z.object({
          tokens: z.array(z.string()),
          token_logprobs: z.array(z.number().nullable()),
          top_logprobs: z.array(z.record(z.string(), z.number()).nullable()).nullish(),
          text_offset: z.array(z.number()),
        }),
      }),
    )
    .length(1),
  usage: usageFields,
});

/** How likely a prompt's end is. */
export interface PromptScore {
  readonly logprob: number;
  readonly greedy: boolean;
  /** Tokens of the whole prompt. */
  readonly tokens: number;
}

/** The score of tokens[from] to the end of a prompt of `count` ids; or what is wrong with the answer. */
export function scoreIds(
  completion: EchoedCompletion,
  { from, count }: { readonly from: number; readonly count: number },
): PromptScore | string {
  const { logprobs } = only(completion);
  const { length } = logprobs.tokens;
  // The prompt's, and one that was written.
  if (length < count || length > count + 1) return `${length} tokens for a prompt of ${count}`;
  return score(completion, { from, until: count });
}

/** The score of a prompt's last `continuation`, found by the offsets of its tokens; or what is wrong. */
export function scoreText(
  completion: EchoedCompletion,
  { context, continuation }: { readonly context: string; readonly continuation: string },
): PromptScore | string {
  const { text, logprobs } = only(completion);
  const { tokens, text_offset: offsets } = logprobs;
  const prompt = context + continuation;
  const last = tokens.at(-1);
  if (!text.startsWith(prompt)) return 'a text that does not begin with the prompt';
  if (last === undefined || offsets.length !== tokens.length) return 'offsets for other tokens';
  // One token was written. When it has no text, it may be missing, too.
  const isWritten = text.length > prompt.length || last === '' || !prompt.endsWith(last);
  const until = tokens.length - Number(isWritten);
  const endOf = (index: number): number =>
    offsets[index + 1] ?? (offsets[index] ?? 0) + lengthOf(tokens[index] ?? '');
  // Counted from the end: servers differ in what they put before a text, and in how long that is.
  const boundary = endOf(until - 1) - lengthOf(continuation);
  // A token that reaches over the boundary belongs to the continuation, whose beginning it holds.
  const from = offsets.findIndex((_, index) => endOf(index) > boundary);
  return score(completion, { from, until });
}

function score(
  completion: EchoedCompletion,
  { from, until }: { readonly from: number; readonly until: number },
): PromptScore | string {
  const { logprobs } = only(completion);
  if (from < 0 || from >= until) return 'no tokens for the continuation';
  let logprob = 0;
  let greedy = true;
  for (let index = from; index < until; index++) {
    const own = logprobs.token_logprobs[index];
    if (own === null || own === undefined) return 'tokens of the prompt without log-probability';
    const top = Object.values(logprobs.top_logprobs?.[index] ?? {});
    logprob += own;
    greedy &&= top.length > 0 && own >= Math.max(...top);
  }
  return { logprob, greedy, tokens: until };
}

function only({ choices }: EchoedCompletion): EchoedCompletion['choices'][number] {
  return present(choices[0], 'choice');
}

// Offsets count characters as Python does: code points.
function lengthOf(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
