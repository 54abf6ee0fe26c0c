// A model as the server uses it. Loading one is the affair of rooms above: `load()` of `corral` gives
// exactly this.
import type { Engine } from '../engine/index.ts';
import type { GenerationDefaults } from '../formats/checkpoint.ts';
import type { LlamaConfig } from '../formats/llama-config.ts';
import type { Tokenizer } from '../tokenizer/index.ts';

/** A loaded model that can answer requests. */
export interface ServedModel {
  readonly config: LlamaConfig;
  readonly engine: Engine;
  readonly tokenizer: Tokenizer;
  /** Jinja source, `llama-2`, or undefined when the model has no chat format. */
  readonly chatTemplate: string | undefined;
  /** What its authors sample with. */
  readonly generation: GenerationDefaults;
  close(): Promise<void>;
}

/** A model that can be served: what it is called, what it needs, and how it is loaded. */
export interface ModelSource {
  readonly name: string;
  readonly createdAt: Date;
  /** Names of adapters that load() brings along: each is served as a model of its own, on the same weights. */
  readonly adapters?: readonly string[];
  /** Bytes that weights and cache will take. */
  measure(): Promise<number>;
  load(): Promise<ServedModel>;
}
