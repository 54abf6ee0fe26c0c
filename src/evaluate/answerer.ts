// Who answers requests: Corral's own engine, or a model behind an OpenAI-compatible endpoint. The rest
// of the room sees only this.
import type { OnProgress } from '../base/progress.ts';
import type { ChatMessage } from '../tokenizer/chat-message.ts';
import type { ModelRequest, ModelResponse, RequestKind } from './request.ts';

/** What a result says about the model it belongs to. Everything here is written into the results. */
export interface ModelDescription {
  readonly name: string;
  /** `corral` or `openai`. */
  readonly source: string;
  /** Path or base URL. */
  readonly location: string;
  /** sha256 of the weights (of the files, in order); null behind an endpoint. */
  readonly sha256: string | null;
  /** Such as `q4_0` or `q4_k_m`: the type most weights have; null when unknown. */
  readonly quantisation: string | null;
  readonly parameters: number | null;
  /** sha256 of the chat template in use, null where none is applied. */
  readonly chatTemplateSha256: string | null;
  readonly chatTemplate: string | null;
  /** `always`, `never`, or `template` when the chat template writes it itself. */
  readonly bosPolicy: 'always' | 'never' | 'template' | 'unknown';
  /** Longest sequence in tokens. */
  readonly maxLength: number | null;
  /** What computes and how exactly, such as `cpu avx512, f16 cache`: answers belong to it. */
  readonly device: string | null;
  readonly bosToken: string | null;
  readonly eosToken: string | null;
}

/** What requests cost that were answered, in tokens: a function of requests and answers alone. */
export interface AnswerCost {
  /**
   * What a run from the first request to the last computes: shared beginnings once, all choices of one
   * token from one pass. Behind an endpoint, the tokens it counted.
   */
  readonly plannedTokens: number;
  /** What a run computes that shares nothing and asks once per choice. */
  readonly naiveTokens: number;
}

/** What one call computed for the requests that had no answer yet. Resumed, nothing shared is left from before. */
export interface AnswerReport extends AnswerCost {
  readonly computedTokens: number;
}

/** How requests are answered. */
export interface AnswerOptions {
  readonly signal?: AbortSignal;
  /** Answers known from before, by index of the request: these are counted, not asked. */
  readonly known?: readonly (ModelResponse | undefined)[];
  /** Whose request it is, for errors, such as `item 3 of hellaswag`. Default: the number of the request. */
  readonly describe?: (index: number) => string;
  /** Called once per request without a known answer, in any order, as soon as its answer is there. */
  readonly onAnswer: (index: number, response: ModelResponse) => void;
  /** In tokens that must be computed, not in requests: the time left that it suggests is honest. */
  readonly onProgress?: OnProgress;
}

/** A model that answers requests. */
export interface Answerer extends AsyncDisposable {
  readonly description: ModelDescription;
  /** Why this kind of request, with answers of up to `maxTokens`, cannot be answered; undefined where it can. */
  refusal(kind: RequestKind, maxTokens?: number): string | undefined;
  /** A conversation as the model's chat template writes it, without a second BOS. Throws CHAT_TEMPLATE_MISSING. */
  renderChat(messages: readonly ChatMessage[]): string;
  /** Answers all; the order of work is its own affair, and the same requests give the same answers. */
  answer(requests: readonly ModelRequest[], options: AnswerOptions): Promise<AnswerReport>;
  close(): Promise<void>;
}
