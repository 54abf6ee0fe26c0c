// Computed pages outside memory: saved in the background as they are finished, brought back when a request begins
// as one did before, also in another process. The step under way never waits for a disk.
import type { Device, DeviceBuffer } from '../device/device.ts';
import { PageKeys } from './page-keys.ts';
import { findPrefix, type PrefixNode } from './prefix-tree.ts';
import { beginRestoring, endRestoring, noteRestored } from './restoring.ts';
import type { SchedulerState } from './scheduler-state.ts';
import { createSequence, type Sequence } from './sequence.ts';

/** Where pages lie by name. Never rejects: what fails is a page that is not there. */
export interface PageStore {
  has(key: string): boolean;
  /** undefined where there is nothing, or nothing whole. */
  read(key: string): Promise<Uint8Array | undefined>;
  write(key: string, bytes: Uint8Array): Promise<void>;
  /** Takes out what is of no use. */
  remove(key: string): Promise<void>;
}

/** What an archive works with. */
export interface PageArchiveOptions {
  readonly store: PageStore;
  /** What tells apart engines whose keys and values of one text differ in any bit. */
  readonly identity: string;
  readonly device: Device;
  /** Keys and values, [pages · pageSize, width] each. */
  readonly cache: readonly DeviceBuffer[];
  readonly state: SchedulerState;
}

// Pages read or written at once: what they hold stands in memory meanwhile.
const restoredAtOnce = 16;
const savedAtOnce = 4;

/** The archive of one engine. */
export class PageArchive {
  readonly #options: PageArchiveOptions;
  readonly #keys: PageKeys;
  readonly #pageBytes: number;
  readonly #restoring = new Set<Promise<void>>();
  #saving: Promise<void> | undefined;
  #stopped = false;
  #progress = Promise.withResolvers<void>();

  constructor(options: PageArchiveOptions) {
    this.#options = options;
    this.#keys = new PageKeys(options.identity);
    this.#pageBytes = options.cache.reduce((sum, buffer) => sum + this.#partOf(buffer), 0);
  }

  /** Starts to bring back what there is of the sequence's beginning; before it is enqueued. */
  restore(sequence: Sequence): void {
    if (this.#stopped) return;
    const { state } = this.#options;
    const have = findPrefix(state.prefixes, sequence).length;
    const keys = this.#findKeys(sequence, have);
    if (keys.length === 0) return;
    const { id, namespace, tenant } = sequence;
    const tokens = sequence.tokens.slice(0, (have + keys.length) * state.pageSize);
    const restored = createSequence({ id, tokens, outputsFrom: tokens.length, namespace, tenant });
    if (!beginRestoring(state, restored)) return;
    const reading = this.#restore(restored, keys);
    this.#restoring.add(reading);
    void reading.finally(() => this.#restoring.delete(reading));
  }

  /** Resolves when more was brought back, or will not be, or somebody calls wake(). */
  get progress(): Promise<void> {
    return this.#progress.promise;
  }

  /** To be called when there may be other work than to wait for pages. */
  wake(): void {
    this.#progress.resolve();
    this.#progress = Promise.withResolvers();
  }

  /** Saves what was finished since, in the background. */
  save(): void {
    if (this.#stopped || this.#options.state.prefixes.fresh.size === 0) return;
    this.#saving ??= this.#save().finally(() => {
      this.#saving = undefined;
    });
  }

  /** Neither saves nor restores any more: what is computed from now on is of other weights. */
  stop(): void {
    this.#stopped = true;
  }

  /** Saves what is finished; nothing touches the device afterwards. */
  async close(): Promise<void> {
    await Promise.all(this.#restoring);
    this.save();
    await this.#saving;
    this.#stopped = true;
  }

  // Names of pages that are not in memory but in the store, without a gap.
  #findKeys(sequence: Sequence, have: number): string[] {
    const { store, state } = this.#options;
    const pages = Math.floor(sequence.outputsFrom / state.pageSize);
    const keys: string[] = [];
    let index = 0;
    for (const key of this.#keys.ofSequence(sequence, state.pageSize)) {
      if (index >= pages) break;
      if (index++ < have) continue;
      if (!store.has(key)) break;
      keys.push(key);
    }
    return keys;
  }

  async #restore(sequence: Sequence, keys: readonly string[]): Promise<void> {
    const { state } = this.#options;
    try {
      const first = sequence.computed / state.pageSize;
      for (let at = 0; at < keys.length; at += restoredAtOnce) {
        const wanted = keys.slice(at, at + restoredAtOnce);
        const found = await Promise.all(wanted.map((key) => this.#read(key)));
        const gap = found.indexOf(undefined);
        const whole = found.slice(0, gap < 0 ? found.length : gap) as Uint8Array[];
        const pages = sequence.pages.slice(first + at, first + at + whole.length);
        await Promise.all(pages.map((page, index) => this.#put(page, whole[index] as Uint8Array)));
        noteRestored(state, sequence, whole.length);
        this.wake();
        if (gap >= 0) return;
      }
    } catch {
      // The device would not take them: the requests that wait meet the reason when they compute.
      this.#stopped = true;
    } finally {
      endRestoring(state, sequence);
      this.wake();
    }
  }

  async #read(key: string): Promise<Uint8Array | undefined> {
    const { store } = this.#options;
    const bytes = await store.read(key);
    if (bytes === undefined || bytes.length === this.#pageBytes) return bytes;
    await store.remove(key);
    return undefined;
  }

  async #save(): Promise<void> {
    const { fresh } = this.#options.state.prefixes;
    try {
      while (fresh.size > 0 && !this.#stopped) {
        const nodes = [...fresh.values().take(savedAtOnce)];
        await Promise.all(nodes.map((node) => this.#saveNode(node)));
      }
    } catch {
      this.#stopped = true;
    }
  }

  // A page among the fresh is in the tree and finished. It is read here and now, as far as the order of the
  // device's work goes: whoever gets the page later writes to it later.
  async #saveNode(node: PrefixNode): Promise<void> {
    const { store, state } = this.#options;
    state.prefixes.fresh.delete(node);
    const key = this.#keys.ofNode(node);
    if (!store.has(key)) await store.write(key, await this.#take(node.page));
  }

  async #take(page: number): Promise<Uint8Array> {
    const { device, cache } = this.#options;
    const parts = await Promise.all(
      cache.map((buffer) => {
        const part = this.#partOf(buffer);
        return device.read(buffer, page * part, part);
      }),
    );
    return Buffer.concat(parts);
  }

  async #put(page: number, bytes: Uint8Array): Promise<void> {
    const { device, cache } = this.#options;
    let at = 0;
    await Promise.all(
      cache.map((buffer) => {
        const part = this.#partOf(buffer);
        at += part;
        return device.write(buffer, page * part, bytes.subarray(at - part, at));
      }),
    );
  }

  // Bytes of one page in one buffer.
  #partOf({ shape: [slots = 1], bytes }: DeviceBuffer): number {
    return (bytes / slots) * this.#options.state.pageSize;
  }
}
