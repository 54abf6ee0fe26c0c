import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSameTensors } from '../../test/compare-checkpoints.ts';
import { hasSharedData, sharedData } from '../../test/shared-data.ts';
import { tinyCheckpoint, tinyConfig } from '../../test/tiny-llama.ts';
import type { Progress } from '../base/progress.ts';
import { dequantize, quantize } from '../tensor/codecs/codec.ts';
import type { WeightDType } from '../tensor/dtype.ts';
import { tokenizerFromGguf } from '../tokenizer/index.ts';
import type { Checkpoint } from './checkpoint.ts';
import { convertCheckpoint } from './convert.ts';
import type { LlamaConfig, RopeScaling } from './llama-config.ts';
import { openCheckpoint, openTokenizer } from './open.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'corral-convert-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const model = tinyCheckpoint();
// Rows of 256, which k-quants hold, and of 320, which they do not.
const wide = tinyCheckpoint(
  tinyConfig({
    vocab: 270,
    dim: 256,
    heads: 8,
    kvHeads: 4,
    headDim: 32,
    feedForward: 320,
    layers: 1,
  }),
);

async function valuesOf(checkpoint: Checkpoint, name: string): Promise<Float32Array> {
  const info = checkpoint.tensors.get(name);
  if (info === undefined) throw new Error(`no ${name}`);
  const bytes = await checkpoint.read(name, 0, info.bytes);
  const count = info.shape.reduce((a, b) => a * b, 1);
  return dequantize(info.dtype as WeightDType, bytes, count);
}

const withConfig = (changes: Partial<LlamaConfig>): Checkpoint => ({
  ...model,
  config: { ...model.config, ...changes },
});

