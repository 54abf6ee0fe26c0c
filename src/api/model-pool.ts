// The models of one server: each is loaded when it is first asked for, kept while it is used, and closed
// when nobody has asked for a while or its memory is needed. Requests hold leases; a leased model is
// never closed. Loads happen one after another, so that two of them cannot both count on the same memory.
import { errors } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { messageOf } from '../base/message-of.ts';
import type { ModelSource, ServedModel } from './served-model.ts';

/** How a pool keeps its models. */
export interface ModelPoolOptions {
  readonly sources: readonly ModelSource[];
  /** Bytes that all loaded models may take together. Default: no limit. */
  readonly memoryBytes?: number;
  /** A model that nobody used for so long is closed. Default: never. */
  readonly unloadAfterMs?: number;
  readonly logger?: Logger;
  /** Called when a model has been loaded, and when it has been closed. */
  readonly onChange?: (name: string, model: ServedModel | undefined) => void;
}

/** A model in use. Dispose it when the answer has ended. */
export interface ModelLease extends Disposable {
  readonly name: string;
  readonly model: ServedModel;
  /** What its engine is to put beside the weights. */
  readonly adapter: string | undefined;
}

/** What a pool says of a model. */
export interface ModelState {
  readonly name: string;
  readonly createdAt: Date;
  readonly state: 'unloaded' | 'loading' | 'loaded';
  /** Absent until it is loaded. */
  readonly model?: ServedModel;
}

interface Entry {
  readonly source: ModelSource;
  uses: number;
  lastUsedAt: number;
  bytes: number;
  loading: Promise<ServedModel> | undefined;
  model: ServedModel | undefined;
  timer: NodeJS.Timeout | undefined;
}

// A name that callers use: a model, or one of its adapters.
interface Offer {
  readonly name: string;
  readonly entry: Entry;
  readonly adapter: string | undefined;
}

/** Several models in one process. */
export class ModelPool implements AsyncDisposable {
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #offers: ReadonlyMap<string, Offer>;
  readonly #options: ModelPoolOptions;
  #turn: Promise<unknown> = Promise.resolve();
  #clock = 0;
  #closed = false;

  constructor(options: ModelPoolOptions) {
    this.#options = options;
    this.#entries = new Map(
      options.sources.map((source) => [
        source.name,
        {
          source,
          uses: 0,
          lastUsedAt: 0,
          bytes: 0,
          loading: undefined,
          model: undefined,
          timer: undefined,
        },
      ]),
    );
    const offers = [...this.#entries].flatMap(([name, entry]): Offer[] => [
      { name, entry, adapter: undefined },
      ...(entry.source.adapters ?? []).map((adapter) => ({ name: adapter, entry, adapter })),
    ]);
    this.#offers = new Map(offers.map((offer) => [offer.name, offer]));
  }

  /** Every model, in the order they were given, each before its adapters. */
  list(): ModelState[] {
    return Array.from(this.#offers.values(), describe);
  }

  /** One model. Throws MODEL_NOT_SERVED. */
  find(name: string): ModelState {
    return describe(this.#offer(name));
  }

  /** Loads the model if need be. Rejects with MODEL_NOT_SERVED, MODELS_BUSY, MODEL_MEMORY_EXCEEDED or MODEL_LOAD_FAILED. */
  async use(name: string): Promise<ModelLease> {
    const { entry, adapter } = this.#offer(name);
    // Counted before it is there: what is being loaded for somebody is not closed for somebody else.
    entry.uses++;
    clearTimeout(entry.timer);
    try {
      entry.loading ??= this.#inTurn(() => this.#load(entry));
      const model = await entry.loading;
      return { name, model, adapter, [Symbol.dispose]: once(() => this.#release(entry)) };
    } catch (error) {
      this.#release(entry);
      throw error;
    }
  }

  /** Closes every model: answers under way end. Afterwards nothing can be used. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#inTurn(async () => {
      for (const entry of this.#entries.values()) await this.#unload(entry);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #offer(name: string): Offer {
    const offer = this.#offers.get(name);
    if (offer === undefined) {
      const have = [...this.#offers.keys()].join(', ');
      throw errors.MODEL_NOT_SERVED({ name: name.slice(0, 200), have });
    }
    return offer;
  }

  #release(entry: Entry): void {
    entry.uses--;
    entry.lastUsedAt = ++this.#clock;
    const { unloadAfterMs } = this.#options;
    if (entry.uses > 0 || unloadAfterMs === undefined) return;
    const unload = (): void => {
      void this.#inTurn(async () => {
        if (entry.uses === 0) await this.#unload(entry);
      });
    };
    entry.timer = setTimeout(unload, unloadAfterMs).unref();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #load(entry: Entry): Promise<ServedModel> {
    const { name } = entry.source;
    try {
      if (this.#closed) throw errors.SERVER_DRAINING();
      entry.bytes = await this.#makeRoom(entry);
      const startAt = performance.now();
      entry.model = await this.#opened(entry.source);
      const seconds = ((performance.now() - startAt) / 1000).toFixed(1);
      this.#options.logger?.debug(`loaded ${name} in ${seconds} s`);
      this.#options.onChange?.(name, entry.model);
      return entry.model;
    } catch (error) {
      entry.loading = undefined;
      entry.bytes = 0;
      throw error;
    }
  }

  // What is wrong with a file on the server's disk is no fault of the request.
  async #opened(source: ModelSource): Promise<ServedModel> {
    try {
      return await source.load();
    } catch (cause) {
      const reason = messageOf(cause);
      this.#options.logger?.warn(`${source.name} could not be loaded: ${reason}`);
      throw errors.MODEL_LOAD_FAILED({ name: source.name }, { cause });
    }
  }

  async #makeRoom(entry: Entry): Promise<number> {
    const { memoryBytes: limit } = this.#options;
    if (limit === undefined) return 0;
    const { name } = entry.source;
    const bytes = await entry.source.measure();
    if (bytes > limit) throw errors.MODEL_MEMORY_EXCEEDED({ name, bytes, limit });
    const held = (): number =>
      [...this.#entries.values()].reduce((sum, other) => sum + other.bytes, 0);
    while (held() + bytes > limit) {
      const idle = [...this.#entries.values()].filter(
        ({ model, uses }) => model !== undefined && uses === 0,
      );
      const [oldest] = idle.sort((a, b) => a.lastUsedAt - b.lastUsedAt);
      if (oldest === undefined) throw errors.MODELS_BUSY({ name });
      await this.#unload(oldest);
    }
    return bytes;
  }

  async #unload(entry: Entry): Promise<void> {
    clearTimeout(entry.timer);
    const { model } = entry;
    if (model === undefined) return;
    // Forgotten first: whoever asks while it closes waits for a new one.
    entry.model = undefined;
    entry.loading = undefined;
    await model.close();
    entry.bytes = 0;
    this.#options.logger?.debug(`closed ${entry.source.name}`);
    this.#options.onChange?.(entry.source.name, undefined);
  }
}

function describe({ name, entry: { source, model, loading } }: Offer): ModelState {
  const { createdAt } = source;
  if (model !== undefined) return { name, createdAt, state: 'loaded', model };
  return { name, createdAt, state: loading === undefined ? 'unloaded' : 'loading' };
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    work();
  };
}
