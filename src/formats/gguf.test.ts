// GGUF files: what we write is read by us and by @huggingface/gguf alike; what is wrong with a file is
// named with its byte; damage never does more than throw.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gguf as parseIndependently } from '@huggingface/gguf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mutate, seededRandom } from '../../test/mutate.ts';
import { hasSharedData, sharedData } from '../../test/shared-data.ts';
import { tinyCheckpoint, tinyConfig, tinyTokenizer } from '../../test/tiny-llama.ts';
import { CorralError } from '../base/define-errors.ts';
import { ropeFrequencies } from '../model/rope.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { FileSink } from './files.ts';
import { openGguf, readGguf, readGgufTokenizer } from './gguf.ts';
import { ggufMetadata, ropeFactorTensor } from './gguf-model.ts';
import { arrayField, type GgufField, type GgufItem, type GgufType } from './gguf-values.ts';
import { type GgufTensorToWrite, writeGguf } from './gguf-write.ts';
import type { LlamaConfig } from './llama-config.ts';

let folder: string;
const place = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'corral-gguf-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const small = tinyConfig({ vocab: 300 });

const made = new Map<string, Checkpoint>();

function sourceOf(config: LlamaConfig): Checkpoint {
  const key = JSON.stringify(config);
  const source = made.get(key) ?? tinyCheckpoint(config, { dtype: 'q8_0' });
  made.set(key, source);
  return source;
}

/** A whole small model; `change` may alter its metadata and tensors before it is written. */
async function writeModel(
  name: string,
  config: LlamaConfig = small,
  change: (fields: Map<string, GgufField>, tensors: GgufTensorToWrite[]) => void = () => {},
): Promise<string> {
  const checkpoint = sourceOf(config);
  const tokenizer = tinyTokenizer(290);
  const metadata = ggufMetadata({
    config,
    name: 'A small one',
    fileType: 7,
    tokenizer,
    chatTemplate: '{{ messages }}',
    endTokens: [2, 5],
    licence: 'mit',
  });
  const factors = ropeFactorTensor(config);
  const tensors: GgufTensorToWrite[] = Array.from(checkpoint.tensors.values(), (info) => ({
    ...info,
    write: async (sink) => sink.write(await checkpoint.read(info.name, 0, info.bytes)),
  }));
  if (factors) tensors.unshift(factors);
  change(metadata, tensors);
  await writeGguf(place(name), { metadata, tensors });
  return place(name);
}

function text(type: GgufType, value: GgufItem): GgufField {
  return { type, value };
}

