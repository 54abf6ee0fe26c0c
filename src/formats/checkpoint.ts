// What a file of weights gives, whatever its format. Tensors are read lazily.
// Tensor names are GGUF's for the llama architecture; q and k rows are in Meta's interleaved RoPE
// order (pairs 2i, 2i + 1), as in GGUF and Meta's files: Hugging Face files are permuted while read.
import type { DType } from '../tensor/dtype.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { LlamaConfig } from './llama-config.ts';

/** Which family of files a checkpoint came from. */
export type CheckpointFormat = 'gguf' | 'safetensors' | 'meta' | 'torchtune' | 'llama2c';

/** One named tensor. `shape` is row-major, last axis fastest: a matrix is [rows, columns]. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: number;
}

/** A tensor's bytes where they lie in a file as they are: what a device can memory-map. */
export interface Region {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

/** Sampling defaults the model's authors ship. */
export interface GenerationDefaults {
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly repetitionPenalty?: number;
  /** Ids that end an answer. */
  readonly endTokens: readonly number[];
}

/** An open checkpoint. Close it when its tensors have been read or mapped. */
export interface Checkpoint {
  readonly format: CheckpointFormat;
  /** The path it was opened with. */
  readonly path: string;
  /** Every file that belongs to it. */
  readonly files: readonly string[];
  readonly name: string;
  readonly config: LlamaConfig;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The tokenizer in the file or beside it, if there is one. Built on first use. */
  tokenizer(): Promise<Tokenizer | undefined>;
  /** Jinja source of the chat template, if the file has one. */
  readonly chatTemplate: string | undefined;
  readonly generation: GenerationDefaults;
  readonly licence: string | undefined;
  /** Bytes [offset, offset + length) of a tensor's row-major data. Throws TENSOR_MISSING for an unknown name. */
  read(name: string, offset: number, length: number): Promise<Uint8Array>;
  /** Where the tensor lies unchanged in one file; undefined when it must be read (sharded, permuted). */
  region(name: string): Region | undefined;
  close(): Promise<void>;
}

/** Names of the tensors of a Llama, for one layer or for the whole. */
export const tensorNames = {
  embedding: 'token_embd.weight',
  outputNorm: 'output_norm.weight',
  output: 'output.weight',
  attentionNorm: (layer: number): string => `blk.${layer}.attn_norm.weight`,
  q: (layer: number): string => `blk.${layer}.attn_q.weight`,
  k: (layer: number): string => `blk.${layer}.attn_k.weight`,
  v: (layer: number): string => `blk.${layer}.attn_v.weight`,
  attentionOutput: (layer: number): string => `blk.${layer}.attn_output.weight`,
  feedForwardNorm: (layer: number): string => `blk.${layer}.ffn_norm.weight`,
  gate: (layer: number): string => `blk.${layer}.ffn_gate.weight`,
  up: (layer: number): string => `blk.${layer}.ffn_up.weight`,
  down: (layer: number): string => `blk.${layer}.ffn_down.weight`,
} as const;
