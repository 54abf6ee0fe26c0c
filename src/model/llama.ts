// The Llama, written once (arXiv 2302.13971, 2307.09288): Llama 1 to 3, Code Llama, TinyLlama and
// Mistral-7B differ by config alone. Records ops; knows neither devices nor files nor sampling.
import { errors } from '../base/errors.ts';
import { present } from '../base/invariant.ts';
import { tensorNames } from '../formats/checkpoint.ts';
import type { LlamaConfig } from '../formats/llama-config.ts';
import { append, appendAll } from '../tensor/ops.ts';
import type { Attributes, ProgramBuilder, Value } from '../tensor/program.ts';
import { ropeScale } from './rope.ts';

/** The rows of a step: each is one token of some sequence at some position. */
export interface Rows {
  /** Token ids, i32 [rows]. */
  readonly tokens: Value;
  /** Place of each token in its sequence, i32 [rows]. */
  readonly positions: Value;
  /** Index of each row's sequence in this step, i32 [rows]. */
  readonly sequence: Value;
  /** Angles per position for each sequence, f32 [sequences, headDim / 2]. */
  readonly frequencies: Value;
  /** First row of each row's sequence, i32 [rows]: what a row attends where there is no cache. */
  readonly starts?: Value;
}

/** Where keys and values live: paged matrices, one pair a layer. */
export interface PagedCache {
  /** Tokens a page holds. */
  readonly pageSize: number;
  /** Tokens all pages hold together. */
  readonly slots: number;
  /** The slot each row is written to, i32 [rows]. */
  readonly rowSlots: Value;
  /** Pages of each sequence in order, i32 [sequences, pages]. */
  readonly pageTable: Value;
}

/** Reads or changes a value of the forward pass: records what it likes and returns what goes on. */
export type Tap = (builder: ProgramBuilder, value: Value) => Value;

/** Records a product with a named matrix [n, k] in its own way: an adapter. `plain` records it as it is. */
export type RecordLinear = (
  builder: ProgramBuilder,
  x: Value,
  weightName: string,
  n: number,
  k: number,
  plain: () => Value,
) => Value;

/** What a forward pass may be given. */
export interface ForwardOptions {
  /** Without one, rows attend each other, from `rows.starts`: training. */
  readonly cache?: PagedCache;
  /** Asked for every matrix of the blocks. */
  readonly linear?: RecordLinear;
  /** By name, as in TransformerLens; see tapNames. One that is not there costs nothing. */
  readonly taps?: ReadonlyMap<string, Tap>;
}

const blockTaps = [
  'hook_resid_pre', // [rows, dim]
  'attn.hook_q', // [rows, heads * headDim]
  'attn.hook_k', // [rows, kvHeads * headDim]
  'attn.hook_v', // [rows, kvHeads * headDim]
  'attn.hook_rot_q', // [rows, heads * headDim]
  'attn.hook_rot_k', // [rows, kvHeads * headDim]
  'attn.hook_z', // [rows, heads * headDim]
  'hook_attn_out', // [rows, dim]
  'hook_resid_mid', // [rows, dim]
  'mlp.hook_pre', // [rows, feedForward]: the gate before SiLU
  'mlp.hook_pre_linear', // [rows, feedForward]
  'mlp.hook_post', // [rows, feedForward]
  'hook_mlp_out', // [rows, dim]
  'hook_resid_post', // [rows, dim]
] as const;

/** Names of all places a tap can be put, in the order they are passed. */
export function tapNames(config: LlamaConfig): string[] {
  const blocks = Array.from({ length: config.layers }, (_, layer) =>
    blockTaps.map((name) => `blocks.${layer}.${name}`),
  );
  return ['hook_embed', ...blocks.flat()];
}

/** Names of a layer's cache state. */
export const cacheNames = {
  keys: (layer: number): string => `cache.${layer}.keys`,
  values: (layer: number): string => `cache.${layer}.values`,
} as const;

/** Records token ids → the last normalised hidden state, [rows, dim]. Throws TAP_UNKNOWN. */
export function forward(
  builder: ProgramBuilder,
  config: LlamaConfig,
  rows: Rows,
  options: ForwardOptions = {},
): Value {
  checkTaps(config, options.taps);
  const tap = (name: string, value: Value): Value =>
    options.taps?.get(name)?.(builder, value) ?? value;

  const table = builder.weight(tensorNames.embedding, [config.vocab, config.dim]);
  const angles = append(builder, 'rope_table', [rows.positions, rows.sequence, rows.frequencies], {
    scale: ropeScale(config),
  }); // [rows, headDim]

  let residual = tap('hook_embed', append(builder, 'embed', [table, rows.tokens])); // [rows, dim]
  for (let layer = 0; layer < config.layers; layer++) {
    const block: Block = {
      builder,
      config,
      layer,
      tap: (name, value) => tap(`blocks.${layer}.${name}`, value),
      linear: (x, name, n, k) => {
        const plain = () => append(builder, 'matmul', [x, builder.weight(name, [n, k])]);
        return options.linear?.(builder, x, name, n, k, plain) ?? plain();
      },
    };
    residual = block.tap('hook_resid_pre', residual);
    const attended = attend(block, residual, rows, angles, options.cache);
    residual = append(builder, 'add', [residual, block.tap('hook_attn_out', attended)]);
    residual = block.tap('hook_resid_mid', residual);
    const fed = feedForward(block, residual);
    residual = append(builder, 'add', [residual, block.tap('hook_mlp_out', fed)]);
    residual = block.tap('hook_resid_post', residual);
  }
  return normalise(builder, config, residual, tensorNames.outputNorm);
}