describe('a file we wrote', () => {
  it('gives back config, tensors, tokenizer and the rest', async () => {
    const config = { ...small, slidingWindow: 64, normEps: 1e-6, ropeTheta: 500000 };
    const checkpoint = await openGguf(await writeModel('whole.gguf', config));
    expect(checkpoint).toMatchObject({
      format: 'gguf',
      name: 'A small one',
      config,
      chatTemplate: '{{ messages }}',
      licence: 'mit',
      generation: { endTokens: [2, 5] },
    });
    const source = sourceOf(config);
    expect([...checkpoint.tensors]).toEqual([...source.tensors]);
    for (const { name, bytes } of source.tensors.values()) {
      expect(await checkpoint.read(name, 0, bytes)).toEqual(await source.read(name, 0, bytes));
      const region = checkpoint.region(name);
      expect(region).toMatchObject({ path: place('whole.gguf'), length: bytes });
      const raw = (await readFile(place('whole.gguf'))).subarray(
        region?.offset,
        (region?.offset ?? 0) + 8,
      );
      expect([...raw]).toEqual([...(await source.read(name, 0, 8))]);
    }
    const [before, after] = [tinyTokenizer(290), await checkpoint.tokenizer()];
    expect(after?.size).toBe(300);
    for (let id = 0; id < 290; id++) {
      expect(after?.piece(id)).toBe(before.piece(id));
      expect(after?.score(id)).toBe(before.score(id));
      expect(after?.kindOf(id)).toBe(before.kindOf(id));
    }
    const story = 'the hen was in an inn';
    expect(after?.encode(story, { bos: true })).toEqual(before.encode(story, { bos: true }));
    await checkpoint.close();
    await expect(checkpoint.read('output.weight', 0, 1)).rejects.toThrow(/it was closed/);
  });

  it('means the same to an independent parser', async () => {
    const path = await writeModel('independent.gguf');
    const theirs = await parseIndependently(path, { allowLocalFile: true });
    const ours = await readGguf(path);
    expect(theirs.metadata).toMatchObject({
      version: 3,
      tensor_count: BigInt(ours.tensors.size),
      kv_count: BigInt(ours.metadata.size),
      'general.architecture': 'llama',
      'llama.attention.head_count_kv': 2,
      'tokenizer.ggml.bos_token_id': 1,
      'tokenizer.ggml.add_bos_token': true,
    });
    const loose = theirs.metadata as unknown as Record<string, unknown>;
    for (const [key, { value }] of ours.metadata) {
      const plain = typeof value === 'object' ? value.values() : value;
      expect(loose[key]).toEqual(plain);
    }
    const found = theirs.tensorInfos.map(({ name, shape, dtype, offset }) => ({
      name,
      type: dtype as number,
      shape: shape.map(Number).reverse(),
      offset: Number(offset) + Number(theirs.tensorDataOffset),
    }));
    expect(found).toEqual(
      Array.from(ours.tensors.values(), ({ name, type, shape, offset }) => ({
        name,
        type,
        shape,
        offset,
      })),
    );
    await ours.close();
  });

  it.each([
    { kind: 'none' },
    { kind: 'linear', factor: 4 },
    { kind: 'yarn', factor: 8, originalContext: 64, betaFast: 32, betaSlow: 1 },
    {
      kind: 'yarn',
      factor: 4,
      originalContext: 64,
      betaFast: 16,
      betaSlow: 2,
      attentionFactor: 1.5,
    },
    { kind: 'ntk', factor: 2 },
    {
      kind: 'llama3',
      factor: 8,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalContext: 64,
    },
    { kind: 'factors', factors: [1, 2, 3, 4.5] },
  ] as const)('turns rotary frequencies by the same angles: %o', async (ropeScaling) => {
    const config = { ...small, ropeScaling };
    const checkpoint = await openGguf(await writeModel('rope.gguf', config));
    const [before, after] = [ropeFrequencies(config, 100), ropeFrequencies(checkpoint.config, 100)];
    expect(after.length).toBe(4);
    for (const [i, frequency] of after.entries()) {
      expect(Math.abs(frequency / (before[i] ?? 0) - 1)).toBeLessThan(1e-6);
    }
    const { ropeScaling: read } = checkpoint.config;
    if (ropeScaling.kind === 'yarn' && 'attentionFactor' in ropeScaling) {
      expect(read.kind === 'yarn' && read.attentionFactor).toBeCloseTo(1.5, 6);
    } else if (ropeScaling.kind === 'yarn') expect(read).toEqual(ropeScaling);
    await checkpoint.close();
  });

  it('refuses dynamic scaling, which GGUF cannot say', () => {
    const ropeScaling = { kind: 'dynamic', factor: 2, originalContext: 64 } as const;
    const config = { ...small, ropeScaling };
    expect(() => ggufMetadata({ config, name: '', fileType: 0 })).toThrow(/dynamic NTK/);
  });

  it('shares the embedding when there is no output matrix', async () => {
    const checkpoint = await openGguf(
      await writeModel('tied.gguf', { ...small, tiedEmbeddings: true }),
    );
    expect(checkpoint.config.tiedEmbeddings).toBe(true);
    await checkpoint.close();
  });

  it('keeps metadata of every type, nested arrays included', async () => {
    const fields = new Map<string, GgufField>([
      ['a', text('u8', 255)],
      ['b', text('i8', -128)],
      ['c', text('u16', 65535)],
      ['d', text('i16', -32768)],
      ['e', text('u32', 4294967295)],
      ['f', text('i32', -2147483648)],
      ['g', text('f32', 0.5)],
      ['h', text('bool', true)],
      ['i', text('string', 'Ñandú \u{1f999}\0')],
      ['j', text('u64', 18446744073709551615n)],
      ['k', text('i64', -9007199254740993n)],
      ['l', text('i64', -5)],
      ['m', text('f64', Math.PI)],
      ['n', arrayField('bool', [true, false])],
      [
        'o',
        arrayField('array', [
          { items: 'i16', length: 2, values: () => [1, -1] },
          { items: 'string', length: 1, values: () => ['x'] },
        ]),
      ],
      ['p', arrayField('f64', [])],
    ]);
    await writeGguf(place('types.gguf'), { metadata: fields, tensors: [] });
    const file = await readGguf(place('types.gguf'));
    const plain = (value: GgufItem | undefined): unknown =>
      typeof value === 'object' ? [value.items, ...value.values().map(plain)] : value;
    for (const [key, { type, value }] of fields) {
      expect(file.metadata.get(key)?.type).toBe(type);
      expect(plain(file.metadata.get(key)?.value)).toEqual(plain(value));
    }
    await file.close();
  });
});

