// What commands ask of the library, each room loaded when a command first needs it, so that
// `corral --version` answers at once. Tests put a fake in its place.

import type { ServedModel } from '../api/index.ts';
import type { OnProgress } from '../base/progress.ts';
import type { LowRankUpdate } from '../engine/index.ts';
import type { EvaluatedModel } from '../evaluate/index.ts';
import type { Checkpoint } from '../formats/checkpoint.ts';
import type { ConvertOptions, ConvertReport } from '../formats/convert.ts';
import type { LargerVocabulary } from '../formats/extend-vocabulary.ts';
import type { LlamaConfig } from '../formats/llama-config.ts';
import type {
  ChatMessage,
  GenerateOptions,
  GenerationResult,
  Llama,
  LoadOptions,
  Perplexity,
} from '../index.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { confirm } from './confirm.ts';

export type { ChatMessage, GenerateOptions, GenerationResult, LoadOptions };

/** An answer in the making. */
export interface AnswerStream extends AsyncIterable<string> {
  result(): Promise<GenerationResult>;
}

/** A loaded model, as far as commands use it. */
export interface LoadedModel extends Pick<Llama, 'name' | 'context' | 'device' | 'loadSeconds'> {
  complete(prompt: string, options?: GenerateOptions): AnswerStream;
  chat(messages: readonly ChatMessage[], options?: GenerateOptions): AnswerStream;
  perplexity(
    text: string,
    options?: {
      readonly stride?: number;
      readonly onProgress?: OnProgress;
      readonly signal?: AbortSignal;
    },
  ): Promise<Perplexity>;
  close(): Promise<void>;
}

/** What `corral bench` measures models with. */
export type InferenceLibrary = typeof import('../library/measure-inference.ts') &
  typeof import('../library/random-model.ts');

/** The doors that commands go through. */
export interface Library {
  load(path: string, options: LoadOptions): Promise<LoadedModel>;
  openCheckpoint(
    path: string,
    options: { readonly config?: string; readonly tokenizer?: string },
  ): Promise<Checkpoint>;
  /** From a tokenizer file, or from whatever checkpoint carries one. */
  openTokenizer(path: string): Promise<Tokenizer>;
  convertCheckpoint(
    checkpoint: Checkpoint,
    out: string,
    options: ConvertOptions,
  ): Promise<ConvertReport>;
  extendVocabulary(checkpoint: Checkpoint, larger: LargerVocabulary): Promise<Checkpoint>;
  /** Bytes of keys and values per token. */
  cacheBytesPerToken(config: LlamaConfig, type: 'f16' | 'f32' | 'q8_0'): Promise<number>;
  tokenizers(): Promise<typeof import('../tokenizer/index.ts')>;
  training(): Promise<typeof import('../train/index.ts')>;
  inference(): Promise<InferenceLibrary>;
  /** Throws where `path` holds an input, is no place for a file, or has one that `force` does not replace. */
  checkNewFile(
    path: string,
    options: { readonly inputs: readonly string[]; readonly force: boolean },
  ): Promise<void>;
  /** Writes a small file whole or not at all. */
  writeFile(path: string, bytes: Uint8Array): Promise<void>;
  store(): Promise<typeof import('../store/index.ts')>;
  evaluation(): Promise<typeof import('../evaluate/index.ts')>;
  api(): Promise<typeof import('../api/index.ts')>;
  /** Reads adapters and forgets them. Throws what is wrong with one, also that it is none of the model's. */
  checkAdapters(
    path: string,
    options: LoadOptions,
    adapters: ReadonlyMap<string, string>,
  ): Promise<void>;
  /** Loads a model with adapters beside it, by the names they are asked for. */
  loadForServing(
    path: string,
    options: LoadOptions,
    adapters: ReadonlyMap<string, string>,
  ): Promise<ServedModel>;
  loadForEvaluation(path: string, options: LoadOptions): Promise<EvaluatedModel>;
  /** Asks yes or no on the terminal. */
  confirm(question: string): Promise<boolean>;
}

/** The real thing. */
export const lazyLibrary: Library = {
  load: async (path, options) => (await import('../index.ts')).load(path, options),
  openCheckpoint: async (path, options) =>
    (await import('../formats/index.ts')).openCheckpoint(path, options),
  openTokenizer: async (path) => (await import('../formats/index.ts')).openTokenizer(path),
  convertCheckpoint: async (checkpoint, out, options) =>
    (await import('../formats/index.ts')).convertCheckpoint(checkpoint, out, options),
  extendVocabulary: async (checkpoint, larger) =>
    (await import('../formats/index.ts')).extendVocabulary(checkpoint, larger),
  cacheBytesPerToken: async (config, type) =>
    (await import('../engine/index.ts')).cacheBytesPerToken(config, type),
  tokenizers: () => import('../tokenizer/index.ts'),
  training: () => import('../train/index.ts'),
  inference: async () => ({
    ...(await import('../library/measure-inference.ts')),
    ...(await import('../library/random-model.ts')),
  }),
  checkNewFile: async (path, options) => {
    const { checkOutput } = await import('../formats/convert-output.ts');
    await checkOutput(path, { ...options, format: 'gguf' });
  },
  writeFile: async (path, bytes) => {
    const { writeFileAtomically } = await import('../formats/files.ts');
    await writeFileAtomically(path, (sink) => sink.write(bytes));
  },
  store: () => import('../store/index.ts'),
  evaluation: () => import('../evaluate/index.ts'),
  api: () => import('../api/index.ts'),
  checkAdapters: async (path, options, adapters) => {
    await readAdapters(path, options, adapters);
  },
  loadForServing: async (path, options, adapters) => {
    const updates = await readAdapters(path, options, adapters);
    const ranks = [...updates.values()].flatMap((each) => [...each.values()].map((u) => u.rank));
    const room = { slots: updates.size, rank: Math.max(1, ...ranks) };
    const model = await (await import('../index.ts')).load(path, {
      ...options,
      ...(updates.size === 0 ? {} : { adapters: room }),
    });
    try {
      for (const [name, each] of updates) await model.engine.loadAdapter(name, each);
      // Asked for now: what cannot speak is not served.
      void model.tokenizer;
      return model;
    } catch (error) {
      await model.close();
      throw error;
    }
  },
  loadForEvaluation: async (path, options) => (await import('../index.ts')).load(path, options),
  confirm,
};

async function readAdapters(
  path: string,
  { config, tokenizer }: LoadOptions,
  adapters: ReadonlyMap<string, string>,
): Promise<Map<string, ReadonlyMap<string, LowRankUpdate>>> {
  const updates = new Map<string, ReadonlyMap<string, LowRankUpdate>>();
  if (adapters.size === 0) return updates;
  const { openCheckpoint } = await import('../formats/index.ts');
  const { readLowRankUpdates } = await import('../train/adapter/low-rank-updates.ts');
  const checkpoint = await openCheckpoint(path, {
    ...(config === undefined ? {} : { config }),
    ...(tokenizer === undefined ? {} : { tokenizer }),
  });
  try {
    for (const [name, adapter] of adapters) {
      updates.set(name, await readLowRankUpdates(adapter, checkpoint.config));
    }
  } finally {
    await checkpoint.close();
  }
  return updates;
}