/** Records hidden states → logits over the vocabulary, [outputs, vocab]. Tied embeddings share the table. */
export function logitsHead(builder: ProgramBuilder, config: LlamaConfig, hidden: Value): Value {
  const name = config.tiedEmbeddings ? tensorNames.embedding : tensorNames.output;
  return append(builder, 'matmul', [hidden, builder.weight(name, [config.vocab, config.dim])]);
}

interface Block {
  readonly builder: ProgramBuilder;
  readonly config: LlamaConfig;
  readonly layer: number;
  readonly tap: (name: string, value: Value) => Value;
  readonly linear: (x: Value, name: string, n: number, k: number) => Value;
}

function attend(
  block: Block,
  residual: Value,
  rows: Rows,
  angles: Value,
  cache: PagedCache | undefined,
): Value {
  const { builder, config, layer, tap, linear } = block;
  const { dim, heads, kvHeads, headDim } = config;
  const [width, kvWidth] = [heads * headDim, kvHeads * headDim];

  const x = normalise(builder, config, residual, tensorNames.attentionNorm(layer)); // [rows, dim]
  const q = tap('attn.hook_q', linear(x, tensorNames.q(layer), width, dim));
  const k = tap('attn.hook_k', linear(x, tensorNames.k(layer), kvWidth, dim));
  const v = tap('attn.hook_v', linear(x, tensorNames.v(layer), kvWidth, dim));
  const rotatedQ = tap('attn.hook_rot_q', append(builder, 'rope', [q, angles]));
  const rotatedK = tap('attn.hook_rot_k', append(builder, 'rope', [k, angles]));
  const attended =
    cache === undefined
      ? attendRows(block, rotatedQ, rotatedK, v, rows)
      : attendCache(block, rotatedQ, rotatedK, v, rows, cache); // [rows, heads * headDim]
  return linear(tap('attn.hook_z', attended), tensorNames.attentionOutput(layer), dim, width);
}

function attendRows({ builder, config }: Block, q: Value, k: Value, v: Value, rows: Rows): Value {
  const starts = present(rows.starts, 'starts of rows without a cache');
  return append(builder, 'self_attention', [q, k, v, starts], attentionShape(config));
}

function attendCache(
  { builder, config, layer }: Block,
  q: Value,
  k: Value,
  v: Value,
  rows: Rows,
  cache: PagedCache,
): Value {
  const shape = [cache.slots, config.kvHeads * config.headDim];
  const keys = builder.state(cacheNames.keys(layer), shape);
  const values = builder.state(cacheNames.values(layer), shape);
  // Rounded into the cache before attention reads them, so that decode, prefill and prefix hits agree.
  appendAll(builder, 'cache_write', [k, keys, cache.rowSlots]);
  appendAll(builder, 'cache_write', [v, values, cache.rowSlots]);
  return append(
    builder,
    'attention',
    [q, keys, values, rows.positions, rows.sequence, cache.pageTable],
    { ...attentionShape(config), pageSize: cache.pageSize },
  );
}

function attentionShape({ heads, kvHeads, headDim, slidingWindow }: LlamaConfig): Attributes {
  return { heads, kvHeads, headDim, scale: 1 / Math.sqrt(headDim), window: slidingWindow ?? 0 };
}

function feedForward({ builder, config, layer, tap, linear }: Block, residual: Value): Value {
  const { dim, feedForward: inner } = config;
  const x = normalise(builder, config, residual, tensorNames.feedForwardNorm(layer)); // [rows, dim]
  const gate = tap('mlp.hook_pre', linear(x, tensorNames.gate(layer), inner, dim));
  const up = tap('mlp.hook_pre_linear', linear(x, tensorNames.up(layer), inner, dim));
  const activated = append(builder, 'mul', [append(builder, 'silu', [gate]), up]);
  const post = tap('mlp.hook_post', activated); // [rows, feedForward]
  return linear(post, tensorNames.down(layer), dim, inner);
}

function normalise(builder: ProgramBuilder, config: LlamaConfig, x: Value, name: string): Value {
  return append(builder, 'rms_norm', [x, builder.weight(name, [config.dim])], {
    eps: config.normEps,
  });
}

function checkTaps(config: LlamaConfig, taps: ReadonlyMap<string, Tap> | undefined): void {
  if (taps === undefined || taps.size === 0) return;
  const known = new Set(tapNames(config));
  for (const name of taps.keys()) {
    if (!known.has(name)) {
      throw errors.TAP_UNKNOWN({ name, examples: 'hook_embed, blocks.0.hook_resid_post' });
    }
  }
}