describe('a split file', () => {
  async function writeSplit(name: string): Promise<string[]> {
    const parts = [1, 2, 3].map((part) => `${name}-0000${part}-of-00003.gguf`);
    for (const [no, part] of parts.entries()) {
      await writeModel(part, small, (fields, tensors) => {
        if (no > 0) fields.clear();
        fields.set('split.no', text('u16', no));
        fields.set('split.count', text('u16', 3));
        fields.set('split.tensors.count', text('i32', tensors.length));
        const size = Math.ceil(tensors.length / 3);
        tensors.splice(0, tensors.length, ...tensors.slice(no * size, (no + 1) * size));
      });
    }
    return parts.map(place);
  }

  it('opens whole from any of its parts', async () => {
    const parts = await writeSplit('model');
    for (const path of parts) {
      const checkpoint = await openGguf(path);
      expect(checkpoint.files.toSorted()).toEqual(parts);
      const source = sourceOf(small);
      for (const { name, bytes } of source.tensors.values()) {
        expect(await checkpoint.read(name, 0, bytes)).toEqual(await source.read(name, 0, bytes));
      }
      expect((await checkpoint.tokenizer())?.size).toBe(300);
      expect((await readGgufTokenizer(path))?.size).toBe(300);
      await checkpoint.close();
    }
  });

  it('names the part that is missing, and one that belongs elsewhere', async () => {
    const parts = await writeSplit('broken');
    await rm(parts[1] ?? '');
    await expect(openGguf(parts[0] ?? '')).rejects.toThrow(/no file.*broken-00002-of-00003/);
    await writeFile(parts[1] ?? '', await readFile(parts[2] ?? ''));
    await expect(openGguf(parts[0] ?? '')).rejects.toThrow(
      /broken-00002-of-00003.*1 of 3, found 2 of 3/,
    );
    await writeFile(place('renamed.gguf'), await readFile(parts[0] ?? ''));
    await expect(openGguf(place('renamed.gguf'))).rejects.toThrow(/-of-00003\.gguf/);
  });
});

