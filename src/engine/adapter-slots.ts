// Adapters beside the weights while others answer: a fixed table of slots on the device, so that one is
// loaded without recording or compiling anything. Who uses which is counted; a slot is free again when the
// last user of an unloaded adapter ends.
import { createHash, type Hash } from 'node:crypto';
import { errors } from '../base/errors.ts';
import { present } from '../base/invariant.ts';
import type { Device, DeviceBuffer } from '../device/device.ts';
import type { LlamaConfig } from '../formats/llama-config.ts';
import { tensorShapes } from '../formats/tensor-shapes.ts';
import type { RecordLinear } from '../model/llama.ts';
import { append } from '../tensor/ops.ts';
import { freeBuffers } from './cache.ts';

/** Name of the input that says which slot each row uses, i32 [rows]; 0 for none. */
export const adapterRows = 'adapters';

/** How many adapters an engine can hold, and how large. */
export interface AdapterRoom {
  /** Adapters at once. */
  readonly slots: number;
  /** The highest rank; one of a lower rank costs the same. */
  readonly rank: number;
}

/** What an adapter adds to a matrix W [n, k]: scale · up · down (LoRA, arXiv 2106.09685). */
export interface LowRankUpdate {
  readonly rank: number;
  readonly scale: number;
  /** A, [rank, k]. */
  readonly down: Float32Array;
  /** B, [n, rank]. */
  readonly up: Float32Array;
}

/** An adapter in a slot. */
export interface ResidentAdapter {
  readonly name: string;
  readonly slot: number;
  /** No two loads have the same: what one computed is never taken for another's. */
  readonly load: number;
  /** SHA-256 of what it adds, in hex: equal for equal adapters, in any engine. */
  digest: string;
  users: number;
  unloaded: boolean;
}

interface Matrix {
  readonly n: number;
  readonly k: number;
}

const names = {
  down: (matrix: string): string => `${matrix}.slots_down`, // [slots · rank, k]
  up: (matrix: string): string => `${matrix}.slots_up`, // [slots · rank, n]
  scales: (matrix: string): string => `${matrix}.slots_scale`, // [slots + 1]
} as const;

/** The table of one engine. */
export class AdapterSlots {
  /** On the device, by the names the program uses. */
  readonly buffers: Readonly<Record<string, DeviceBuffer>>;
  readonly #device: Device;
  readonly #room: AdapterRoom;
  readonly #matrices: ReadonlyMap<string, Matrix>;
  readonly #residents = new Set<ResidentAdapter>();
  #loads = 0;

  private constructor(
    device: Device,
    room: AdapterRoom,
    matrices: ReadonlyMap<string, Matrix>,
    buffers: Readonly<Record<string, DeviceBuffer>>,
  ) {
    this.#device = device;
    this.#room = room;
    this.#matrices = matrices;
    this.buffers = buffers;
  }

  /** Allocates the table; memory is taken as adapters are loaded. Throws OPTION_INVALID or OUT_OF_MEMORY. */
  static async open(device: Device, config: LlamaConfig, room: AdapterRoom): Promise<AdapterSlots> {
    for (const [option, found] of Object.entries(room)) {
      if (Number.isInteger(found) && found >= 1 && found <= 1024) continue;
      throw errors.OPTION_INVALID({
        option: `adapters.${option}`,
        found: String(found),
        allowed: 'an integer from 1 to 1024',
      });
    }
    const { slots, rank } = room;
    const matrices = blockMatrices(config);
    const buffers: Record<string, DeviceBuffer> = {};
    try {
      for (const [name, { n, k }] of matrices) {
        buffers[names.down(name)] = await device.allocate('f32', [slots * rank, k]);
        buffers[names.up(name)] = await device.allocate('f32', [slots * rank, n]);
        buffers[names.scales(name)] = await device.allocate('f32', [slots + 1]);
      }
    } catch (error) {
      freeBuffers(device, buffers);
      throw error;
    }
    return new AdapterSlots(device, room, matrices, buffers);
  }

