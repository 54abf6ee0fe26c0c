// Where the tokens of an answer lie in its text, which tokens make a word, and what branching at one of them keeps.
// Offsets are UTF-16 units of the answer's markdown source.
import type { Alternative, AnswerToken, AssistantMessage } from '../conversation/message.ts';

/** A token's place in the text. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

/** Tokens that make a word, [from, to), and the word's probability. */
export interface Word {
  readonly from: number;
  readonly to: number;
  readonly text: string;
  readonly probability: number;
}

type Answer = Pick<AssistantMessage, 'text' | 'tokens' | 'tokensFrom'>;

/**
 * Places of the tokens that are in the text; shorter than the tokens where a stop string took some back. A tokenizer's
 * leading space may be missing from an answer's text: then the first token is placed without it.
 */
export function placeTokens({ text, tokens, tokensFrom }: Answer): Place[] {
  const places: Place[] = [];
  let start = tokensFrom;
  for (const token of tokens) {
    const piece = start === 0 && !text.startsWith(token.text) ? token.text.trimStart() : token.text;
    if (!text.startsWith(piece, start)) break;
    places.push({ start, end: start + piece.length });
    start += piece.length;
  }
  return places;
}

/** Index of the token that holds the character at `offset`, by bisection; -1 where none does. */
export function tokenAt(places: readonly Place[], offset: number): number {
  let [low, high] = [0, places.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const { start, end } = places[middle] as Place;
    if (offset < start) high = middle - 1;
    else if (offset >= end) low = middle + 1;
    else return middle;
  }
  return -1;
}

/** The word a token is part of: letters and digits on both sides without a break. */
export function wordAround(tokens: readonly AnswerToken[], index: number): Word {
  const joins = (left: number): boolean => {
    const [a, b] = [tokens[left]?.text, tokens[left + 1]?.text];
    if (a === undefined || b === undefined) return false;
    return a === '' || b === '' || (/[\p{L}\p{N}\p{M}]$/u.test(a) && /^[\p{L}\p{N}\p{M}]/u.test(b));
  };
  let [from, to] = [index, index + 1];
  while (joins(from - 1)) from--;
  while (joins(to - 1)) to++;
  const parts = tokens.slice(from, to);
  const logprob = parts.reduce((sum, part) => sum + part.logprob, 0);
  const text = parts.map((part) => part.text).join('');
  return { from, to, text: text.trim(), probability: Math.exp(logprob) };
}

/** The beginning of an answer that goes on from an alternative. */
export interface Branch {
  readonly text: string;
  readonly tokens: readonly AnswerToken[];
  readonly tokensFrom: number;
}

/** An answer up to token `index`, with the alternative in its place (nothing if that ends the answer). */
export function branchAt(answer: Answer, index: number, alternative: Alternative): Branch {
  const { text, tokens, tokensFrom } = answer;
  const start = placeTokens(answer)[index]?.start ?? text.length;
  const isFirst = start === 0 && !text.startsWith(' ');
  const piece = isFirst ? alternative.text.trimStart() : alternative.text;
  const replaced = tokens[index]?.alternatives ?? [];
  const token: AnswerToken = { ...alternative, alternatives: replaced, chosen: true };
  const before = tokens.slice(0, index);
  return {
    text: text.slice(0, start) + piece,
    tokens: alternative.ends === true ? before : [...before, token],
    tokensFrom,
  };
}

/** Can an answer go on (or end) with this alternative? Not with a part of a character, nor with what was said already. */
export function canBranch(token: AnswerToken, alternative: Alternative): boolean {
  if (token.text === '') return false;
  return alternative.ends === true || (alternative.text !== '' && alternative.text !== token.text);
}

/** An answer as far as its tokens may be added to: without those that a stop string took back, or without any. */
export function readyToContinue<T extends Answer>(answer: T): T {
  const places = placeTokens(answer);
  const end = places.at(-1)?.end ?? answer.tokensFrom;
  return end === answer.text.length
    ? { ...answer, tokens: answer.tokens.slice(0, places.length) }
    : { ...answer, tokens: [], tokensFrom: answer.text.length };
}