describe('what is not a Llama we can run', () => {
  type Change = Parameters<typeof writeModel>[2];
  it.each<[string, RegExp, Change]>([
    [
      'another architecture',
      /the architecture qwen2.*Allowed: llama/,
      (f) => f.set('general.architecture', text('string', 'qwen2')),
    ],
    ['experts', /8 experts/, (f) => f.set('llama.expert_count', text('u32', 8))],
    [
      'unknown scaling',
      /RoPE scaling longrope/,
      (f) => f.set('llama.rope.scaling.type', text('string', 'longrope')),
    ],
    [
      'no width',
      /llama\.embedding_length must be a whole number, found nothing/,
      (f) => f.delete('llama.embedding_length'),
    ],
    [
      'a text for a number',
      /llama\.block_count must be one number, found "two"/,
      (f) => f.set('llama.block_count', text('string', 'two')),
    ],
    [
      'absurd layers',
      /llama\.block_count must be a whole number from 1 to 4096/,
      (f) => f.set('llama.block_count', text('u32', 4e9)),
    ],
    [
      'more heads for keys than fit',
      /head_count_kv must be a divisor of 6, found 4/,
      (f) => f.set('llama.attention.head_count_kv', text('u32', 4)),
    ],
    [
      'half-rotated heads',
      /rotation of 4 of 8/,
      (f) => f.set('llama.rope.dimension_count', text('u32', 4)),
    ],
    [
      'one layer too many',
      /no tensor blk\.2\.attn_norm\.weight/,
      (f) => f.set('llama.block_count', text('u32', 3)),
    ],
    [
      'another vocabulary',
      /token_embd\.weight has shape \[300, 48\].*\[301, 48\]/,
      (f) => f.set('llama.vocab_size', text('u32', 301)),
    ],
    [
      'a bias',
      /none for blk\.0\.attn_q\.bias/,
      (_, t) => {
        t.push({
          name: 'blk.0.attn_q.bias',
          dtype: 'f32',
          shape: [48],
          write: (s) => s.write(new Uint8Array(192)),
        });
      },
    ],
    [
      'tokens that are numbers',
      /tokens must be a list of strings/,
      (f) => f.set('tokenizer.ggml.tokens', arrayField('u8', new Array(300).fill(1))),
    ],
  ])('%s', async (_, message, change) => {
    const path = await writeModel('refused.gguf', small, change);
    const opening = openGguf(path).then((checkpoint) => checkpoint.tokenizer());
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.toBeInstanceOf(CorralError);
  });

  it('takes per-layer values that are all the same, and old linear scaling', async () => {
    const path = await writeModel('layers.gguf', small, (fields) => {
      fields.set('llama.feed_forward_length', arrayField('i32', [72, 72]));
      fields.delete('llama.attention.head_count_kv');
      fields.set('llama.attention.head_count_kv', arrayField('u32', [2, 2]));
      fields.set('llama.rope.scale_linear', text('f32', 4));
      fields.delete('llama.attention.key_length');
      fields.delete('llama.vocab_size');
    });
    const checkpoint = await openGguf(path);
    expect(checkpoint.config).toEqual({ ...small, ropeScaling: { kind: 'linear', factor: 4 } });
    await checkpoint.close();
  });

  it('names a tensor type Corral does not compute with, and the way out', async () => {
    const path = await writeModel('iq.gguf');
    const bytes = await readFile(path);
    const at = bytes.indexOf('blk.1.ffn_up.weight') + 'blk.1.ffn_up.weight'.length + 4 + 16;
    for (const [type, name] of [
      [20, 'IQ4_NL'],
      [39, 'MXFP4'],
      [34, 'TQ1_0'],
      [777, 'number 777'],
    ] as const) {
      bytes.writeUInt32LE(type, at);
      await writeFile(path, bytes);
      await expect(openGguf(path)).rejects.toThrow(
        expect.objectContaining({
          code: 'CORRAL_DTYPE_UNSUPPORTED',
          message: expect.stringContaining(`blk.1.ffn_up.weight of ${path} is of type ${name}`),
          hint: expect.stringContaining('Q4_K_M'),
        }),
      );
      expect((await readGgufTokenizer(path))?.size).toBe(300);
    }
  });
});

