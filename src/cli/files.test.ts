// inspect, tokenize, convert and perplexity with fakes: what they print, and what they ask for.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeModel, runCorral } from '../../test/command-line.ts';
import { cacheBytesPerToken } from '../engine/cache.ts';
import type { Checkpoint, TensorInfo } from '../formats/checkpoint.ts';
import type { ConvertReport } from '../formats/convert.ts';
import type { LlamaConfig } from '../formats/llama-config.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { Library } from './library.ts';

let folder: string;
let file: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'corral-files-'));
  file = join(folder, 'model.gguf');
  writeFileSync(file, '12345');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const config: LlamaConfig = {
  vocab: 10,
  dim: 64,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 32,
  feedForward: 96,
  normEps: 1e-5,
  ropeTheta: 10000,
  ropeScaling: { kind: 'none' },
  context: 100,
  tiedEmbeddings: true,
};

/** Splits at characters; ids are code points. */
const letters: Tokenizer = {
  kind: 'sentencepiece',
  size: 128,
  bos: 1,
  eos: 2,
  unknown: 0,
  pad: undefined,
  addsBos: true,
  controls: new Map(),
  segments: () => [],
  encode: (text, options) => [
    ...(options?.bos === true ? [1] : []),
    ...[...text].map((letter) => letter.codePointAt(0) ?? 0),
  ],
  decode: (ids) => String.fromCodePoint(...ids),
  piece: (id) => (id === 1 ? '<s>' : String.fromCodePoint(id)),
  score: () => 0,
  kindOf: () => 'normal',
  idOf: () => undefined,
  detokenizer: () => ({ push: () => '', flush: () => '' }),
};

function fakeCheckpoint(path: string, shape: LlamaConfig): Checkpoint & { closed: boolean } {
  const tensors: TensorInfo[] = [
    { name: 'token_embd.weight', dtype: 'f16', shape: [10, 64], bytes: 1280 },
    { name: 'blk.0.attn_q.weight', dtype: 'q8_0', shape: [128, 64], bytes: 8704 },
    { name: 'output_norm.weight', dtype: 'f32', shape: [64], bytes: 256 },
    { name: 'blk.0.attn_norm.weight', dtype: 'f32', shape: [64], bytes: 256 },
  ];
  return {
    closed: false,
    format: 'gguf',
    path,
    files: [path],
    name: 'calf',
    config: shape,
    tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
    tokenizer: async () => letters,
    chatTemplate: undefined,
    generation: { temperature: 0.6, endTokens: [2] },
    licence: undefined,
    read: async () => new Uint8Array(),
    region: () => undefined,
    async close() {
      this.closed = true;
    },
  };
}

function fakeFiles(
  shape: LlamaConfig = config,
  fallbacks: ConvertReport['fallbacks'] = [
    { name: 'blk.0.ffn_down.weight', wanted: 'q4_k', used: 'q5_0' },
  ],
): {
  library: Partial<Library>;
  asked: unknown[][];
  opened: { closed: boolean }[];
} {
  const asked: unknown[][] = [];
  const opened: { closed: boolean }[] = [];
  const library: Partial<Library> = {
    openCheckpoint: async (path, options) => {
      asked.push(['open', path, options]);
      const checkpoint = fakeCheckpoint(path, shape);
      opened.push(checkpoint);
      return checkpoint;
    },
    openTokenizer: async (path) => {
      asked.push(['tokenizer', path]);
      return letters;
    },
    convertCheckpoint: async (_checkpoint, out, options) => {
      asked.push(['convert', out, options]);
      return {
        format: 'gguf',
        type: options.type as ConvertReport['type'],
        bytes: 2048,
        fallbacks,
      };
    },
    cacheBytesPerToken: async (...args) => cacheBytesPerToken(...args),
  };
  return { library, asked, opened };
}

