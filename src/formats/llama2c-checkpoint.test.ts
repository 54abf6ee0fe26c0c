import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSameTensors } from '../../test/compare-checkpoints.ts';
import { hasSharedData, sharedData } from '../../test/shared-data.ts';
import { tinyCheckpoint, tinyConfig } from '../../test/tiny-llama.ts';
import type { Checkpoint } from './checkpoint.ts';
import { openCheckpoint } from './open.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'corral-llama2c-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const config = tinyConfig({
  vocab: 40,
  dim: 24,
  heads: 6,
  kvHeads: 2,
  headDim: 4,
  feedForward: 40,
});

const kinds = ['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_down', 'ffn_up'];

async function valuesOf(checkpoint: Checkpoint, name: string): Promise<Float32Array> {
  const bytes = checkpoint.tensors.get(name)?.bytes ?? 0;
  return new Float32Array((await checkpoint.read(name, 0, bytes)).slice().buffer);
}

/** The header of versions 1 and 2. */
function header(version: number, tied: boolean, groupSize?: number): Buffer {
  const bytes = Buffer.alloc(256);
  const { dim, feedForward, layers, heads, kvHeads, vocab, context } = config;
  bytes.write('24ka', 'latin1');
  const numbers = [version, dim, feedForward, layers, heads, kvHeads, vocab, context];
  for (const [i, value] of numbers.entries()) bytes.writeInt32LE(value, 4 + 4 * i);
  bytes[36] = tied ? 1 : 0;
  if (groupSize !== undefined) bytes.writeInt32LE(groupSize, 37);
  return bytes;
}

/** A version 2 file as export.py writes it, and the values runq.c takes it for. */
async function writeVersion2(
  source: Checkpoint,
  groupSize: number,
): Promise<{ bytes: Buffer; expected: Map<string, Float32Array> }> {
  const parts: Uint8Array[] = [header(2, false, groupSize)];
  const expected = new Map<string, Float32Array>();
  const layers = Array.from({ length: config.layers }, (_, i) => i);
  const norms = [
    ...layers.map((i) => `blk.${i}.attn_norm.weight`),
    ...layers.map((i) => `blk.${i}.ffn_norm.weight`),
    'output_norm.weight',
  ];
  for (const name of norms) {
    const values = await valuesOf(source, name);
    expected.set(name, values);
    parts.push(new Uint8Array(values.buffer));
  }
  const matrices = kinds.flatMap((kind) => layers.map((i) => `blk.${i}.${kind}.weight`));
  for (const name of ['token_embd.weight', ...matrices, 'output.weight']) {
    const values = await valuesOf(source, name);
    const quantised = new Int8Array(values.length);
    const scales = new Float32Array(values.length / groupSize);
    const dequantised = new Float32Array(values.length);
    for (let group = 0; group < scales.length; group++) {
      const start = group * groupSize;
      const largest = Math.max(...values.subarray(start, start + groupSize).map(Math.abs));
      scales[group] = largest / 127;
      for (let i = start; i < start + groupSize; i++) {
        quantised[i] = Math.round((values[i] as number) / (scales[group] as number));
        dequantised[i] = (quantised[i] as number) * (scales[group] as number);
      }
    }
    parts.push(new Uint8Array(quantised.buffer), new Uint8Array(scales.buffer));
    expected.set(name, dequantised);
  }
  return { bytes: Buffer.concat(parts), expected };
}