describe('a damaged file', () => {
  async function broken(change: (bytes: Buffer) => Buffer | undefined): Promise<unknown> {
    const bytes = await readFile(await writeModel('damaged.gguf'));
    await writeFile(place('damaged.gguf'), change(bytes) ?? bytes);
    return readGguf(place('damaged.gguf')).then(
      async (file) => file.close(),
      (error: unknown) => error,
    );
  }
  const nameAt = (bytes: Buffer, name: string): number => bytes.indexOf(name) + name.length;

  it.each<[string, RegExp, (bytes: Buffer) => Buffer | undefined]>([
    ['another magic', /byte 0: expected the magic GGUF, found 0x/, (b) => void b.write('GGML')],
    ['the other byte order', /big-endian GGUF, from byte 0/, (b) => void b.write('FUGG')],
    [
      'a version in the other byte order',
      /big-endian GGUF, from byte 4/,
      (b) => void b.writeUInt32BE(3, 4),
    ],
    ['version 1', /GGUF version 1.*versions 2 and 3/, (b) => void b.writeUInt32LE(1, 4)],
    ['version 9', /GGUF version 9/, (b) => void b.writeUInt32LE(9, 4)],
    [
      'an absurd tensor count',
      /byte 8: expected the number of tensors of at most/,
      (b) => void b.writeBigUInt64LE(2n ** 40n, 8),
    ],
    [
      'an absurd entry count',
      /byte 16: expected the number of metadata entries/,
      (b) => void b.writeBigUInt64LE(2n ** 63n, 16),
    ],
    [
      'an endless key',
      /byte 24: expected the length of a metadata key/,
      (b) => void b.writeBigUInt64LE(2n ** 64n - 1n, 24),
    ],
    [
      'a type that is none',
      /the type of general\.architecture \(0 to 12\), found 13/,
      (b) => void b.writeUInt32LE(13, nameAt(b, 'general.architecture')),
    ],
    [
      'an endless list',
      /items of tokenizer\.ggml\.tokens, found only \d+ bytes left/,
      (b) => void b.writeBigUInt64LE(2n ** 50n, nameAt(b, 'tokenizer.ggml.tokens') + 8),
    ],
    [
      'five axes',
      /the number of axes of output_norm\.weight of at most 4, found 5/,
      (b) => void b.writeUInt32LE(5, nameAt(b, 'output_norm.weight')),
    ],
    [
      'a size of zero',
      /a possible size of output_norm\.weight, found 0/,
      (b) => void b.writeBigUInt64LE(0n, nameAt(b, 'output_norm.weight') + 4),
    ],
    [
      'a product beyond counting',
      /a possible size of token_embd/,
      (b) => void b.writeBigUInt64LE(2n ** 52n, nameAt(b, 'token_embd.weight') + 12),
    ],
    [
      'a tensor past the end',
      /bytes of output_norm\.weight from \d+ on, found a file of/,
      (b) => void b.writeBigUInt64LE(2n ** 40n, nameAt(b, 'output_norm.weight') + 16),
    ],
    [
      'an unaligned tensor',
      /aligned to 32, found 8/,
      (b) => void b.writeBigUInt64LE(8n, nameAt(b, 'output_norm.weight') + 16),
    ],
    [
      'tensors over one another',
      /output_norm\.weight behind|behind output_norm\.weight/,
      (b) => void b.writeBigUInt64LE(32n, nameAt(b, 'output_norm.weight') + 16),
    ],
    [
      'one name twice',
      /each tensor name once, found blk\.1\.ffn_up\.weight a second time/,
      (b) => void b.write('blk.1', b.indexOf('blk.0.ffn_up.weight')),
    ],
    [
      'one key twice',
      /each metadata key once, found llama\.block_count a second time/,
      (b) => void b.write('llama.block_count', b.indexOf('llama.block_count') + 29, 0),
    ],
    [
      'bytes behind its last tensor',
      /byte \d+: expected the end of the file, behind .*, found 33 more bytes/,
      (b) => Buffer.concat([b, Buffer.alloc(33)]),
    ],
    ['half of it missing', /found a file of \d+ bytes/, (b) => b.subarray(0, b.length >> 1)],
    ['all but the start missing', /only 0 bytes left/, (b) => b.subarray(0, 24)],
    ['nothing in it', /byte 0: expected the magic/, () => Buffer.alloc(0)],
  ])('%s', async (name, message, change) => {
    if (name === 'one key twice') {
      const fields = new Map([
        ['llama.block_count', text('u8', 1)],
        ['llama.block_couns', text('u8', 2)],
      ]);
      await writeGguf(place('twice.gguf'), { metadata: fields, tensors: [] });
      const bytes = await readFile(place('twice.gguf'));
      bytes.write('t', bytes.indexOf('couns') + 4);
      await writeFile(place('twice.gguf'), bytes);
      await expect(readGguf(place('twice.gguf'))).rejects.toThrow(message);
      return;
    }
    const error = await broken(change);
    expect(error).toBeInstanceOf(CorralError);
    expect((error as CorralError).message).toMatch(message);
  });

  it('may lack the padding behind its last tensor', async () => {
    const tensor = { name: 'x', dtype: 'f32', shape: [3] } as const;
    const write = async (sink: FileSink): Promise<void> => sink.write(new Uint8Array(12));
    const path = place('unpadded.gguf');
    await writeGguf(path, { metadata: new Map(), tensors: [{ ...tensor, write }] });
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, -20));
    await (await readGguf(path)).close();
  });

  it('stops at arrays in arrays without end', async () => {
    const head = Buffer.concat([
      Buffer.from('GGUF'),
      Buffer.from(Uint32Array.of(3).buffer),
      Buffer.from(BigUint64Array.of(0n, 1n, 1n).buffer),
      Buffer.from('k'),
      Buffer.from(Uint32Array.of(9).buffer),
    ]);
    const level = Buffer.from(Uint32Array.of(9, 1, 0).buffer);
    await writeFile(place('deep.gguf'), Buffer.concat([head, ...new Array(50_000).fill(level)]));
    await expect(readGguf(place('deep.gguf'))).rejects.toThrow(/at most 4 arrays in one another/);
  });

  it('throws only Corral errors for 500 mutations and takes no memory for them', async () => {
    const whole = await readFile(await writeModel('fuzz.gguf'));
    // Mostly header: the tensors' bytes mean nothing to the reader.
    const random = seededRandom(20260801);
    const path = place('mutated.gguf');
    let opened = 0;
    for (let round = 0; round < 500; round++) {
      await writeFile(path, mutate(whole, random));
      const before = process.memoryUsage().arrayBuffers;
      try {
        const checkpoint = await openGguf(path);
        try {
          opened++;
          await checkpoint.tokenizer();
          for (const { name, bytes } of checkpoint.tensors.values()) {
            await checkpoint.read(name, 0, Math.min(bytes, 64));
          }
        } finally {
          await checkpoint.close();
        }
      } catch (error) {
        if (!(error instanceof CorralError)) {
          throw new Error(`round ${round} of seed 20260801: ${error}`, { cause: error });
        }
      }
      const grown = process.memoryUsage().arrayBuffers - before;
      expect(grown).toBeLessThan(64 * 2 ** 20 + 4 * whole.length);
    }
    expect(opened).toBeGreaterThan(20);
    expect(opened).toBeLessThan(480);
  });
});