describe('corral inspect', () => {
  it('prints config, tokenizer, types and memory as JSON', async () => {
    const { library, opened } = fakeFiles();
    const { stdout } = await runCorral(['inspect', file, '--json', '--context', '50'], { library });
    // Keys and values: 2 layers x 64 columns x 2, in f16 2 bytes, in q8_0 34 bytes per 32.
    expect(JSON.parse(stdout)).toEqual({
      name: 'calf',
      path: file,
      format: 'gguf',
      files: [{ path: file, bytes: 5 }],
      licence: null,
      parameters: 640 + 8192 + 128,
      config,
      tokenizer: { kind: 'sentencepiece', size: 128, bos: 1, eos: 2, addsBos: true },
      chatTemplate: false,
      generation: { temperature: 0.6, endTokens: [2] },
      dtypes: {
        f16: { tensors: 1, parameters: 640, bytes: 1280 },
        q8_0: { tensors: 1, parameters: 8192, bytes: 8704 },
        f32: { tensors: 2, parameters: 128, bytes: 512 },
      },
      memory: {
        context: 50,
        weights: 10496,
        cache: { f16: 25600, f32: 51200, q8_0: 13600 },
        total: { f16: 36096, f32: 61696, q8_0: 24096 },
      },
    });
    expect(opened[0]?.closed).toBe(true);
  });

  it('prints the same for people, for the whole context of the model', async () => {
    const { library } = fakeFiles();
    const { stdout } = await runCorral(['inspect', file], { library });
    expect(stdout).toContain('4 heads of 32, 2 key-value heads');
    expect(stdout).toMatch(/q8_0 +1 +8\.19 k +8\.70 kB/);
    expect(stdout).toContain('memory for a context of 100 tokens');
    expect(stdout).toMatch(/f16 +10\.5 kB +51\.2 kB +61\.7 kB/);
  });

  it('says why a type of the cache is not to be had, and counts one of a thing as one', async () => {
    const small = { ...config, layers: 1, heads: 1, kvHeads: 1, headDim: 8 };
    const { library } = fakeFiles(small);
    const { stdout } = await runCorral(['inspect', file], { library });
    expect(stdout).toMatch(/q8_0 +10\.5 kB +- +-\n/);
    expect(stdout).toContain('q8_0 cannot be had: heads of 8 are no multiple of its blocks of 32.');
    expect(stdout).toContain('1 layer, dim 64');
    expect(stdout).toContain('1 head of 8, 1 key-value head\n');
  });

  it('refuses a context above that of the model, as run does', async () => {
    const { library } = fakeFiles();
    const { status, stderr } = await runCorral(['inspect', file, '--context', '101'], { library });
    expect(status).toBe(2);
    expect(stderr).toContain("--context is 101; allowed: 1 to 100, the model's own context.");
  });

  it('passes --tokenizer and --config on', async () => {
    const { library, asked } = fakeFiles();
    await runCorral(['inspect', file, '--tokenizer', 't', '--config', 'c'], { library });
    expect(asked).toEqual([['open', file, { tokenizer: 't', config: 'c' }]]);
  });
});

describe('corral tokenize', () => {
  it('prints ids and pieces as JSON, with BOS only when asked for', async () => {
    const { library } = fakeFiles();
    const plain = await runCorral(['tokenize', file, 'hi', '--json'], { library });
    expect(JSON.parse(plain.stdout)).toEqual({ ids: [104, 105], pieces: ['h', 'i'] });
    const bos = await runCorral(['tokenize', file, 'hi', '--json', '--bos'], { library });
    expect(JSON.parse(bos.stdout)).toEqual({ ids: [1, 104, 105], pieces: ['<s>', 'h', 'i'] });
  });

  it('prints a line per token for people', async () => {
    const { library } = fakeFiles();
    expect((await runCorral(['tokenize', file, 'hi'], { library })).stdout).toBe(
      '104  h\n105  i\n',
    );
  });

  it('takes the text from a pipe exactly as it is', async () => {
    const { library } = fakeFiles();
    const { stdout } = await runCorral(['tokenize', file, '--json'], { library, stdin: 'a\n' });
    expect(JSON.parse(stdout).ids).toEqual([97, 10]);
  });

  it('takes a text of no letters for what it is', async () => {
    const { library } = fakeFiles();
    const { stdout } = await runCorral(['tokenize', file, '', '--json'], { library, stdin: 'no' });
    expect(JSON.parse(stdout)).toEqual({ ids: [], pieces: [] });
  });

  it('uses --tokenizer in place of the model', async () => {
    const { library, asked } = fakeFiles();
    await runCorral(['tokenize', file, 'x', '--tokenizer', 'tok.bin'], { library });
    expect(asked).toEqual([['tokenizer', 'tok.bin']]);
  });
});

