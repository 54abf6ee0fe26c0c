// How an engine is opened, and what it says of itself.
import { errors } from '../base/errors.ts';
import type { Activations, Device, DeviceBuffer } from '../device/device.ts';
import type { LlamaConfig } from '../formats/llama-config.ts';
import type { RecordLinear, Tap } from '../model/llama.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { AdapterRoom } from './adapter-slots.ts';
import { type CacheType, pageSize } from './cache.ts';
import type { Drafter } from './draft-model.ts';
import type { EngineObserver } from './observer.ts';
import type { PageStore } from './page-archive.ts';
import type { Speculate } from './speculation.ts';

// Full-length sequences a cache may be asked to hold; their page tables stay small.
const maxSequences = 4096;

/** How an engine is opened. */
export interface EngineOptions {
  readonly config: LlamaConfig;
  readonly device: Device;
  /** Weights by tensor name, as loadWeights gives them. */
  readonly weights: Readonly<Record<string, DeviceBuffer>>;
  /** Absent: tokens can be scored and generated, but there is no text and no stop string. */
  readonly tokenizer?: Tokenizer;
  /** Longest sequence in tokens. Default: the model's context. */
  readonly context?: number;
  /** Type of the cache. Default f16. */
  readonly cache?: CacheType;
  /** Full-length sequences the cache holds at once; more wait. Default: as many as fit in 4 GiB, at most 16. */
  readonly sequences?: number;
  /**
   * How activations meet quantised weights. Default: `int8` where the device has it, `exact` elsewhere
   * and with taps. Weights that are not quantised are always multiplied exactly.
   */
  readonly activations?: Activations;
  readonly taps?: ReadonlyMap<string, Tap>;
  /** Records products in its own way, over more weights: an adapter. */
  readonly linear?: RecordLinear;
  /** Room for adapters that are loaded while the engine runs and chosen per request. Default: none. */
  readonly adapters?: AdapterRoom;
  /** Compute equal beginnings of requests once? Default true; never with taps, which want to see every row. */
  readonly sharePrefixes?: boolean;
  /** How the tokens of answers are guessed ahead where a request does not say. Default `off`; never with taps, which would see guesses. */
  readonly speculate?: Speculate;
  /** A smaller model's engine, of the same vocabulary, for `speculate: 'draft'`. Close it after this one. */
  readonly drafter?: Drafter;
  /**
   * Keeps computed beginnings outside memory, too, and finds them again, also in a later engine. `model` tells
   * these weights from any others. Default: in memory alone.
   */
  readonly archive?: { readonly store: PageStore; readonly model: string };
  /** Requests that may wait for their turn; ENGINE_BUSY beyond them. Default: no bound. */
  readonly maxWaiting?: number;
  /** Told of every step and request. */
  readonly observer?: EngineObserver;
  /** Seconds since some moment; never backwards. Default: performance.now() in seconds. */
  readonly now?: () => number;
}

/** What an engine has done and holds. */
export interface EngineStats {
  /** Tokens that went through the model. */
  readonly computedTokens: number;
  /** Tokens that did not need to, since their keys and values were in the cache. */
  readonly reusedTokens: number;
  readonly pages: {
    readonly total: number;
    /** They hold nothing. */
    readonly free: number;
    /** They hold beginnings that no request uses now: kept until their place is needed. */
    readonly kept: number;
  };
  readonly running: number;
  readonly waiting: number;
}

/** What an engine computes with. Throws DEVICE_UNSUPPORTED. */
export function chooseActivations({ device, activations, taps }: EngineOptions): Activations {
  const offered = device.info.activations;
  if (activations !== undefined && !offered.includes(activations)) {
    const { name } = device.info;
    throw errors.DEVICE_UNSUPPORTED({ device: name, what: `${activations} activations` });
  }
  const watched = (taps?.size ?? 0) > 0;
  return activations ?? (offered.includes('int8') && !watched ? 'int8' : 'exact');
}

// To be raised whenever equal tokens come to other keys and values, or to other bytes of them.
const archiveVersion = 1;

/** What tells apart engines whose keys and values of one text differ in any bit. */
export function archiveIdentity(model: string, options: EngineOptions, cache: CacheType): string {
  const { name, isa } = options.device.info;
  const activations = chooseActivations(options);
  const { config } = options;
  return JSON.stringify([archiveVersion, model, config, cache, activations, name, isa, pageSize]);
}

/** Refuses sizes that the model or an engine cannot have. Throws OPTION_INVALID. */
export function checkSizes(options: EngineOptions): void {
  const { config, sequences, context = config.context, maxWaiting } = options;
  if (maxWaiting !== undefined && !(Number.isInteger(maxWaiting) && maxWaiting >= 0)) {
    throw errors.OPTION_INVALID({
      option: 'maxWaiting',
      found: String(maxWaiting),
      allowed: 'an integer from 0',
    });
  }
  if (!(Number.isInteger(context) && context >= 1 && context <= config.context)) {
    throw errors.OPTION_INVALID({
      option: 'context',
      found: String(context),
      allowed: `1 to ${config.context}, the model's own context`,
    });
  }
  if (
    sequences !== undefined &&
    !(Number.isInteger(sequences) && sequences >= 1 && sequences <= maxSequences)
  ) {
    throw errors.OPTION_INVALID({
      option: 'sequences',
      found: String(sequences),
      allowed: `an integer from 1 to ${maxSequences}`,
    });
  }
}
