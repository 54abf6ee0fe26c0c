// Between the cpu device and the packed weights kept on disk: maps what an earlier process packed, and
// keeps what this one had to pack once its first result is out, in pieces that steps hardly notice.
// Trouble with the disk is told in one line and changes no result.
import { basename } from 'node:path';
import {
  type NativeAddon,
  type NativeBuffer,
  type NativeDevice,
  type NativeStatus,
  statusCodes,
} from '../base/addon.ts';
import type { Logger } from '../base/log.ts';
import type { PackedTensor } from '../store/packed-file.ts';
import type { KeepOutcome, KeptWeights, PackedStore } from '../store/packed-store.ts';
import { type DType, dtypes } from '../tensor/dtype.ts';
import type { MappableRegion } from './device.ts';

// Packing less takes no time worth a file.
const usualSmallestBytes = 32 * 2 ** 20;
// A step waits for one piece to be copied at most: under a millisecond.
const pieceBytes = 4 * 2 ** 20;
const patienceMs = 1000;

/** Where a device keeps packed weights, and when. */
export interface PackCacheOptions {
  readonly store: PackedStore;
  /** Models whose panels take less are packed at every start. Default 32 MiB. */
  readonly smallestBytes?: number;
  /** Ends the writing, also while the device closes; what was written so far is removed. */
  readonly signal?: AbortSignal;
}

/** A buffer that maps a matrix of a file. */
interface Mapped {
  readonly native: NativeBuffer;
  readonly region: MappableRegion;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly weights: KeptWeights;
  /** Its panels were found on disk and mapped. */
  readonly isKept: boolean;
}

/** One device's part in the packed weights on disk. */
export class PackKeeper {
  readonly #addon: NativeAddon;
  readonly #layout: number;
  readonly #cache: PackCacheOptions;
  readonly #logger: Logger;
  readonly #found = new Map<string, Promise<KeptWeights | undefined>>();
  readonly #mapped = new Set<Mapped>();
  // Files of which something was told already.
  readonly #told = new Set<string>();
  // Panels made here that nobody has tried to keep yet.
  #unkept = 0;
  #keeping: Promise<void> | undefined;

  constructor(
    addon: NativeAddon,
    device: NativeDevice,
    { cache, logger }: { readonly cache: PackCacheOptions; readonly logger: Logger },
  ) {
    this.#addon = addon;
    this.#layout = addon.panelLayoutOf(device);
    this.#cache = cache;
    this.#logger = logger;
  }

  /** Before the file itself is mapped: what its panels were packed from must not be newer. */
  async look(path: string): Promise<void> {
    await this.#look(path);
  }

  /** Takes up a new buffer that maps a matrix, and maps its panels where they are kept. */
  async adopt(
    native: NativeBuffer,
    tensor: {
      readonly region: MappableRegion;
      readonly dtype: DType;
      readonly shape: readonly number[];
    },
  ): Promise<void> {
    const { region, dtype, shape } = tensor;
    if (shape.length !== 2 || !this.#addon.packedTypes.includes(dtypes[dtype].gguf)) return;
    const weights = await this.#look(region.path);
    if (weights === undefined) return;
    const kept = weights.tensors.find(
      ({ at, sourceBytes, dtype: type, shape: [rows, columns] }) =>
        at === region.offset &&
        sourceBytes === region.length &&
        type === dtype &&
        rows === shape[0] &&
        columns === shape[1],
    );
    const isKept =
      kept !== undefined &&
      this.#addon.mapPacked(
        native,
        weights.path,
        kept.offset,
        kept.bytes,
        Uint32Array.from(kept.checksum),
      ) === 0;
    this.#mapped.add({ native, region, dtype, shape, weights, isKept });
  }

