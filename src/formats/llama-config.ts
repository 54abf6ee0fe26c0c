// The shape of a Llama, whatever file it came from. Each format fills it in; the model reads it.

/** How positions are stretched beyond the trained context. `none` is plain RoPE. */
export type RopeScaling =
  | { readonly kind: 'none' }
  /** Positions divided by `factor` (arXiv 2306.15595). */
  | { readonly kind: 'linear'; readonly factor: number }
  /** Fixed NTK-aware base: theta * factor^(d/(d-2)). */
  | { readonly kind: 'ntk'; readonly factor: number }
  /** NTK base that grows with the sequence beyond `originalContext`. */
  | { readonly kind: 'dynamic'; readonly factor: number; readonly originalContext: number }
  /** arXiv 2309.00071; `attentionFactor` absent means 0.1 ln(factor) + 1. */
  | {
      readonly kind: 'yarn';
      readonly factor: number;
      readonly originalContext: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      readonly attentionFactor?: number;
    }
  /** Llama 3.1's wavelength ramp. */
  | {
      readonly kind: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalContext: number;
    }
  /** Frequencies divided one by one, as llama.cpp stores Llama 3's scaling (`rope_freqs.weight`), length headDim/2. */
  | { readonly kind: 'factors'; readonly factors: readonly number[] };

/** Everything the forward pass needs to know besides weights. */
export interface LlamaConfig {
  readonly vocab: number;
  readonly dim: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly feedForward: number;
  readonly normEps: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling;
  /** Longest sequence the model was made for, in tokens (scaling included). */
  readonly context: number;
  /** Attention looks back at most this many tokens (Mistral); absent: all of them. */
  readonly slidingWindow?: number;
  /** The output matrix is the embedding. */
  readonly tiedEmbeddings: boolean;
}
