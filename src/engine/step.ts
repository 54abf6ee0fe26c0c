// Runs one step on a device: lays the scheduled rows out as arrays, runs the part of the program they
// ask for, and hands back each output row's results.
import { present } from '../base/invariant.ts';
import type {
  CompileOptions,
  Device,
  DeviceBuffer,
  Executable,
  HostArray,
} from '../device/device.ts';
import { type DimSizes, type Program, prune } from '../tensor/program.ts';
import { adapterRows } from './adapter-slots.ts';
import type { AdjustedLogits } from './adjustments.ts';
import { type TokenMask, writeMask } from './constraint.ts';
import { type Chunk, type SchedulerState, slotOf } from './scheduler-state.ts';
import { maskedOutputs, recordRanking, type StepWish, stepOutputs } from './step-program.ts';

/** What one output row asks for. */
export interface RowWish {
  readonly wishes: ReadonlySet<StepWish>;
  readonly temperature: number;
  readonly adjustments: AdjustedLogits;
  /** What the token may be; absent: anything. */
  readonly mask?: TokenMask;
  /** The token whose log-probability is wanted; 0 where none is. */
  readonly target: number;
}

/** A chunk with what its output rows ask, from its first output position on; its guesses are among them. */
export interface StepChunk extends Chunk {
  readonly frequencies: Float32Array;
  /** The slot of the adapter its rows use; 0: none. */
  readonly adapterSlot: number;
  readonly wishes: readonly RowWish[];
}

/** The results of a step. Rows are numbered through all chunks in order. */
export interface StepResult {
  /** One row of a fetched output. */
  row(name: string, row: number): HostArray;
  /** All plain logits of a row; only until the next step. */
  logits(row: number): Promise<Float32Array>;
  /** All adjusted logits of a row with their ids, highest first; only until the next step. */
  ranked(row: number): Promise<{ readonly ids: Int32Array; readonly logits: Float32Array }>;
}

/** The whole step without adapters, and with a table of them beside its matrices. */
export interface StepPrograms {
  readonly plain: Program;
  readonly adapted: Program | undefined;
}

/** Compiles variants on first use and runs them. */
export class StepRunner {
  readonly #device: Device;
  readonly #programs: StepPrograms;
  readonly #buffers: Readonly<Record<string, DeviceBuffer>>;
  /** Words of a row's mask: ⌈vocab / 32⌉. */
  readonly #maskWords: number;
  readonly #options: CompileOptions;
  readonly #executables = new Map<string, Executable>();
  #ranking: Executable | undefined;

  constructor(
    device: Device,
    programs: StepPrograms,
    buffers: Readonly<Record<string, DeviceBuffer>>,
    options: CompileOptions = {},
  ) {
    this.#options = options;
    this.#device = device;
    this.#programs = programs;
    const mask = programs.plain.values.find(({ name }) => name === 'mask');
    this.#maskWords = Number(present(mask, 'mask').shape[1]);
    this.#buffers = buffers;
  }

  async run(
    state: SchedulerState,
    chunks: readonly StepChunk[],
    signal?: AbortSignal,
  ): Promise<StepResult> {
    const places = findPlaces(chunks);
    const kinds = new Set(places.flatMap(({ wish }) => [...wish.wishes]));
    const outputs = places.filter(wantsLogits);
    const wishes = outputs.map(({ wish }) => wish);
    // Rows without a constraint pay nothing for the mask unless one with it shares their step.
    const isMasked = wishes.some(({ mask }) => mask !== undefined);
    const nameOf = (output: string): string =>
      isMasked && maskedOutputs.has(output) ? `masked.${output}` : output;
    // Nor for adapters: rows without one are the same bits in both programs.
    const isAdapted = chunks.some(({ adapterSlot }) => adapterSlot !== 0);
    const names = [...new Set([...kinds].flatMap((kind) => stepOutputs[kind]))];
    const fetch = names.map(nameOf);
    // Kept readable for the rare row that needs all of it.
    const kept = kinds.has('sample') ? [nameOf('adjusted')] : [];
    if (kinds.has('logprobs') || kinds.has('choices')) kept.push('logits');
    const executable = this.#executable([...fetch, ...kept], isAdapted);
    const inputs = layOut(state, chunks, outputs);
    const mask = isMasked ? { mask: layOutMasks(wishes, this.#maskWords) } : {};
    const fetched = await this.#device.run(executable, {
      sizes: inputs.sizes,
      inputs: { ...inputs.inputs, ...mask },
      fetch,
      ...(signal === undefined ? {} : { signal }),
    });
    const read = async (name: string, row: number): Promise<Float32Array> => {
      const { output } = present(places[row], 'row');
      return (await this.#device.readOutput(executable, name, output, 1)) as Float32Array;
    };
    return {
      row: (name, row) => {
        const data = present(fetched[nameOf(name)], `output ${name}`);
        const place = present(places[row], 'row');
        const [at, of] =
          name === 'hidden' ? [place.row, inputs.sizes.rows] : [place.output, wishes.length];
        const width = data.length / of;
        return data.subarray(at * width, (at + 1) * width);
      },
      logits: (row) => read('logits', row),
      ranked: async (row) => this.#rank(await read(nameOf('adjusted'), row)),
    };
  }

  // Sorted on the device: in JavaScript a whole row would hold up the event loop.
  async #rank(logits: Float32Array): Promise<{ ids: Int32Array; logits: Float32Array }> {
    this.#ranking ??= this.#device.compile(recordRanking(logits.length), {});
    const { values, ids } = await this.#device.run(this.#ranking, {
      inputs: { logits },
      sizes: { rows: 0, outputs: 1, sequences: 0, pages: 0, adjustments: 0 },
      fetch: ['values', 'ids'],
    });
    return { ids: ids as Int32Array, logits: values as Float32Array };
  }

  #executable(outputs: readonly string[], isAdapted: boolean): Executable {
    const key = [isAdapted ? 'adapted' : 'plain', ...outputs.toSorted()].join(' ');
    const known = this.#executables.get(key);
    if (known !== undefined) return known;
    const { plain, adapted } = this.#programs;
    const program = prune(isAdapted ? present(adapted, 'program with adapters') : plain, outputs);
    const executable = this.#device.compile(program, this.#buffers, this.#options);
    this.#executables.set(key, executable);
    return executable;
  }
}