describe('llama2.c version 2', () => {
  // A group of 48 does not divide the 40 columns of w2: groups run on across its rows.
  it.each([8, 24, 48])('reads int8 groups of %i as runq.c dequantises them', async (groupSize) => {
    const { bytes, expected } = await writeVersion2(tinyCheckpoint(config), groupSize);
    const path = join(folder, `v2-${groupSize}.bin`);
    await writeFile(path, bytes);
    const opened = await openCheckpoint(path);
    expect(opened.config).toEqual(config);
    expect([...opened.tensors.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [name, values] of expected) {
      expect(await valuesOf(opened, name), name).toEqual(values);
    }
    const whole = await opened.read('output.weight', 0, 960);
    for (const [offset, length] of [
      [1, 2],
      [5, 101],
      [190, 10],
      [959, 1],
      [0, 0],
    ] as const) {
      const part = await opened.read('output.weight', offset, length);
      expect(Buffer.compare(part, whole.subarray(offset, offset + length))).toBe(0);
    }
    await opened.close();
  });
});

describe('a damaged llama2.c file', () => {
  it.each<[string, (bytes: Buffer) => Buffer, string]>([
    ['one byte short', (bytes) => bytes.subarray(0, -1), 'CORRAL_FORMAT_DAMAGED'],
    ['one byte long', (bytes) => Buffer.concat([bytes, Buffer.alloc(1)]), 'CORRAL_FORMAT_DAMAGED'],
    ['of version 3', (bytes) => put(bytes, 4, 3), 'CORRAL_FORMAT_UNSUPPORTED'],
    ['with 7 heads for dim 24', (bytes) => put(bytes, 20, 7), 'CORRAL_FORMAT_DAMAGED'],
    ['with no layers', (bytes) => put(bytes, 16, 0), 'CORRAL_FORMAT_DAMAGED'],
    ['with 2 billion layers', (bytes) => put(bytes, 16, 2 ** 31 - 1), 'CORRAL_FORMAT_DAMAGED'],
    ['with a group size of 0', (bytes) => put(bytes, 37, 0), 'CORRAL_FORMAT_DAMAGED'],
  ])('%s is refused', async (_, damage, code) => {
    const { bytes } = await writeVersion2(tinyCheckpoint(config), 8);
    const path = join(folder, 'damaged.bin');
    await writeFile(path, damage(bytes));
    await expect(openCheckpoint(path)).rejects.toMatchObject({ code });
  });
});

function put(bytes: Buffer, offset: number, value: number): Buffer {
  bytes.writeInt32LE(value, offset);
  return bytes;
}

describe.skipIf(!hasSharedData)('trained llama2.c checkpoints (needs the shared data)', () => {
  const v0 = sharedData('stories260K', 'stories260K.bin');

  it('holds the same weights in version 0 and version 1', async () => {
    const [zero, one] = [
      await openCheckpoint(v0),
      await openCheckpoint(sharedData('stories260K', 'checkpoint_v1.bin')),
    ];
    expect(one.config).toEqual(zero.config);
    await expectSameTensors(one, zero);
    await zero.close();
    await one.close();
  });

  it('has the 260,032 parameters its training records state', async () => {
    const checkpoint = await openCheckpoint(v0);
    const bytes = [...checkpoint.tensors.values()].reduce((sum, tensor) => sum + tensor.bytes, 0);
    expect(bytes / 4).toBe(260_032);
    expect(await checkpoint.tokenizer()).toBeUndefined();
    await checkpoint.close();
  });

  it('takes a negative vocabulary as an own head', async () => {
    const original = readFileSync(v0);
    const path = join(folder, 'untied.bin');
    const untied = Buffer.concat([original, Buffer.alloc(512 * 64 * 4)]);
    untied.writeInt32LE(-512, 20);
    await writeFile(path, untied);
    const opened = await openCheckpoint(path);
    expect(opened.config.tiedEmbeddings).toBe(false);
    expect(opened.tensors.get('output.weight')?.shape).toEqual([512, 64]);
    await opened.close();
  });

  it('says how large a version 0 file should be, and where it ends or goes on', async () => {
    const original = readFileSync(v0);
    const path = join(folder, 'cut.bin');
    const size = original.length;
    for (const [bytes, offset] of [
      [original.subarray(0, -4), size - 4],
      [original.subarray(0, size >> 1), size >> 1],
      [original.subarray(0, 28), 28],
      [Buffer.concat([original, Buffer.alloc(8)]), size],
    ] as const) {
      await writeFile(path, bytes);
      await expect(openCheckpoint(path)).rejects.toMatchObject({
        code: 'CORRAL_FORMAT_DAMAGED',
        message: expect.stringContaining(`byte ${offset}: expected a file of ${size} bytes`),
      });
    }
  });

  it.each(['stories260K.bin', 'checkpoint_v1.bin'])(
    'says that the numbers of %s are in the other byte order',
    async (name) => {
      const path = join(folder, name);
      await writeFile(path, readFileSync(sharedData('stories260K', name)).swap32());
      await expect(openCheckpoint(path)).rejects.toMatchObject({
        code: 'CORRAL_FORMAT_DAMAGED',
        message: expect.stringMatching(/byte 0: expected little-endian numbers/),
      });
    },
  );

  it('opens the second trained checkpoint with the tokenizer it is given', async () => {
    const opened = await openCheckpoint(sharedData('babyllama105', 'model5000.bin'), {
      tokenizer: sharedData('babyllama105', 'tok105.model'),
    });
    expect(opened.config).toMatchObject({ dim: 128, layers: 5, kvHeads: 4, vocab: 105 });
    expect((await opened.tokenizer())?.size).toBe(105);
    await opened.close();
  });
});