  /** The adapter of this name. Throws ADAPTER_UNKNOWN. */
  find(name: string): ResidentAdapter {
    const found = this.#named().find((each) => each.name === name);
    if (found !== undefined) return found;
    throw errors.ADAPTER_UNKNOWN({ name, loaded: this.#list() });
  }

  /**
   * Loads an adapter into a free slot; one of the same name answers until this one is there. Where no slot is free it takes
   * that of its namesake, if nobody uses it. Throws ADAPTER_UNFIT or ADAPTERS_FULL: then all is as before.
   */
  async load(name: string, updates: ReadonlyMap<string, LowRankUpdate>): Promise<void> {
    this.#check(name, updates);
    const slot = this.#freeSlot() ?? this.#takeOver(name);
    if (slot === undefined) {
      throw errors.ADAPTERS_FULL({ slots: this.#room.slots, loaded: this.#list() });
    }
    // Taken before anything is awaited; found by its name only when all of it is there.
    const resident = { name, slot, load: this.#loads++, digest: '', users: 1, unloaded: true };
    this.#residents.add(resident);
    try {
      const hash = createHash('sha256');
      for (const matrix of this.#matrices.keys()) {
        addToDigest(hash, matrix, updates.get(matrix));
        await this.#write(matrix, slot, updates);
      }
      resident.digest = hash.digest('hex');
    } catch (error) {
      this.#residents.delete(resident);
      throw error;
    }
    for (const old of this.#named()) if (old.name === name) this.#drop(old);
    resident.users = 0;
    resident.unloaded = false;
  }

  /** No request finds it any more; those under way end with it. Throws ADAPTER_UNKNOWN. */
  unload(name: string): void {
    this.#drop(this.find(name));
  }

  hold(adapter: ResidentAdapter): void {
    adapter.users++;
  }

  release(adapter: ResidentAdapter): void {
    adapter.users--;
    if (adapter.users === 0 && adapter.unloaded) this.#residents.delete(adapter);
  }

  /** Names of adapters that requests can ask for. */
  list(): string[] {
    return this.#named().map(({ name }) => name);
  }

  /** Records the table beside every matrix, over what `base` records where there is one. */
  linear(base: RecordLinear | undefined): RecordLinear {
    const { slots, rank } = this.#room;
    return (builder, x, name, n, k, plain) => {
      const y = base?.(builder, x, name, n, k, plain) ?? plain();
      return append(builder, 'lora_add', [
        y,
        x,
        builder.weight(names.down(name), [slots * rank, k]),
        builder.weight(names.up(name), [slots * rank, n]),
        builder.weight(names.scales(name), [slots + 1]),
        builder.input(adapterRows, 'i32', ['rows']),
      ]);
    };
  }

  #freeSlot(): number | undefined {
    const taken = new Set([...this.#residents].map((each) => each.slot));
    const all = Array.from({ length: this.#room.slots }, (_, index) => index + 1);
    return all.find((each) => !taken.has(each));
  }

  #takeOver(name: string): number | undefined {
    const old = this.#named().find((each) => each.name === name && each.users === 0);
    if (old !== undefined) this.#drop(old);
    return old?.slot;
  }

  #drop(adapter: ResidentAdapter): void {
    adapter.unloaded = true;
    if (adapter.users === 0) this.#residents.delete(adapter);
  }

  #named(): ResidentAdapter[] {
    return [...this.#residents].filter(({ unloaded }) => !unloaded);
  }

  #list(): string {
    return this.list().join(', ') || 'none';
  }

  #check(name: string, updates: ReadonlyMap<string, LowRankUpdate>): void {
    for (const [matrix, { rank, down, up }] of updates) {
      const refuse = (reason: string): never => {
        throw errors.ADAPTER_UNFIT({ name, reason });
      };
      const shape = this.#matrices.get(matrix) ?? refuse(`this model has no matrix ${matrix}`);
      if (rank > this.#room.rank) refuse(`its rank is ${rank}; allowed is ${this.#room.rank}`);
      if (down.length !== rank * shape.k || up.length !== rank * shape.n) {
        refuse(`its parts of ${matrix} are not [${rank}, ${shape.k}] and [${shape.n}, ${rank}]`);
      }
    }
  }

  // A matrix that the adapter leaves alone has scale 0: nothing of its slot is read.
  async #write(
    matrix: string,
    slot: number,
    updates: ReadonlyMap<string, LowRankUpdate>,
  ): Promise<void> {
    const update = updates.get(matrix);
    const { n, k } = present(this.#matrices.get(matrix), matrix);
    const first = (slot - 1) * this.#room.rank;
    if (update !== undefined) {
      const { rank, down, up } = update;
      const across = new Float32Array(this.#room.rank * n); // [rank, n], zeros beyond the adapter's own rank
      for (let step = 0; step < rank; step++) {
        for (let i = 0; i < n; i++) across[step * n + i] = up[i * rank + step] as number;
      }
      const along = new Float32Array(this.#room.rank * k);
      along.set(down);
      await this.#put(names.down(matrix), first * k, along);
      await this.#put(names.up(matrix), first * n, across);
    }
    await this.#put(names.scales(matrix), slot, Float32Array.of(update?.scale ?? 0));
  }

  #put(name: string, at: number, values: Float32Array): Promise<void> {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    return this.#device.write(
      present(this.buffers[name], name),
      at * values.BYTES_PER_ELEMENT,
      bytes,
    );
  }
}

function addToDigest(hash: Hash, matrix: string, update: LowRankUpdate | undefined): void {
  if (update === undefined) return;
  const { rank, scale, down, up } = update;
  hash.update(JSON.stringify([matrix, rank, scale, down.length, up.length]));
  for (const { buffer, byteOffset, byteLength } of [down, up]) {
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
}

function blockMatrices(config: LlamaConfig): Map<string, Matrix> {
  const matrices = new Map<string, Matrix>();
  for (const [name, shape] of tensorShapes(config)) {
    const [n, k] = shape;
    if (name.startsWith('blk.') && n !== undefined && k !== undefined) matrices.set(name, { n, k });
  }
  return matrices;
}
