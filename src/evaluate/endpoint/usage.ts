// What an endpoint costs: counted as it says, and estimated before anything is asked.
import type { ModelRequest } from '../request.ts';

/** Prices in any currency, per million tokens. */
export interface EndpointPrices {
  readonly inputPerMillion: number;
  readonly outputPerMillion: number;
}

/** What was used. */
export interface EndpointUsage {
  readonly requests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Absent without prices. */
  readonly cost?: number;
}

/** What will be used, as far as can be known before: answers may be shorter than they are allowed to be. */
export interface CostEstimate {
  readonly requests: number;
  readonly inputTokens: number;
  readonly outputTokensAtMost: number;
  /** Where input tokens were not counted by the model's tokenizer but guessed from the texts' lengths. */
  readonly isGuess: boolean;
  /** Absent without prices. */
  readonly costAtMost?: number;
}

// English in the vocabularies of today; 3 keeps the guess on the safe side.
const charactersPerToken = 3;

/** The cost at these prices. */
export function costOf(
  { inputTokens, outputTokens }: { readonly inputTokens: number; readonly outputTokens: number },
  { inputPerMillion, outputPerMillion }: EndpointPrices,
): number {
  return (inputTokens * inputPerMillion + outputTokens * outputPerMillion) / 1e6;
}

/** Adds up requests; `countTokens` is the model's own tokenizer, where it is known. */
export function estimateCost(
  requests: readonly ModelRequest[],
  options: {
    readonly prices?: EndpointPrices;
    readonly countTokens?: (text: string) => number;
  },
): CostEstimate {
  const { prices, countTokens } = options;
  const count =
    countTokens ?? ((text: string): number => Math.ceil(text.length / charactersPerToken));
  let inputTokens = 0;
  let outputTokensAtMost = 0;
  for (const request of requests) {
    if (request.kind === 'rolling') inputTokens += count(request.text);
    else if (request.kind === 'generate') inputTokens += count(request.context);
    else inputTokens += count(request.context + request.continuation);
    // Scoring writes one token that nobody reads.
    outputTokensAtMost += request.kind === 'generate' ? request.maxTokens : 1;
  }
  const estimate = {
    requests: requests.length,
    inputTokens,
    outputTokensAtMost,
    isGuess: countTokens === undefined,
  };
  if (prices === undefined) return estimate;
  return {
    ...estimate,
    costAtMost: costOf({ inputTokens, outputTokens: outputTokensAtMost }, prices),
  };
}