describe('convertCheckpoint', () => {
  it.each(['there-and-back.gguf', 'there-and-back'])(
    'keeps every f32 bit through %s',
    async (name) => {
      const out = join(folder, name);
      const checkpoint = { ...model, chatTemplate: '{{ messages }}' };
      const report = await convertCheckpoint(checkpoint, out, { type: 'f32' });
      expect(report.fallbacks).toEqual([]);
      const opened = await openCheckpoint(out);
      expect(opened.config).toEqual(model.config);
      expect(opened.chatTemplate).toBe('{{ messages }}');
      expect(opened.generation.endTokens).toEqual([2]);
      await expectSameTensors(opened, model);
      const [ours, original] = [await opened.tokenizer(), await model.tokenizer()];
      const text = 'the hatter was at sea';
      expect(ours?.encode(text)).toEqual(original?.encode(text));
      expect(ours?.size).toBe(original?.size);
      await opened.close();
    },
  );

  it('stores q and k for Hugging Face in halves, and everything else as it is', async () => {
    const out = join(folder, 'halves');
    await convertCheckpoint(model, out, { type: 'f32' });
    const bytes = await readFile(join(out, 'model.safetensors'));
    const length = Number(bytes.readBigUInt64LE());
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
    const rowsOf = (name: string, columns: number): number[][] => {
      const [start, end] = header[name].data_offsets as [number, number];
      const data = bytes.subarray(8 + length + start, 8 + length + end);
      const values = [...new Float32Array(Uint8Array.from(data).buffer)];
      return Array.from({ length: values.length / columns }, (_, row) =>
        values.slice(row * columns, (row + 1) * columns),
      );
    };
    const original = [...(await valuesOf(model, 'blk.1.attn_k.weight'))];
    const rows = Array.from({ length: 16 }, (_, row) => original.slice(row * 48, row * 48 + 48));
    // Heads of 8 rows: 0 2 4 6 1 3 5 7.
    const order = [0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15];
    expect(rowsOf('model.layers.1.self_attn.k_proj.weight', 48)).toEqual(
      order.map((at) => rows[at]),
    );
    const v = [...(await valuesOf(model, 'blk.1.attn_v.weight'))];
    expect(rowsOf('model.layers.1.self_attn.v_proj.weight', 48).flat()).toEqual(v);
  });

  it.each(['f16', 'bf16', 'q8_0', 'q4_0', 'q4_k', 'q5_k', 'q6_k', 'q4_k_m', 'q5_k_m'])(
    'writes %s as the codecs do, and lists what did not fit',
    async (type) => {
      const out = join(folder, `${type}.gguf`);
      const report = await convertCheckpoint(wide, out, { type });
      const opened = await openCheckpoint(out);
      let bytes = 0;
      for (const info of opened.tensors.values()) {
        const written = await opened.read(info.name, 0, info.bytes);
        const values = await valuesOf(wide, info.name);
        expect(
          Buffer.compare(written, quantize(info.dtype as WeightDType, values)),
          info.name,
        ).toBe(0);
        bytes += info.bytes;
      }
      expect(report.bytes).toBe(bytes);
      const used = new Map([...opened.tensors].map(([name, { dtype }]) => [name, dtype]));
      for (const fallback of report.fallbacks) expect(used.get(fallback.name)).toBe(fallback.used);
      const misfits = /_k/.test(type) ? ['blk.0.ffn_down.weight'] : [];
      expect(report.fallbacks.map(({ name }) => name)).toEqual(misfits);
      await opened.close();
    },
  );

  it('copies bytes whose type stays, even where quantising again would change them', async () => {
    const first = join(folder, 'first.gguf');
    await convertCheckpoint(wide, first, { type: 'q4_k_m' });
    const opened = await openCheckpoint(first);
    const second = join(folder, 'second.gguf');
    await convertCheckpoint(opened, second, { type: 'q4_k_m' });
    expect(Buffer.compare(await readFile(first), await readFile(second))).toBe(0);
    await opened.close();
  });

  it('counts progress in source bytes, up to the total', async () => {
    const seen: Progress[] = [];
    const onProgress = (progress: Progress): void => void seen.push(progress);
    await convertCheckpoint(model, join(folder, 'progress.gguf'), { type: 'f16', onProgress });
    const total = [...model.tensors.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    expect(seen.at(-1)).toEqual({ task: 'Converting', done: total, total, unit: 'bytes' });
    expect(seen.every(({ done }, i) => done > (seen[i - 1]?.done ?? 0))).toBe(true);
  });

  it.each(['stopped.gguf', 'stopped'])('leaves nothing behind when stopped: %s', async (name) => {
    const inside = await mkdtemp(join(folder, 'stop-'));
    const controller = new AbortController();
    const stopped = convertCheckpoint(model, join(inside, name), {
      type: 'f16',
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(stopped).rejects.toMatchObject({ code: 'CORRAL_ABORTED' });
    expect(await readdir(inside)).toEqual([]);
  });

  it('refuses types it does not know, and quantised safetensors', async () => {
    for (const [out, type] of [
      ['x.gguf', 'q3_k'],
      ['x', 'q8_0'],
      ['x.gguf', 'toString'],
    ] as const) {
      await expect(convertCheckpoint(model, join(folder, out), { type })).rejects.toMatchObject({
        code: 'CORRAL_OPTION_INVALID',
        message: expect.stringContaining('f16'),
      });
    }
  });

  it('replaces its own folder, but none with files that it did not write', async () => {
    const out = join(folder, 'mine');
    await mkdir(out);
    await convertCheckpoint(model, out, { type: 'f16' });
    await convertCheckpoint(model, out, { type: 'f32' });
    const before = await readdir(out);
    await writeFile(join(out, 'notes.txt'), 'dear');
    await expect(convertCheckpoint(model, out, { type: 'f16' })).rejects.toMatchObject({
      code: 'CORRAL_OUTPUT_EXISTS',
    });
    expect(await readFile(join(out, 'notes.txt'), 'utf8')).toBe('dear');
    await convertCheckpoint(model, out, { type: 'f16', force: true });
    expect(await readdir(out)).toEqual(before);
    expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('replaces a file only when that is asked for', async () => {
    const out = join(folder, 'there.gguf');
    await writeFile(out, 'dear');
    await expect(convertCheckpoint(model, out, { type: 'f16' })).rejects.toMatchObject({
      code: 'CORRAL_OUTPUT_EXISTS',
      hint: expect.stringContaining('--force'),
    });
    expect(await readFile(out, 'utf8')).toBe('dear');
    await convertCheckpoint(model, out, { type: 'f16', force: true });
    await (await openCheckpoint(out)).close();
  });

  it('never writes over what it reads, by whatever name, not even when forced', async () => {
    const inside = await mkdtemp(join(folder, 'inputs-'));
    const [gguf, hf] = [join(inside, 'in.gguf'), join(inside, 'hf')];
    await convertCheckpoint(model, gguf, { type: 'f32' });
    await convertCheckpoint(model, hf, { type: 'f32' });
    const [fileLink, folderLink] = [join(folder, 'link.gguf'), join(folder, 'link')];
    await symlink(gguf, fileLink);
    await symlink(hf, folderLink);
    const before = await readFile(gguf);
    for (const [input, out] of [
      [gguf, gguf],
      [fileLink, gguf],
      [gguf, fileLink],
      [gguf, inside],
      [hf, hf],
      [hf, folderLink],
      [folderLink, hf],
      [join(hf, 'model.safetensors'), inside],
      [hf, join(hf, 'model.safetensors')],
    ] as const) {
      const opened = await openCheckpoint(input);
      const format = out.endsWith('.gguf') ? 'gguf' : 'safetensors';
      const converting = convertCheckpoint(opened, out, { type: 'f16', format, force: true });
      await expect(converting, out).rejects.toMatchObject({
        code: 'CORRAL_OPTION_INVALID',
        message: expect.stringContaining(`the output is ${out};`),
      });
      await opened.close();
    }
    expect((await readFile(gguf)).equals(before)).toBe(true);
    await (await openCheckpoint(hf)).close();
  });

  it.each(['gguf', 'safetensors'] as const)('never replaces a device: %s', async (format) => {
    const converting = convertCheckpoint(model, '/dev/null', { type: 'f16', format, force: true });
    await expect(converting).rejects.toMatchObject({
      code: 'CORRAL_FILE_KIND_WRONG',
      message: expect.stringContaining('/dev/null is a device'),
    });
  });

  it('does not write over a file with a folder, nor a folder somebody else made', async () => {
    const file = join(folder, 'a-file');
    await writeFile(file, 'x');
    const foreign = join(folder, 'foreign');
    await mkdir(foreign);
    await writeFile(join(foreign, 'config.json'), '{"model_type":"llama"}');
    for (const [out, code] of [
      [file, 'CORRAL_FILE_KIND_WRONG'],
      [foreign, 'CORRAL_OUTPUT_EXISTS'],
    ] as const) {
      const converting = convertCheckpoint(model, out, { type: 'f16' });
      await expect(converting).rejects.toMatchObject({ code });
    }
  });

  const llama3: RopeScaling = {
    kind: 'llama3',
    factor: 8,
    lowFrequencyFactor: 1,
    highFrequencyFactor: 4,
    originalContext: 8192,
  };

  it.each<Partial<LlamaConfig>>([
    { ropeScaling: { kind: 'linear', factor: 4 } },
    { ropeScaling: { kind: 'dynamic', factor: 2, originalContext: 64 } },
    { ropeScaling: { kind: 'dynamic', factor: 8, originalContext: 64 } },
    {
      ropeScaling: {
        kind: 'yarn',
        factor: 16,
        originalContext: 8,
        betaFast: 24,
        betaSlow: 2,
        attentionFactor: 1.5,
      },
    },
    { ropeScaling: llama3, ropeTheta: 500000, context: 131072 },
    { slidingWindow: 32 },
    { normEps: 1e-6, ropeTheta: 1e6 },
  ])('writes a config.json that reads back as %j', async (changes) => {
    const out = join(folder, 'config');
    await convertCheckpoint(withConfig(changes), out, { type: 'f16' });
    const opened = await openCheckpoint(out);
    expect(opened.config).toEqual({ ...model.config, ...changes });
    await opened.close();
  });

  it("finds Llama 3's numbers again in the factors of a GGUF", async () => {
    const gguf = join(folder, 'llama3.gguf');
    // Heads of 64 have wavelengths below, between and beyond the two bounds, as Llama 3.2 1B has.
    const config = tinyConfig({
      dim: 64,
      heads: 1,
      kvHeads: 1,
      headDim: 64,
      layers: 1,
      vocab: 260,
    });
    const source = tinyCheckpoint({ ...config, ropeScaling: llama3, ropeTheta: 500000 });
    await convertCheckpoint(source, gguf, { type: 'f32' });
    const opened = await openCheckpoint(gguf);
    expect(opened.config.ropeScaling.kind).toBe('factors');
    const out = join(folder, 'llama3');
    await convertCheckpoint(opened, out, { type: 'f32' });
    const back = await openCheckpoint(out);
    expect(back.config).toEqual(source.config);
    await opened.close();
    await back.close();
  });

  it('writes the tokenizer.json of a byte-level tokenizer that came in a GGUF', async () => {
    const letters = [...'abcdefghĠ'];
    const tokens = [...letters, 'ab', 'Ġab', '<|begin_of_text|>', '<|eot_id|>'];
    const tokenizer = tokenizerFromGguf({
      model: 'gpt2',
      pre: 'llama-bpe',
      tokens,
      tokenTypes: tokens.map((token) => (token.startsWith('<|') ? 3 : 1)),
      merges: ['a b', 'Ġ ab'],
      bosId: 11,
      eosId: 12,
    });
    const out = join(folder, 'byte-level');
    await convertCheckpoint({ ...model, tokenizer: async () => tokenizer }, out, { type: 'f16' });
    const opened = await openCheckpoint(out);
    const back = await opened.tokenizer();
    expect(back?.encode('ab abe', { bos: true })).toEqual([11, 9, 10, 4]);
    expect([back?.bos, back?.eos, back?.addsBos, back?.size]).toEqual([11, 12, true, 13]);
    await opened.close();
  });
});

describe.skipIf(!hasSharedData)('conversions of real models (needs the shared data)', () => {
  it.each(['tidied.gguf', 'tidied'])(
    'keeps the tokens of a tokenizer that tidies spaces: %s',
    async (name) => {
      const checkpoint = await openCheckpoint(sharedData('babyllama105', 'model5000.bin'), {
        tokenizer: sharedData('babyllama105', 'tok105.model'),
      });
      const original = await checkpoint.tokenizer();
      const first = join(folder, name);
      await convertCheckpoint(checkpoint, first, { type: 'f32' });
      await checkpoint.close();
      const opened = await openCheckpoint(first);
      const last = join(folder, `${name}-again`);
      await convertCheckpoint(opened, last, { type: 'f32' });
      await opened.close();
      for (const path of [first, last]) {
        const tokenizer = await openTokenizer(path);
        for (const text of ['a  b', '   Once   upon\n\n a time  ', 'plain text', ' ']) {
          expect(tokenizer.encode(text)).toEqual(original?.encode(text));
        }
      }
    },
  );

  it('re-emits the tokenizer of a llama2.c model and copies one that is a file', async () => {
    const path = sharedData('stories260K', 'stories260K.bin');
    const out = join(folder, 'stories');
    const checkpoint = await openCheckpoint(path, {
      tokenizer: sharedData('stories260K', 'tok512.bin'),
    });
    await convertCheckpoint(checkpoint, out, { type: 'f32' });
    const opened = await openCheckpoint(out);
    await expectSameTensors(opened, checkpoint);
    await checkpoint.close();
    const text = 'Lily saw a big, red ball.\nNaïve 日本';
    const [tokenizer, original] = [await opened.tokenizer(), await checkpoint.tokenizer()];
    expect(tokenizer?.encode(text)).toEqual(original?.encode(text));
    const again = join(folder, 'stories-again');
    await convertCheckpoint(opened, again, { type: 'f32' });
    const [first, second] = await Promise.all(
      [out, again].map((one) => readFile(join(one, 'tokenizer.model'))),
    );
    expect(first?.equals(second ?? Buffer.alloc(0))).toBe(true);
    await opened.close();
  });
});