  /** The buffer is about to be freed. */
  forget(native: NativeBuffer): void {
    for (const each of this.#mapped) if (each.native === native) this.#mapped.delete(each);
  }

  /** A run has ended for which `packed` weights had to be packed, and which gave results or only read rows. */
  noteRun({ packed, hasResults }: { readonly packed: number; readonly hasResults: boolean }): void {
    this.#unkept += packed;
    if (this.#unkept === 0 || !hasResults || this.#keeping !== undefined) return;
    this.#unkept = 0;
    this.#keeping = this.#keep()
      .catch((error: Error) => this.#logger.debug(`packed weights were not kept: ${error.message}`))
      .finally(() => {
        this.#keeping = undefined;
      });
  }

  /** Ends when nothing is being written any more. */
  async settle(): Promise<void> {
    if (this.#keeping === undefined) return;
    const tell = (): void =>
      this.#logger.warn('writing the packed weights to disk for the next start; Ctrl-C skips that');
    const timer = setTimeout(tell, patienceMs);
    await this.#keeping;
    clearTimeout(timer);
  }

  #look(path: string): Promise<KeptWeights | undefined> {
    const known = this.#found.get(path);
    if (known !== undefined) return known;
    const found = this.#cache.store.find(path, this.#layout).then(
      (weights) => {
        if (weights.problem !== undefined) this.#tellDamage(path, weights.problem);
        return weights;
      },
      // Mapping the file will say what is wrong with it.
      () => undefined,
    );
    this.#found.set(path, found);
    return found;
  }

  async #keep(): Promise<void> {
    const files = new Map<string, Mapped[]>();
    for (const each of this.#mapped) {
      const together = files.get(each.weights.path);
      if (together === undefined) files.set(each.weights.path, [each]);
      else together.push(each);
    }
    for (const together of files.values()) await this.#keepFile(together);
  }

  async #keepFile(mapped: readonly Mapped[]): Promise<void> {
    const [first] = mapped;
    if (first === undefined) return;
    const described = await Promise.all(mapped.map((each) => this.#describe(each)));
    const packed = described.filter((each) => each !== undefined);
    if (packed.some(({ from, isFromDisk }) => from.isKept && !isFromDisk)) {
      this.#tellDamage(first.region.path, 'its checksums disagree');
    }
    const bytes = packed.reduce((sum, { tensor }) => sum + tensor.bytes, 0);
    const { smallestBytes = usualSmallestBytes, store, signal } = this.#cache;
    if (packed.every(({ isFromDisk }) => isFromDisk) || bytes < smallestBytes) return;
    const piece = new Uint8Array(pieceBytes);
    const outcome = await store.keep(
      first.weights,
      packed.map(({ tensor }) => tensor),
      {
        pieceBytes,
        signal,
        read: async (index, offset, length) => {
          const part = piece.subarray(0, length);
          const native = packed[index]?.from.native as NativeBuffer;
          expectOk(await this.#addon.readPacked(native, offset, part));
          return part;
        },
      },
    );
    this.#tell(first.region.path, outcome);
  }

  /** What a buffer's panels are; undefined where it has none that belong to its file. */
  async #describe(from: Mapped): Promise<Described | undefined> {
    const [code = -1, , isFromDisk, bytes = 0, low = 0, high = 0] =
      await this.#addon.describePacked(from.native);
    if (statusCodes[code] !== 'ok') return undefined;
    const { region, dtype, shape } = from;
    const place = { at: region.offset, sourceBytes: region.length };
    const tensor: PackedTensor = { ...place, dtype, shape, bytes, checksum: [low, high] };
    return { from, isFromDisk: isFromDisk === 1, tensor };
  }

  #tell(path: string, outcome: KeepOutcome): void {
    const what = `the packed weights of ${basename(path)}`;
    if (outcome.kind === 'refused') {
      this.#warnOnce(path, `${what} are not kept for the next start: ${outcome.reason}`);
    } else this.#logger.debug(`${what}: ${describeOutcome(outcome)}`);
  }

  #tellDamage(path: string, problem: string): void {
    const what = `what was kept of ${basename(path)} for quick starts`;
    this.#warnOnce(path, `${what} cannot be used (${problem}); it is made anew`);
  }

  #warnOnce(path: string, line: string): void {
    if (this.#told.has(path)) this.#logger.debug(line);
    else this.#logger.warn(line);
    this.#told.add(path);
  }
}

function describeOutcome(outcome: Exclude<KeepOutcome, { kind: 'refused' }>): string {
  switch (outcome.kind) {
    case 'kept':
      return `kept in ${outcome.path}`;
    case 'busy':
      return `being kept by ${outcome.holder}`;
    case 'changed':
      return 'not kept, since the file has changed since it was loaded';
    case 'stopped':
      return 'not kept, since that was interrupted';
  }
}

interface Described {
  readonly from: Mapped;
  readonly isFromDisk: boolean;
  readonly tensor: PackedTensor;
}

// Closed, freed or written to meanwhile: what is being kept is of no use any more.
function expectOk([code = -1]: NativeStatus): void {
  if (statusCodes[code] !== 'ok') throw new Error(`the weights are gone (${statusCodes[code]})`);
}