// A row that asked for something: its place among all rows, and among those with logits.
interface Place {
  readonly wish: RowWish;
  readonly row: number;
  readonly output: number;
}

function wantsLogits({ wish }: Place): boolean {
  return !wish.wishes.has('hidden');
}

function findPlaces(chunks: readonly StepChunk[]): Place[] {
  const places: Place[] = [];
  let [end, output] = [0, 0];
  for (const { count, draft, wishes } of chunks) {
    end += count + draft.length;
    for (const [index, wish] of wishes.entries()) {
      const place = { wish, row: end - wishes.length + index, output };
      places.push(place);
      if (wantsLogits(place)) output++;
    }
  }
  return places;
}

function layOutMasks(wishes: readonly RowWish[], words: number): Int32Array {
  const masks = new Int32Array(wishes.length * words);
  for (const [row, { mask }] of wishes.entries()) {
    const place = masks.subarray(row * words, (row + 1) * words);
    if (mask === undefined) place.fill(-1);
    else writeMask(mask, place);
  }
  return masks;
}

function layOut(
  state: SchedulerState,
  chunks: readonly StepChunk[],
  places: readonly Place[],
): { inputs: Record<string, HostArray>; sizes: DimSizes } {
  const wishes = places.map(({ wish }) => wish);
  const rows = chunks.reduce((total, { count, draft }) => total + count + draft.length, 0);
  const pages = chunks.reduce(
    (most, { start, count, draft }) =>
      Math.max(most, Math.ceil((start + count + draft.length) / state.pageSize)),
    0,
  );
  const adjustments = wishes.reduce((total, wish) => total + wish.adjustments.ids.length, 0);
  const half = chunks[0]?.frequencies.length ?? 0;
  const sizes = {
    rows,
    outputs: wishes.length,
    sequences: chunks.length,
    pages,
    adjustments,
  };
  const inputs = {
    tokens: new Int32Array(rows),
    positions: new Int32Array(rows),
    sequence: new Int32Array(rows),
    slots: new Int32Array(rows),
    [adapterRows]: new Int32Array(rows),
    frequencies: new Float32Array(chunks.length * half),
    pageTable: new Int32Array(chunks.length * pages),
    outputs: Int32Array.from(places, ({ row }) => row),
    ones: new Float32Array(wishes.length).fill(1),
    inverseTemperatures: Float32Array.from(wishes, ({ temperature }) =>
      temperature > 0 ? 1 / temperature : 1,
    ),
    targets: Int32Array.from(wishes, ({ target }) => target),
    'adjustments.where': new Int32Array(2 * adjustments),
    'adjustments.how': new Float32Array(2 * adjustments),
  };

  let place = 0;
  for (const [row, { adjustments: changed }] of wishes.entries()) {
    inputs['adjustments.how'].set(changed.how, 2 * place);
    for (const id of changed.ids) {
      inputs['adjustments.where'][2 * place] = row;
      inputs['adjustments.where'][2 * place + 1] = id;
      place++;
    }
  }

  let row = 0;
  for (const [index, { sequence, start, count, draft, ...chunk }] of chunks.entries()) {
    inputs.frequencies.set(chunk.frequencies, index * half);
    inputs.pageTable.set(sequence.pages.slice(0, pages), index * pages);
    const end = start + count;
    for (let position = start; position < end + draft.length; position++, row++) {
      const token = position < end ? sequence.tokens[position] : draft[position - end];
      inputs.tokens[row] = present(token, 'token');
      inputs.positions[row] = position;
      inputs.sequence[row] = index;
      inputs[adapterRows][row] = chunk.adapterSlot;
      inputs.slots[row] = slotOf(state, sequence, position);
    }
  }
  return { inputs, sizes };
}
