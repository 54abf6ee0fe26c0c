// The suite every device passes: cases over op × dtype × odd shape, made from a seed, and how to run
// and compare them. The reference device is the oracle. Knows no device and no test framework.
import { philox } from '../base/random.ts';
import { dequantize, quantize } from '../tensor/codecs/codec.ts';
import { dtypes, tensorBytes, type WeightDType } from '../tensor/dtype.ts';
import type { OpName } from '../tensor/ops.ts';
import type { DimSizes, Program } from '../tensor/program.ts';
import type { Activations, Device, DeviceBuffer, HostArray } from './device.ts';

/** A weight or state of a case. */
export interface ConformanceTensor {
  readonly dtype: WeightDType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** One program with everything it reads. */
export interface ConformanceCase {
  /** Says op, dtype and shape; unique. */
  readonly name: string;
  readonly op: OpName;
  readonly program: Program;
  readonly tensors: Readonly<Record<string, ConformanceTensor>>;
  /** Names of states whose bytes belong to the result. */
  readonly states: readonly string[];
  readonly inputs: Readonly<Record<string, HostArray>>;
  readonly sizes: DimSizes;
  /** Default exact. A device that has no other computes exactly. */
  readonly activations?: Activations;
  /** Largest normalised mean squared error against the reference; 0: the same bits. */
  readonly bound: number;
}

/** What a case computes: outputs by name, and the states it wrote as bytes. */
export interface ConformanceResult {
  readonly outputs: Readonly<Record<string, HostArray>>;
  readonly states: Readonly<Record<string, Uint8Array>>;
}

/** Random numbers for one case: the same for the same seed and name, whatever ran before. */
export class CaseRandom {
  #counter = 0;
  readonly #key: readonly [number, number];

  constructor(seed: number, name: string) {
    let hash = 0;
    for (const character of name) hash = (Math.imul(hash, 31) + character.charCodeAt(0)) >>> 0;
    this.#key = [seed >>> 0, hash];
  }

