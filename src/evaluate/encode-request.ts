// Requests as tokens, cut where lm-evaluation-harness 0.4.13 cuts them (lm_eval/api/model.py, _encode_pair, and
// lm_eval/utils.py, get_rolling_token_windows): the same tokens, the same split, the same windows.
import { CorralError } from '../base/define-errors.ts';
import { errors } from '../base/errors.ts';
import type { TokenId, Tokenizer } from '../tokenizer/tokenizer.ts';

/** Tokens whose tail is scored: tokens[from] and all after it. */
export interface ScoredTokens {
  readonly tokens: readonly TokenId[];
  readonly from: number;
  /** Tokens cut off on the left because the context was too short for them. */
  readonly cut: number;
}

/** How texts become tokens. */
export interface RequestEncoding {
  readonly tokenizer: Tokenizer;
  /** Put BOS before texts that do not begin with it. */
  readonly bos: boolean;
  /** Read control strings as control tokens: for texts that a chat template wrote. */
  readonly control: 'plain' | 'parse';
}

// What Python's str.rstrip() takes off; JavaScript's trimEnd() has other characters.
// biome-ignore lint/suspicious/noControlCharactersInRegex: Python counts 0x1c to 0x1f as spaces
const trailingSpaces = /[\t-\r\x1c-\x1f\x85\u2028\u2029\p{Zs}]+$/u;

/** Encodes the requests of one model. */
export class RequestEncoder {
  readonly #encoding: RequestEncoding;
  // Choices of one question follow each other: their context is encoded once.
  #last: { readonly text: string; readonly ids: readonly TokenId[] } | undefined;

  constructor(encoding: RequestEncoding) {
    this.#encoding = encoding;
  }

  /** A text with the BOS that the policy wants, and never two. */
  encode(text: string): TokenId[] {
    const { tokenizer, bos, control } = this.#encoding;
    const ids = tokenizer.encode(text, { control });
    if (!bos || tokenizer.bos === undefined || ids[0] === tokenizer.bos) return ids;
    return [tokenizer.bos, ...ids];
  }

  /** What a text that has no context is conditioned on: BOS, else EOS. */
  prefixToken(): TokenId {
    const { bos, eos } = this.#encoding.tokenizer;
    const prefix = bos ?? eos;
    if (prefix !== undefined) return prefix;
    throw errors.OPTION_INVALID({
      option: 'context',
      found: 'empty',
      allowed: 'a text, since this tokenizer has neither BOS nor EOS to begin with',
    });
  }

  /**
   * Context and continuation in at most `maxLength` + 1 tokens, cut on the left: the last token is only scored
   * (lm_eval/models/huggingface.py, _loglikelihood_tokens, 0.4.13). Spaces at the end of the context belong to
   * the continuation. Throws OPTION_INVALID for a continuation of no tokens and CONTEXT_OVERFLOW for one of more
   * than `maxLength`, where an assertion ends the harness's run.
   */
  encodePair(
    request: { readonly context: string; readonly continuation: string },
    maxLength: number,
  ): ScoredTokens {
    const [context, continuation] = this.#split(request);
    if (continuation.length === 0) {
      throw errors.OPTION_INVALID({
        option: 'continuation',
        found: JSON.stringify(request.continuation),
        allowed: 'a text of at least one token after its context',
      });
    }
    if (continuation.length > maxLength) {
      throw errors.CONTEXT_OVERFLOW({ have: continuation.length, limit: maxLength });
    }
    const cut = Math.max(0, context.length + continuation.length - (maxLength + 1));
    const kept = [...context.slice(cut), ...continuation];
    return { tokens: kept, from: context.length - cut, cut };
  }

  /** Disjoint windows over a whole text, each with as much context as fits: all tokens are scored once. */
  encodeRolling(text: string, maxLength: number): ScoredTokens[] {
    const { tokenizer, control } = this.#encoding;
    const ids = tokenizer.encode(text, { control });
    return rollingWindows(ids, { prefix: this.prefixToken(), maxLength });
  }

  #split({
    context,
    continuation,
  }: {
    readonly context: string;
    readonly continuation: string;
  }): [readonly TokenId[], readonly TokenId[]] {
    if (context === '') return this.#withPrefix(continuation);
    const spaces = trailingSpaces.exec(context)?.[0] ?? '';
    const before = context.slice(0, context.length - spaces.length);
    const whole = this.encode(before + spaces + continuation);
    const ids = this.#encodeContext(before);
    if (ids.length === 0) return [[this.prefixToken()], whole];
    // The context keeps its own tokens even where the whole text would have merged its last one.
    return [ids, whole.slice(ids.length)];
  }

  #withPrefix(text: string): [readonly TokenId[], readonly TokenId[]] {
    const { tokenizer, control } = this.#encoding;
    const prefix = this.prefixToken();
    const ids = tokenizer.encode(text, { control });
    return [[prefix], ids[0] === prefix ? ids.slice(1) : ids];
  }

  #encodeContext(text: string): readonly TokenId[] {
    if (this.#last?.text !== text) this.#last = { text, ids: this.encode(text) };
    return this.#last.ids;
  }
}

/**
 * A prompt that leaves room for its answer: its last `maxLength` − `maxTokens` tokens, as the harness cuts
 * (lm_eval/models/huggingface.py, generate_until and tok_batch_encode, 0.4.13). Throws CONTEXT_OVERFLOW where no room is left for a prompt.
 */
export function truncatePrompt(
  tokens: readonly TokenId[],
  { maxTokens }: { readonly maxTokens: number },
  { maxLength, prefix }: { readonly maxLength: number; readonly prefix: () => TokenId },
): { readonly tokens: readonly TokenId[]; readonly cut: number } {
  const room = maxLength - maxTokens;
  if (room < 1) throw errors.CONTEXT_OVERFLOW({ have: maxTokens + 1, limit: maxLength });
  if (tokens.length === 0) return { tokens: [prefix()], cut: 0 };
  const cut = Math.max(0, tokens.length - room);
  return { tokens: tokens.slice(cut), cut };
}

/** What encoding threw as an error that says whose request it was; anything but a Corral error as it is. */
export function unanswerable(cause: unknown, item: string): unknown {
  if (!CorralError.isInstance(cause)) return cause;
  return errors.ITEM_UNANSWERABLE({ item, reason: cause.message }, { cause });
}

/** Windows as get_rolling_token_windows and make_disjoint_window give them with a context of one token. */
export function rollingWindows(
  tokens: readonly TokenId[],
  { prefix, maxLength }: { readonly prefix: TokenId; readonly maxLength: number },
): ScoredTokens[] {
  const windows: ScoredTokens[] = [];
  const all = [prefix, ...tokens];
  for (let scored = 0; scored < tokens.length; ) {
    const end = Math.min(scored + maxLength, tokens.length);
    // Positions count the prefix: all[i + 1] is tokens[i]. The last window reaches back for context.
    const start = Math.max(0, end - maxLength);
    windows.push({ tokens: all.slice(start, end + 1), from: scored + 1 - start, cut: 0 });
    scored = end;
  }
  return windows;
}
