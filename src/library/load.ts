// From a path or a name in the store to a Llama that answers.
import { errors } from '../base/errors.ts';
import { type Logger, silentLogger } from '../base/log.ts';
import type { OnProgress } from '../base/progress.ts';
import type { Activations } from '../device/device.ts';
import { openDevice } from '../device/open.ts';
import {
  type AdapterRoom,
  type CacheType,
  cacheTypes,
  Engine,
  type EngineObserver,
  type PageStore,
  type Speculate,
} from '../engine/index.ts';
import type { Checkpoint } from '../formats/checkpoint.ts';
import { openCheckpoint } from '../formats/open.ts';
import { loadWeights } from '../model/index.ts';
import { PackedStore } from '../store/index.ts';
import { defaultChatTemplate } from '../tokenizer/chat.ts';
import { serveAdapter } from '../train/adapter/serve-adapter.ts';
import { identifyFiles } from './identify-files.ts';
import { Llama } from './llama.ts';
import { loadDrafter } from './load-drafter.ts';
import { locateModel } from './locate.ts';

/** How a model is loaded. */
export interface LoadOptions {
  /** `cpu` or `reference`; default: the fastest that works here. */
  readonly device?: string;
  /** Threads that compute. Default: the physical cores this process may use. */
  readonly threads?: number;
  /** Longest sequence in tokens. Default: the model's own context. */
  readonly context?: number;
  /** Type of the key-value cache. Default f16. */
  readonly cache?: CacheType;
  /** How activations meet quantised weights: `int8` is faster. Default: int8 where the device has it. */
  readonly activations?: Activations;
  /**
   * Keep packed weights on disk, in the store's folder, so that the next start maps them? Default true. A
   * string names another store's folder.
   */
  readonly packCache?: boolean | string;
  /** Full-length conversations the cache holds at once. Default: what fits in 4 GiB. */
  readonly sequences?: number;
  /**
   * How tokens are guessed ahead, which changes the pace of answers and nothing else: from what the text repeats, or by a
   * smaller model of the same vocabulary, a path or a name in the store. Default `off`.
   */
  readonly speculate?: 'off' | 'lookup' | `draft:${string}`;
  /** Requests that may wait for their turn; ENGINE_BUSY beyond them. Default: no bound. */
  readonly maxWaiting?: number;
  /** Compute equal beginnings of requests once? Default true. */
  readonly sharePrefixes?: boolean;
  /** Where computed beginnings of texts are kept to be found again in later processes. Default: nowhere. */
  readonly pageStore?: PageStore;
  /** A tokenizer file, for checkpoints that carry none or in place of theirs. */
  readonly tokenizer?: string;
  /** A params.json or config.json, for checkpoints that do not tell their shape. */
  readonly config?: string;
  /** Jinja source, or `llama-2`, in place of the checkpoint's chat template. */
  readonly chatTemplate?: string;
  /** A LoRA, rsLoRA or DoRA to stand beside the weights: a folder as PEFT saves it, or a GGUF. */
  readonly adapter?: string;
  /** Room for LoRAs that `llama.engine.loadAdapter` brings later and requests choose. Default: none. */
  readonly adapters?: AdapterRoom;
  /** Told of every step and request of the engine. */
  readonly observer?: EngineObserver;
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
  readonly logger?: Logger;
}

/**
 * Loads a model: a file, a folder, or a name in the local store.
 * @example await using llama = await load('model.gguf');
 */
export async function load(model: string, options: LoadOptions = {}): Promise<Llama> {
  checkString('model', model, 'a path or a name in the store');
  checkCache(options);
  const startAt = performance.now();
  const checkpoint = await openCheckpoint(
    await locateModel(model),
    pick(options, ['config', 'tokenizer']),
  );
  return await loadCheckpoint(checkpoint, options, startAt);
}

/** Loads what is open already, wherever it came from, and closes it. Loading counts from `startAt`. */
export async function loadCheckpoint(
  checkpoint: Checkpoint,
  options: LoadOptions = {},
  startAt: number = performance.now(),
): Promise<Llama> {
  const { logger = silentLogger } = options;
  try {
    checkCache(options);
    const { packCache = true, signal } = options;
    const store = typeof packCache === 'string' ? { store: packCache } : {};
    const device = openDevice(options.device, {
      ...pick(options, ['threads']),
      ...(packCache === false
        ? {}
        : { packCache: { store: new PackedStore(store), ...(signal && { signal }) } }),
      logger,
    });
    try {
      return await assemble(checkpoint, device, options, startAt);
    } catch (error) {
      await device.close();
      throw error;
    }
  } finally {
    await checkpoint.close();
  }
}

function checkCache({ cache }: LoadOptions): void {
  if (cache === undefined || cacheTypes.includes(cache)) return;
  throw errors.OPTION_INVALID({
    option: 'cache',
    found: String(cache),
    allowed: cacheTypes.join(', '),
  });
}

async function assemble(
  checkpoint: Checkpoint,
  device: ReturnType<typeof openDevice>,
  options: LoadOptions,
  startAt: number,
): Promise<Llama> {
  const tokenizer = await checkpoint.tokenizer();
  const { vocab } = checkpoint.config;
  if (tokenizer !== undefined && tokenizer.size > vocab) {
    throw errors.TOKENIZER_MISMATCH({ tokens: tokenizer.size, vocab });
  }
  const { config } = checkpoint;
  const base = await loadWeights(checkpoint, device, pick(options, ['onProgress', 'signal']));
  const { adapter, pageStore: store } = options;
  const files = [checkpoint.path, ...(adapter === undefined ? [] : [adapter])];
  const served =
    adapter === undefined
      ? { weights: base }
      : await serveAdapter(adapter, { config, device, weights: base });
  const { speculate, context = config.context } = options;
  const draftPath = speculate?.startsWith('draft:') ? speculate.slice('draft:'.length) : undefined;
  const shared = pick(options, ['cache', 'activations', 'sequences']);
  const drafter =
    draftPath === undefined
      ? undefined
      : await loadDrafter(draftPath, {
          device,
          tokenizer,
          context,
          ...shared,
          ...pick(options, ['signal']),
        });
  const guessing = drafter === undefined ? speculate : 'draft';
  const engine = await Engine.open({
    config,
    device,
    ...served,
    ...shared,
    ...(guessing === undefined ? {} : { speculate: guessing as Speculate }),
    ...(drafter === undefined ? {} : { drafter }),
    ...(tokenizer === undefined ? {} : { tokenizer }),
    ...pick(options, ['context', 'sharePrefixes', 'maxWaiting', 'adapters', 'observer']),
    ...(store === undefined ? {} : { archive: { store, model: await identifyFiles(files) } }),
  });
  return new Llama({
    name: checkpoint.name,
    path: checkpoint.path,
    config,
    tokenizer,
    chatTemplate:
      options.chatTemplate ??
      (tokenizer === undefined
        ? undefined
        : defaultChatTemplate({ chatTemplate: checkpoint.chatTemplate, tokenizer })),
    generation: checkpoint.generation,
    engine,
    drafter,
    device,
    loadSeconds: (performance.now() - startAt) / 1000,
  });
}

function checkString(option: string, value: unknown, allowed: string): void {
  if (typeof value === 'string') return;
  throw errors.OPTION_INVALID({ option, found: typeof value, allowed });
}

// The options that are there: exactOptionalPropertyTypes tells absent from undefined.
function pick<T extends object, K extends keyof T>(options: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(
    keys.filter((key) => options[key] !== undefined).map((key) => [key, options[key]]),
  ) as Pick<T, K>;
}
