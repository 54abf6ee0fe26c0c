// Choices from listings shaped like those of real repositories.
import { describe, expect, it } from 'vitest';
import { chooseFiles } from './choose-files.ts';
import type { RepositoryFile } from './hub.ts';

function listing(...paths: string[]): RepositoryFile[] {
  return paths.map((path) => ({ path, size: 1, hash: { kind: 'sha256', hex: path } }));
}

function choose(files: RepositoryFile[], selector?: string, include: string[] = []): string[] {
  const choice = chooseFiles(files, { repo: 'a/b', selector, include });
  return choice.files.map((file) => file.path).sort();
}

const meta = listing(
  '.gitattributes',
  'LICENSE.txt',
  'README.md',
  'USE_POLICY.md',
  'config.json',
  'generation_config.json',
  'model-00001-of-00002.safetensors',
  'model-00002-of-00002.safetensors',
  'model.safetensors.index.json',
  'consolidated.safetensors',
  'pytorch_model-00001-of-00002.bin',
  'pytorch_model.bin.index.json',
  'special_tokens_map.json',
  'tokenizer.json',
  'tokenizer.model',
  'tokenizer_config.json',
  'original/consolidated.00.pth',
);

const ggufs = listing(
  'config.json',
  'README.md',
  'llama-2-7b.Q2_K.gguf',
  'llama-2-7b.Q4_K_M.gguf',
  'llama-2-7b.Q4_0.gguf',
  'mmproj-f16.gguf',
  'Q8_0/llama-2-7b-Q8_0-00002-of-00002.gguf',
  'Q8_0/llama-2-7b-Q8_0-00001-of-00002.gguf',
  'llama-2-7b-UD-Q3_K_XL.gguf',
);

describe('chooseFiles', () => {
  it('takes one copy of the weights, the tokenizer, the config and the legal texts', () => {
    expect(choose(meta)).toEqual([
      'LICENSE.txt',
      'USE_POLICY.md',
      'config.json',
      'generation_config.json',
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      'model.safetensors.index.json',
      'special_tokens_map.json',
      'tokenizer.json',
      'tokenizer.model',
      'tokenizer_config.json',
    ]);
  });

  it('takes the GGUF of the quantisation asked for, whatever the case', () => {
    expect(choose(ggufs, 'q4_0')).toEqual(['llama-2-7b.Q4_0.gguf']);
    expect(choose(ggufs, 'UD-Q3_K_XL')).toEqual(['llama-2-7b-UD-Q3_K_XL.gguf']);
  });

  it('takes all parts of a split GGUF', () => {
    expect(choose(ggufs, 'Q8_0')).toHaveLength(2);
    expect(choose(ggufs, 'Q8_0/llama-2-7b-Q8_0-00001-of-00002.gguf')).toHaveLength(2);
  });

  it('takes a GGUF by its file name, with or without the ending', () => {
    expect(choose(ggufs, 'llama-2-7b.Q2_K.gguf')).toEqual(['llama-2-7b.Q2_K.gguf']);
    expect(choose(ggufs, 'llama-2-7b.Q2_K')).toEqual(['llama-2-7b.Q2_K.gguf']);
  });

  it('takes Q4_K_M when nothing is said and there is exactly one, and names that choice', () => {
    const choice = chooseFiles(ggufs, { repo: 'a/b', selector: undefined, include: [] });
    expect(choice).toMatchObject({
      selector: 'Q4_K_M',
      files: [{ path: 'llama-2-7b.Q4_K_M.gguf' }],
    });
  });

  it('lists what there is when the choice is open, empty or not unique', () => {
    const several = listing('x-Q2_K.gguf', 'x-Q8_0.gguf');
    expect(() => choose(several)).toThrow(/2 GGUF models, and none was named.*x-Q2_K.gguf/);
    expect(() => choose(several, 'Q6_K')).toThrow(/no Q6_K.*x-Q2_K.gguf, x-Q8_0.gguf/);
    expect(() => choose(listing('x-Q4_0.gguf', 'y-Q4_0.gguf'), 'Q4_0')).toThrow(
      /2 models that match/,
    );
    // Q4_K is no whole word of Q4_K_M: a quantisation is never taken for another.
    expect(() => choose(ggufs, 'Q4_K')).toThrow(/no Q4_K\./);
  });

  it('takes a folder of Meta files', () => {
    const files = listing(
      'params.json',
      'consolidated.00.pth',
      'consolidated.01.pth',
      'tokenizer.model',
    );
    expect(choose(files)).toHaveLength(4);
  });

  it('takes PyTorch files where there is nothing else', () => {
    const files = listing(
      'config.json',
      'pytorch_model-00001-of-00001.bin',
      'pytorch_model.bin.index.json',
      'training_args.bin',
      'optimizer.pt',
    );
    expect(choose(files)).toEqual([
      'config.json',
      'pytorch_model-00001-of-00001.bin',
      'pytorch_model.bin.index.json',
    ]);
  });

  it('takes a single file of another kind by its name, with the tokenizer beside it', () => {
    const files = listing('stories15M.bin', 'stories42M.bin', 'stories15M.pt', 'tokenizer.model');
    expect(choose(files, 'stories15M.bin')).toEqual(['stories15M.bin', 'tokenizer.model']);
    expect(() => choose(files)).toThrow(/no safetensors and no GGUF.*stories15M.bin/);
  });

  it('takes what patterns match and nothing else', () => {
    expect(choose(meta, undefined, ['original/*', '*.txt'])).toEqual([
      'LICENSE.txt',
      'original/consolidated.00.pth',
    ]);
    expect(() => choose(meta, undefined, ['*.gguf'])).toThrow(/no file that matches/);
  });
});
