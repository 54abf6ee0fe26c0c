// What a task asks of a model, and what comes back: the three kinds of request every benchmark is made
// of. Plain data; knows neither tasks nor models.

/** How likely is `continuation` after `context`? Texts as the task renders them; tokens are the model's affair. */
export interface LoglikelihoodRequest {
  readonly kind: 'loglikelihood';
  readonly context: string;
  readonly continuation: string;
}

/** How likely is a whole text, in disjoint windows of the model's context? */
export interface RollingRequest {
  readonly kind: 'rolling';
  readonly text: string;
}

/** What does the model write after `context`? */
export interface GenerateRequest {
  readonly kind: 'generate';
  readonly context: string;
  /** Strings that end the answer; they are not part of it. */
  readonly until: readonly string[];
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP: number;
  /** Tells repeated samples of one context apart; the answer is a function of it. */
  readonly seed: number;
}

/** One question to a model. */
export type ModelRequest = LoglikelihoodRequest | RollingRequest | GenerateRequest;

/** Name of a kind of request. */
export type RequestKind = ModelRequest['kind'];

/** The sum of the continuation's log-probabilities. */
export interface LoglikelihoodResponse {
  readonly kind: 'loglikelihood';
  readonly logprob: number;
  /** Was each token of the continuation the likeliest? */
  readonly greedy: boolean;
  /** Tokens of context and continuation, as asked. */
  readonly tokens: number;
  /** Tokens cut off on the left because the context was too short for them. */
  readonly cut: number;
}

/** The sum of all tokens' log-probabilities. */
export interface RollingResponse {
  readonly kind: 'rolling';
  readonly logprob: number;
  readonly tokens: number;
}

/** What the model wrote. */
export interface GenerateResponse {
  readonly kind: 'generate';
  readonly text: string;
  readonly promptTokens: number;
  readonly tokens: number;
  readonly finish: 'stop' | 'length';
  readonly cut: number;
}

/** The answer to a request, of the same kind. */
export type ModelResponse = LoglikelihoodResponse | RollingResponse | GenerateResponse;
