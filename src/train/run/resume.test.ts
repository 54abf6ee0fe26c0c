// A run that is killed and goes on must end with the very bytes of the run that was never stopped.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeRunFolder, newModel, tinyRecipe } from '../../../test/tiny-runs.ts';
import { readMetrics } from '../metrics.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { trainRecipe } from './train-run.ts';

const child = resolve(import.meta.dirname, '..', '..', '..', 'test', 'train-child.ts');

let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'corral-resume-'));
  await makeRunFolder(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a recipe in a child and kills it as soon as it has told of so many steps. */
function killAfter(steps: number, recipe: Recipe): Promise<void> {
  const path = join(folder, 'killed.json');
  writeFileSync(path, JSON.stringify(recipe));
  const running = spawn(process.execPath, [child, path, folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  let complaint = '';
  running.stderr.on('data', (data) => {
    complaint += data;
  });
  running.stdout.on('data', (data) => {
    said += data;
    if (said.split('\n').length > steps) running.kill('SIGKILL');
  });
  return new Promise((done, fail) => {
    running.on('close', (_, signal) => {
      if (signal === 'SIGKILL') done();
      else fail(new Error(`the child ended by itself: ${complaint}`));
    });
  });
}

function hashOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

const numbers = ({ output }: Recipe) =>
  readMetrics(join(output, 'metrics.jsonl')).then((lines) =>
    lines.map((line) => ('seconds' in line ? { ...line, seconds: 0 } : line)),
  );

const methods: [string, string, string, (folder: string) => string[]][] = [
  [
    'all weights of a new model, packed, with running means',
    'best/model.safetensors',
    'model.safetensors',
    (at) => [...newModel(at), 'ema=0.9'],
  ],
  [
    'LoRA with dropout',
    'adapter/adapter_model.safetensors',
    'adapter_model.safetensors',
    (at) => [`model.base=${join(at, 'base.gguf')}`, 'method={kind: lora, rank: 2, dropout: 0.1}'],
  ],
  [
    'QLoRA with 8-bit states',
    'adapter/adapter_model.safetensors',
    'adapter_model.safetensors',
    (at) => [
      `model.base=${join(at, 'base-q8_0.gguf')}`,
      'method={kind: qlora, rank: 32}',
      'optimizer.states=q8_0',
    ],
  ],
];

describe('a run killed at a random moment', () => {
  it.each(methods)('goes on bit for bit: %s', async (_, exported, weights, changes) => {
    const name = exported.slice(0, 3) + weights.length + changes(folder).length;
    const options = [...changes(folder), 'samples={prompts: [the], maxTokens: 8, every: 6}'];
    const unbroken = tinyRecipe(folder, [...options, `output=${join(folder, `${name}-whole`)}`]);
    const broken = tinyRecipe(folder, [...options, `output=${join(folder, `${name}-broken`)}`]);
    await trainRecipe(unbroken, { store: folder });

    const moment = 4 + (Date.now() % 7);
    await killAfter(moment, broken);
    const before = await numbers(broken);
    const resumedAt: number[] = [];
    await trainRecipe(broken, {
      store: folder,
      onEvent: (event) => {
        if (event.type === 'start') resumedAt.push(event.resumedAt);
      },
    });
    expect(before.length, `killed after step ${moment}`).toBeGreaterThanOrEqual(moment);
    expect(resumedAt[0], `killed after step ${moment}`).toBeGreaterThanOrEqual(3);
    expect(resumedAt[0]).toBeLessThan(12);
    for (const file of [
      exported,
      `checkpoints/step-00000012/${weights}`,
      'checkpoints/step-00000012/optimizer.safetensors',
    ]) {
      expect(hashOf(join(broken.output, file)), file).toBe(hashOf(join(unbroken.output, file)));
    }
    expect(await numbers(broken)).toEqual(await numbers(unbroken));
  });
});
