import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { randomNormal, tinyCheckpoint, tinyConfig } from '../../test/tiny-llama.ts';
import { convertCheckpoint } from '../formats/index.ts';
import { load } from '../index.ts';
import { adapterTensors, planAdapter } from '../train/adapter/adapter.ts';
import { writePeftAdapter } from '../train/adapter/peft-write.ts';
import { lazyLibrary } from './library.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'corral-serve-adapters-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('serves a model with the adapters it was given, each the same as with --adapter', async () => {
  const config = tinyConfig({ dim: 32, heads: 4, kvHeads: 2, headDim: 8, feedForward: 64 });
  const path = join(folder, 'base.gguf');
  await convertCheckpoint(tinyCheckpoint(config), path, { type: 'f32' });
  const method = { kind: 'lora', rank: 4, alpha: 8, dropout: 0, targets: 'all' } as const;
  const adapter = planAdapter(config, method);
  const folders = new Map<string, string>();
  for (const [index, name] of ['law', 'care'].entries()) {
    const to = join(folder, name);
    mkdirSync(to);
    folders.set(name, to);
    await writePeftAdapter(to, adapter, { method, base: 'base', headDim: 8 }, async (tensor) => {
      const shape = adapterTensors(adapter).get(tensor) ?? [];
      const count = shape.reduce((product, size) => product * size, 1);
      return new Uint8Array(randomNormal(count, tensor.length + 100 * index, 0.3).buffer);
    });
  }
  const options = { cache: 'f32' } as const;
  const ids = [1, 40, 77, 12, 200, 31];
  const served = await lazyLibrary.loadForServing(path, options, folders);
  expect(served.engine.adapters).toEqual(['law', 'care']);
  for (const [name, to] of folders) {
    await using alone = await load(path, { ...options, adapter: to });
    const expected = await alone.score(ids);
    const { logprobs } = await served.engine.score(ids, { adapter: name });
    for (const [at, logprob] of logprobs.entries()) {
      expect(logprob).toBeCloseTo(expected.logprobs[at] as number, 4);
    }
  }
  await served.close();
});