describe.skipIf(!hasSharedData)(
  'files of others (skipped where the shared data are absent)',
  () => {
    it('reads llama-2-tiny-random as the independent parser does, and its values', async () => {
      const path = sharedData('llama-2-tiny-random-gguf', 'llama-2-tiny-random.gguf');
      const checkpoint = await openGguf(path);
      expect(checkpoint.config).toEqual({
        vocab: 32000,
        dim: 8,
        layers: 1,
        heads: 2,
        kvHeads: 2,
        headDim: 4,
        feedForward: 32,
        normEps: 1e-5,
        ropeTheta: 10000,
        ropeScaling: { kind: 'none' },
        context: 4096,
        tiedEmbeddings: false,
      });
      expect(checkpoint.tensors.size).toBe(12);
      const theirs = await parseIndependently(path, { allowLocalFile: true });
      for (const { name, shape, offset } of theirs.tensorInfos) {
        expect(checkpoint.tensors.get(name)?.shape).toEqual(shape.map(Number).reverse());
        expect(checkpoint.region(name)?.offset).toBe(Number(offset + theirs.tensorDataOffset));
      }
      const tokenizer = await checkpoint.tokenizer();
      expect(tokenizer?.encode('Hello world', { bos: true })).toEqual([1, 15043, 3186]);
      await checkpoint.close();
    });

    it('takes the tokenizer of a file that has nothing else, and says what is missing to run it', async () => {
      const path = sharedData('llama2-tokenizer', 'ggml-vocab-llama-spm.gguf');
      expect((await readGgufTokenizer(path))?.encode('Hello world')).toEqual([15043, 3186]);
      await expect(openGguf(path)).rejects.toThrow(/no tensor token_embd\.weight/);
      const file = await readGguf(path);
      expect(file.metadata.get('llama.embedding_length')?.value).toBe(4096);
      expect(file.metadata.get('tokenizer.ggml.tokens')?.value).toMatchObject({ length: 32000 });
      await file.close();
    });
  },
);