describe('corral convert', () => {
  it('prints which matrices could not take the type', async () => {
    const { library, asked, opened } = fakeFiles();
    const { stdout, status } = await runCorral(['convert', file, 'out.gguf', '--type', 'Q4_K_M'], {
      library,
    });
    expect(status).toBe(0);
    expect(stdout).toBe(
      '1 matrix (blk.0.ffn_down.weight) does not fit the blocks of q4_k, which q4_k_m keeps it in: q5_0\nout.gguf: q4_k_m, 2.05 kB\n',
    );
    expect(asked[1]).toMatchObject(['convert', 'out.gguf', { type: 'q4_k_m' }]);
    expect(opened[0]?.closed).toBe(true);
  });

  it('groups the matrices that met the same fate, and names them only when asked', async () => {
    const layers = Array.from({ length: 36 }, (_, layer) => `blk.${layer}.ffn_up.weight`);
    const fallbacks: ConvertReport['fallbacks'] = [
      ...layers.map((name) => ({ name, wanted: 'q4_0', used: 'f16' }) as const),
      { name: 'output.weight', wanted: 'q6_k', used: 'q8_0' },
    ];
    const { library } = fakeFiles(config, fallbacks);
    const args = ['convert', file, 'out.gguf', '--type', 'q4_0'];
    const { stdout } = await runCorral(args, { library });
    expect(stdout.split('\n').slice(0, 2)).toEqual([
      '36 matrices do not fit the blocks of q4_0: f16',
      '1 matrix (output.weight) does not fit the blocks of q6_k, which q4_0 keeps it in: q8_0',
    ]);
    const verbose = await runCorral([...args, '--verbose'], { library });
    expect(verbose.stdout).toContain('36 matrices (blk.0.ffn_up.weight, blk.1.ffn_up.weight');
  });

  it('prints them as JSON', async () => {
    const { library } = fakeFiles();
    const { stdout } = await runCorral(['convert', file, 'o.gguf', '--type', 'q4_k', '--json'], {
      library,
    });
    expect(JSON.parse(stdout)).toEqual({
      out: 'o.gguf',
      format: 'gguf',
      type: 'q4_k',
      bytes: 2048,
      fallbacks: [{ name: 'blk.0.ffn_down.weight', wanted: 'q4_k', used: 'q5_0' }],
    });
  });

  it('needs a type, and lists them when it is none of them', async () => {
    expect((await runCorral(['convert', file, 'out'])).stderr).toContain('--type <type>');
    const { status, stderr } = await runCorral(['convert', file, 'out', '--type', 'iq2_xs']);
    expect(status).toBe(2);
    expect(stderr).toContain('--type is iq2_xs; allowed: f32, f16, bf16, q8_0');
  });
});

describe('corral perplexity', () => {
  it('prints the three numbers as JSON', async () => {
    const { library } = fakeModel(() => []);
    const text = join(folder, 'text.txt');
    writeFileSync(text, 'four');
    const { stdout } = await runCorral(['perplexity', file, text, '--json'], { library });
    expect(JSON.parse(stdout)).toEqual({ tokens: 4, perplexity: 2, bitsPerByte: 1 });
  });

  it('reads the text from a pipe', async () => {
    const { library } = fakeModel(() => []);
    const { stdout } = await runCorral(['perplexity', file, '-'], { library, stdin: 'abc' });
    expect(stdout).toBe('perplexity    2.0000\nbits per byte 1.0000\ntokens        3\n');
  });

  it('refuses a text that is not UTF-8, and says where', async () => {
    const text = join(folder, 'latin1.txt');
    writeFileSync(text, Buffer.from('caf\u00e9', 'latin1'));
    const { status, stderr } = await runCorral(['perplexity', file, text]);
    expect(status).toBe(1);
    expect(stderr).toContain(`${text} is not UTF-8: byte 3 is 0xe9.`);
  });

  it('keeps a byte order mark, which is part of the bytes', async () => {
    const { library } = fakeModel(() => []);
    const text = join(folder, 'bom.txt');
    writeFileSync(text, '\ufefffour');
    const { stdout } = await runCorral(['perplexity', file, text, '--json'], { library });
    expect(JSON.parse(stdout).tokens).toBe(5);
  });

  it('refuses a context that leaves no room for a token after BOS', async () => {
    const { status, stderr } = await runCorral(['perplexity', file, file, '--context', '1']);
    expect(status).toBe(2);
    expect(stderr).toContain('--context is 1; allowed: a whole number of at least 2.');
  });

  it('names a text file that is not there, before it loads the model', async () => {
    const { status, stderr } = await runCorral(['perplexity', file, '/nowhere/text']);
    expect(status).toBe(1);
    expect(stderr).toContain('There is no file at /nowhere/text');
    expect(stderr).not.toContain('corral list');
  });
});