  /** Four unsigned 32-bit words. */
  words(): readonly [number, number, number, number] {
    return philox([this.#counter++, 0, 0, 0], this.#key);
  }

  /** A whole number in [0, limit). */
  below(limit: number): number {
    return Math.floor((this.words()[0] / 2 ** 32) * limit);
  }

  /** About normal, variance 1: the sum of four uniforms. */
  floats(count: number): Float32Array {
    return Float32Array.from({ length: count }, () => {
      const [a, b, c, d] = this.words();
      return ((a + b + c + d) / 2 ** 32 - 2) * Math.sqrt(3);
    });
  }

  /** Whole numbers in [0, limit). */
  integers(count: number, limit: number): Int32Array {
    return Int32Array.from({ length: count }, () => this.below(limit));
  }

  /** 0 to count − 1 in random order. */
  shuffled(count: number): number[] {
    const order = Array.from({ length: count }, (_, index) => index);
    for (let i = count - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [order[i], order[j]] = [order[j] as number, order[i] as number];
    }
    return order;
  }

  /** Bytes of a tensor. Packed types get random fields, so that every bit of a block is exercised. */
  tensor(dtype: WeightDType, shape: readonly number[]): ConformanceTensor {
    const count = shape.reduce((product, size) => product * size, 1);
    const halves = scalePlaces[dtype];
    if (halves === undefined) {
      return { dtype, shape, bytes: quantize(dtype, this.floats(count)) };
    }
    const bytes = new Uint8Array(tensorBytes(dtype, shape));
    for (let i = 0; i < bytes.length; i += 16) {
      const words = new Uint8Array(Uint32Array.from(this.words()).buffer);
      bytes.set(words.subarray(0, bytes.length - i), i);
    }
    for (let block = 0; block < bytes.length; block += dtypes[dtype].blockBytes) {
      for (const place of halves) {
        bytes.set(
          quantize(
            'f16',
            this.floats(1).map((x) => x / 16),
          ),
          block + place,
        );
      }
    }
    return { dtype, shape, bytes };
  }
}

// Where a block keeps its half-precision scale and minimum; random bits there would be NaN at times.
const scalePlaces: Readonly<Partial<Record<WeightDType, readonly number[]>>> = {
  q4_0: [0],
  q4_1: [0, 2],
  q5_0: [0],
  q5_1: [0, 2],
  q8_0: [0],
  q2_k: [80, 82],
  q3_k: [108],
  q4_k: [0, 2],
  q5_k: [0, 2],
  q6_k: [208],
};

/** Runs a case once and frees what it took. */
export async function runConformanceCase(
  device: Device,
  { program, tensors, states, inputs, sizes, activations = 'exact' }: ConformanceCase,
): Promise<ConformanceResult> {
  const buffers: Record<string, DeviceBuffer> = {};
  for (const [name, { dtype, shape, bytes }] of Object.entries(tensors)) {
    const buffer = await device.allocate(dtype, shape);
    await device.write(buffer, 0, bytes);
    buffers[name] = buffer;
  }
  const has = device.info.activations.includes(activations);
  const executable = device.compile(program, buffers, has ? { activations } : {});
  const outputs = await device.run(executable, {
    inputs,
    sizes,
    fetch: [...program.outputs.keys()],
  });
  const written: Record<string, Uint8Array> = {};
  for (const name of states) {
    const buffer = buffers[name] as DeviceBuffer;
    written[name] = await device.read(buffer, 0, buffer.bytes);
  }
  for (const buffer of Object.values(buffers)) device.free(buffer);
  return { outputs, states: written };
}

/** The case with NaN and infinities among its f32 inputs and in its states: the caches. */
export function poison(original: ConformanceCase, random: CaseRandom): ConformanceCase {
  const specials = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const inputs = Object.fromEntries(
    Object.entries(original.inputs).map(([name, data]) => {
      if (data instanceof Int32Array) return [name, data];
      const copy = data.slice();
      for (const special of specials) copy[random.below(copy.length)] = special;
      return [name, copy];
    }),
  );
  const cached = new Set(
    original.program.values.filter(({ kind }) => kind === 'state').map(({ name }) => name),
  );
  const tensors = Object.fromEntries(
    Object.entries(original.tensors).map(([name, tensor]) => {
      if (!cached.has(name)) return [name, tensor];
      const { blockBytes } = dtypes[tensor.dtype];
      const bytes = tensor.bytes.slice();
      for (const special of specials) {
        // Of a block, the scale.
        const stored = quantize(tensor.dtype === 'f32' ? 'f32' : 'f16', Float32Array.of(special));
        bytes.set(stored, random.below(bytes.length / blockBytes) * blockBytes);
      }
      return [name, { ...tensor, bytes }];
    }),
  );
  return { ...original, name: `${original.name}, poisoned`, inputs, tensors };
}

/** Σ (found − expected)² / Σ expected², over what is finite in both. */
export function normalizedError(expected: Float32Array, found: Float32Array): number {
  let difference = 0;
  let size = 0;
  for (const [i, value] of expected.entries()) {
    const other = found[i] as number;
    if (!Number.isFinite(value) || !Number.isFinite(other)) continue;
    difference += (other - value) ** 2;
    size += value ** 2;
  }
  return difference === 0 ? 0 : difference / size;
}

function sameKind(a: number, b: number): boolean {
  return Number.isFinite(a) ? Number.isFinite(b) : Object.is(a, b);
}

// int8 has no infinities: a row with one gives NaN.
function bothFinite(a: number, b: number): boolean {
  return Number.isFinite(a) === Number.isFinite(b);
}

function compareArrays(
  what: string,
  expected: HostArray,
  found: HostArray,
  bound: number,
  kindsAgree = sameKind,
): string | undefined {
  if (expected.length !== found.length)
    return `${what}: ${found.length} of ${expected.length} values`;
  const isExact = bound === 0 || expected instanceof Int32Array;
  // -0 and 0 are the same value.
  const agree = isExact
    ? (a: number, b: number): boolean => a === b || Object.is(a, b)
    : kindsAgree;
  const index = expected.findIndex((value, i) => !agree(value, found[i] as number));
  if (index >= 0) return `${what}[${index}] is ${found[index]}, not ${expected[index]}`;
  if (!(expected instanceof Float32Array) || !(found instanceof Float32Array)) return undefined;
  const error = normalizedError(expected, found);
  return error <= bound ? undefined : `${what}: error ${error}, allowed ${bound}`;
}

/** What is wrong with a device's result; undefined when nothing is. */
export function findDisagreement(
  { bound, tensors, activations }: ConformanceCase,
  expected: ConformanceResult,
  found: ConformanceResult,
): string | undefined {
  const kindsAgree = activations === 'int8' ? bothFinite : sameKind;
  for (const [name, values] of Object.entries(expected.outputs)) {
    const other = found.outputs[name] as HostArray;
    const problem = compareArrays(name, values, other, bound, kindsAgree);
    if (problem !== undefined) return problem;
  }
  for (const [name, bytes] of Object.entries(expected.states)) {
    const problem = compareStates(name, tensors[name]?.dtype ?? 'f32', bytes, found, bound);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

// One value of a block rounded to the other side of a tie.
const roundingBound = 1e-5;

function compareStates(
  name: string,
  dtype: WeightDType,
  expected: Uint8Array,
  { states }: ConformanceResult,
  bound: number,
): string | undefined {
  const found = states[name] ?? new Uint8Array();
  if (bound > 0) {
    const count = (expected.length / dtypes[dtype].blockBytes) * dtypes[dtype].blockSize;
    const [left, right] = [expected, found].map((bytes) => dequantize(dtype, bytes, count));
    const allowed = dtype === 'f32' ? bound : roundingBound;
    return compareArrays(name, left as Float32Array, right as Float32Array, allowed);
  }
  const index = expected.findIndex((byte, i) => byte !== found[i]);
  if (index < 0) return undefined;
  return `byte ${index} of ${name} is ${found[index]}, not ${expected[index]}`;
}
