import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTinyModel } from '../../test/make-tiny-model.ts';
import type { GenerationResult } from './generation.ts';
import { type LoadOptions, load } from './load.ts';

describe('a model that guesses for another', () => {
  let folder = '';
  const file = (name: string): string => join(folder, name);
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'corral-drafter-'));
    await makeTinyModel(file('large.gguf'));
    await makeTinyModel(file('small.gguf'), { layers: 1 });
    await makeTinyModel(file('other.gguf'), { vocab: 290 });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('changes nothing in the answer, and tells what was guessed', async () => {
    const answer = async (options: LoadOptions): Promise<GenerationResult> => {
      await using llama = await load(file('large.gguf'), { ...options, packCache: false });
      return await llama.complete('the cat', { temperature: 0.8, seed: 5, maxTokens: 60 }).result();
    };
    const plain = await answer({});
    expect(plain.timing).toMatchObject({ draftedTokens: 0, acceptedTokens: 0 });
    const [small, same] = [file('small.gguf'), file('large.gguf')];
    for (const path of [small, same]) {
      const { text, tokens, timing } = await answer({ speculate: `draft:${path}` });
      expect([text, tokens]).toEqual([plain.text, plain.tokens]);
      expect(timing.draftedTokens).toBeGreaterThan(0);
      // The same model draws the same tokens.
      if (path === same) expect(timing.acceptedTokens).toBeGreaterThan(0);
    }
  });

  it('must have the same vocabulary', async () => {
    const path = file('other.gguf');
    const options = { speculate: `draft:${path}`, packCache: false } as const;
    await expect(load(file('large.gguf'), options)).rejects.toThrow(
      `${path} cannot guess for this model, since their vocabularies differ: it has 290 tokens, the model 288.`,
    );
  });

  it('must be there', async () => {
    const options = { speculate: `draft:${file('none.gguf')}`, packCache: false } as const;
    await expect(load(file('large.gguf'), options)).rejects.toMatchObject({
      code: 'CORRAL_FILE_NOT_FOUND',
    });
  });
});
