// Perplexity of real stories under a real model: devices agree, and rounding the cache or the weights
// costs no more than it should.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convertCheckpoint, openCheckpoint } from '../src/formats/index.ts';
import { type LoadOptions, load } from '../src/index.ts';
import { hasSharedData, sharedData } from './shared-data.ts';

const model = sharedData('stories260K', 'stories260K.bin');
const tokenizer = sharedData('stories260K', 'tok512.bin');

/** Mean over whole stories that fit the context, each from its own BOS. */
async function storyPerplexity(path: string, count: number, options: LoadOptions): Promise<number> {
  const text = readFileSync(sharedData('tinystories', 'tinystories_sample.txt'), 'utf8');
  const stories = text.split('<|endoftext|>').map((story) => story.trim());
  await using llama = await load(path, options);
  const ids = stories.map((story) => [1, ...llama.tokenizer.encode(story)]);
  const fitting = ids.filter(({ length }) => length > 1 && length <= llama.context).slice(0, count);
  const scores = await Promise.all(fitting.map((tokens) => llama.score(tokens)));
  const logprobs = scores.flatMap((score) => score.logprobs);
  return Math.exp(-logprobs.reduce((a, b) => a + b, 0) / logprobs.length);
}

describe.skipIf(!hasSharedData)('perplexity of TinyStories (needs the shared data)', () => {
  let folder = '';
  let exact = 0;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'corral-perplexity-'));
    exact = await storyPerplexity(model, 4, { device: 'reference', tokenizer, cache: 'f32' });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is near what the model was trained to: a validation loss of 1.2968', () => {
    expect(Math.log(exact)).toBeGreaterThan(1.1);
    expect(Math.log(exact)).toBeLessThan(1.5);
  });

  it('agrees between reference and cpu to 1e-4', async () => {
    const found = await storyPerplexity(model, 4, { device: 'cpu', tokenizer, cache: 'f32' });
    expect(Math.abs(found / exact - 1)).toBeLessThan(1e-4);
  });

  it('agrees with an f16 cache to 1e-4', async () => {
    const plain = await storyPerplexity(model, 30, { device: 'cpu', tokenizer, cache: 'f32' });
    const half = await storyPerplexity(model, 30, { device: 'cpu', tokenizer, cache: 'f16' });
    expect(Math.abs(half / plain - 1)).toBeLessThan(1e-4);
  });

  it('stays within 0.5 % with Q8_0 weights', async () => {
    const path = join(folder, 'q8.gguf');
    const checkpoint = await openCheckpoint(model, { tokenizer });
    await convertCheckpoint(checkpoint, path, { type: 'q8_0' });
    await checkpoint.close();
    const plain = await storyPerplexity(model, 30, { device: 'cpu', tokenizer });
    const rounded = await storyPerplexity(path, 30, { device: 'cpu' });
    expect(Math.abs(rounded / plain - 1)).toBeLessThan(0.005);
  });
});
