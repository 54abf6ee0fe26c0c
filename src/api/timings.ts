// How long an answer took, under the names that llama.cpp's server made known.
import type { AnswerTally } from './start-answer.ts';

/** Times in milliseconds, counts in tokens. */
export function timingsOf(tally: AnswerTally): object {
  const { promptTokens, cachedTokens, completionTokens, totalMs } = tally;
  const { draftedTokens, acceptedTokens } = tally;
  const promptMs = tally.firstTokenMs ?? totalMs;
  const predictedMs = totalMs - promptMs;
  const later = Math.max(0, completionTokens - 1);
  return {
    prompt_n: promptTokens - cachedTokens,
    prompt_ms: round(promptMs),
    predicted_n: completionTokens,
    predicted_ms: round(predictedMs),
    predicted_per_second: predictedMs > 0 ? round((later * 1000) / predictedMs) : 0,
    cached_tokens: cachedTokens,
    // Where nothing was guessed ahead llama.cpp leaves them out, too.
    ...(draftedTokens > 0 ? { draft_n: draftedTokens, draft_n_accepted: acceptedTokens } : {}),
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
