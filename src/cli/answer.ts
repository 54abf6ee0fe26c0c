// One answer from a loaded model: streamed to stdout as text, or whole as JSON.
import { forTerminal, type Io, write } from './io.ts';
import type { AnswerStream, GenerationResult, LoadedModel } from './library.ts';

/** The object that --json prints. */
export function describeResult(result: GenerationResult): Record<string, unknown> {
  const { text, tokens, promptTokens, finishReason, logprobs, timing } = result;
  return {
    text,
    tokens: [...tokens],
    promptTokens,
    finishReason,
    ...(logprobs === undefined ? {} : { logprobs }),
    timing: { ...timing },
  };
}

/** Streams an answer to stdout. A terminal gets a line end at last; a pipe gets the very text. */
export async function streamAnswer(answer: AnswerStream, io: Io): Promise<GenerationResult> {
  let last = '\n';
  for await (const piece of answer) {
    if (piece === '') continue;
    last = piece;
    await write(io, io.isTerminal.stdout ? forTerminal(piece) : piece);
  }
  if (io.isTerminal.stdout && !last.endsWith('\n')) await write(io, '\n');
  return answer.result();
}

/** Speeds, for --verbose. */
export function describeSpeed(result: GenerationResult, model: LoadedModel): string {
  const { loadSeconds, prefillTokensPerSecond, decodeTokensPerSecond } = result.timing;
  const { draftedTokens, acceptedTokens } = result.timing;
  const { name, isa, threads } = model.device;
  return [
    `${result.promptTokens} tokens read at ${prefillTokensPerSecond.toFixed(1)}/s`,
    `${result.tokens.length} written at ${decodeTokensPerSecond.toFixed(1)}/s`,
    ...(draftedTokens > 0 ? [`${acceptedTokens} of ${draftedTokens} guesses right`] : []),
    `loaded in ${loadSeconds.toFixed(2)} s`,
    `${name} (${isa}, ${threads} threads)`,
  ].join(', ');
}
