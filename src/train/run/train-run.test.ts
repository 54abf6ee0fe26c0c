import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeRunFolder, newModel, tinyRecipe } from '../../../test/tiny-runs.ts';
import { load } from '../../index.ts';
import { type Metrics, readMetrics, type SampleMetrics } from '../metrics.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { type RunEvent, type TrainOptions, type TrainReport, trainRecipe } from './train-run.ts';

const template = `{{ bos_token }}{% for message in messages %}{% if message.role == 'user' %}Q: {{ message.content }} A:{% else %}{% generation %} {{ message.content }}{{ eos_token }}{% endgeneration %}{% endif %}{% endfor %}`;

let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'corral-run-'));
  await makeRunFolder(folder);
  writeFileSync(join(folder, 'chat.jinja'), template);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let outputs = 0;
function recipeOf(...changes: string[]): Recipe {
  outputs += 1;
  return tinyRecipe(folder, [
    ...newModel(folder),
    ...changes,
    `output=${join(folder, `run-${outputs}`)}`,
  ]);
}

function run(recipe: Recipe, options: Partial<TrainOptions> = {}): Promise<TrainReport> {
  return trainRecipe(recipe, { store: folder, ...options });
}

function metricsOf({ output }: Recipe): Promise<Metrics[]> {
  return readMetrics(join(output, 'metrics.jsonl'));
}

describe('trainRecipe', () => {
  it('learns, and exports models that say word for word what the trainer said', async () => {
    const recipe = recipeOf(
      'steps=30',
      `data.template=${join(folder, 'chat.jinja')}`,
      'samples={prompts: ["no llama", "the tent"], maxTokens: 20, every: 30, chat: true}',
      'export={weights: last, gguf: [f32]}',
    );
    const { exported, reason } = await run(recipe);
    expect(reason).toBe('finished');
    expect(exported).toEqual([join(recipe.output, 'model'), join(recipe.output, 'model-f32.gguf')]);
    const metrics = await metricsOf(recipe);
    const steps = metrics.filter((line) => line.type === 'step');
    expect(steps.at(-1)?.loss).toBeLessThan((steps[0]?.loss ?? 0) * 0.7);
    const samples = metrics.filter((line): line is SampleMetrics => line.type === 'sample');
    expect(samples).toHaveLength(2);
    for (const path of exported) {
      await using llama = await load(path);
      for (const { prompt, text } of samples) {
        const answer = await llama
          .chat([{ role: 'user', content: prompt }], { temperature: 0, maxTokens: 20 })
          .text();
        expect(answer, path).toBe(text);
      }
    }
  });

  it('tells what happens in order, and writes the same to metrics.jsonl', async () => {
    const recipe = recipeOf('steps=4', 'evaluation.every=2', 'checkpoints.every=3');
    const events: RunEvent[] = [];
    await run(recipe, { onEvent: (event) => events.push(event) });
    const order = events.map((event) =>
      `${event.type} ${'step' in event ? event.step : ''}`.trim(),
    );
    expect(order).toEqual([
      'start',
      'step 1',
      'step 2',
      'evaluation 2',
      'step 3',
      'checkpoint 3',
      'step 4',
      'evaluation 4',
      'checkpoint 4',
    ]);
    const lines = events.filter((event) => event.type !== 'start' && event.type !== 'checkpoint');
    expect(await metricsOf(recipe)).toEqual(lines);
  });

  it('keeps the latest checkpoints and no more', async () => {
    const recipe = recipeOf('steps=8', 'checkpoints={every: 2, keep: 3}');
    await run(recipe);
    const names = readdirSync(join(recipe.output, 'checkpoints')).sort();
    expect(names).toEqual(['step-00000004', 'step-00000006', 'step-00000008']);
  });

  it('stops when the held-out loss no longer falls, and exports the best weights', async () => {
    const recipe = recipeOf(
      'steps=60',
      'optimizer.learningRate=0.3',
      'evaluation={every: 2, patience: 2}',
    );
    const { reason, state } = await run(recipe);
    expect(reason).toBe('stopped-early');
    expect(state.step).toBeLessThan(60);
    const { best } = state;
    expect(state.step - (best?.step ?? 0)).toBe(4);
    const losses = (await metricsOf(recipe)).filter((line) => line.type === 'evaluation');
    expect(best?.loss).toBe(Math.min(...losses.map(({ loss }) => loss)));
    const [kept, exported] = ['best', 'model'].map((name) =>
      readFileSync(join(recipe.output, name, 'model.safetensors')),
    );
    expect(exported?.equals(kept as Buffer)).toBe(true);
  });

  it('saves when it is interrupted, and goes on from there to the same end', async () => {
    const [whole, broken] = [recipeOf('steps=9'), recipeOf('steps=9')];
    await run(whole);
    const controller = new AbortController();
    const interrupted = await run(broken, {
      signal: controller.signal,
      onEvent: (event) => {
        if (event.type === 'step' && event.step === 5) controller.abort();
      },
    });
    expect(interrupted).toMatchObject({ reason: 'interrupted', exported: [] });
    expect(interrupted.state.step).toBe(5);
    await run(broken);
    const [one, other] = [whole, broken].map(({ output }) =>
      readFileSync(join(output, 'checkpoints', 'step-00000009', 'model.safetensors')),
    );
    expect(one?.equals(other as Buffer)).toBe(true);
  });

  it('goes on from another recipe only when told to, and begins anew when told to', async () => {
    const recipe = recipeOf('steps=4');
    await run(recipe);
    const longer: Recipe = { ...recipe, steps: 6, clip: 2 };
    await expect(run(longer)).rejects.toThrow(
      /holds checkpoints of another recipe.*steps, clip\.$/,
    );
    const warnings: string[] = [];
    const logger = { warn: (text: string) => void warnings.push(text), debug: () => {} };
    const resumed = await run(longer, { resume: 'any', logger });
    expect(resumed.state.step).toBe(6);
    expect(warnings.join()).toContain('steps, clip differ');
    expect(await metricsOf(recipe)).toHaveLength((await metricsOf(longer)).length);
    const events: RunEvent[] = [];
    await run(recipe, { resume: 'never', onEvent: (event) => events.push(event) });
    expect(events[0]).toMatchObject({ type: 'start', resumedAt: 0 });
  });

  it('tunes all weights of a quantised base from the values it stands for', async () => {
    const base = join(folder, 'base-q8_0.gguf');
    const changes = [`model={base: ${base}}`, 'steps=1', 'optimizer.learningRate=1e-12'];
    const recipe = tinyRecipe(folder, [...changes, `output=${join(folder, 'tuned')}`]);
    const { exported } = await run(recipe);
    const scores = [];
    for (const path of [base, ...exported]) {
      await using llama = await load(path, { cache: 'f32', activations: 'exact' });
      scores.push((await llama.score([1, 40, 77, 12])).logprobs);
    }
    const [before = [], after = []] = scores;
    for (const [i, value] of after.entries()) expect(value).toBeCloseTo(before[i] ?? 0, 4);
  });

  it('keeps a second run out of its folder', async () => {
    const recipe = recipeOf('steps=4');
    let second: Promise<TrainReport> | undefined;
    await run(recipe, {
      onEvent: (event) => {
        if (event.type !== 'step' || second !== undefined) return;
        second = run(recipe, { resume: 'never' });
        second.catch(() => {});
      },
    });
    await expect(second).rejects.toThrow(`${recipe.output} is being written by process`);
  });

  it('passes over a checkpoint that was damaged', async () => {
    const recipe = recipeOf('steps=6', 'checkpoints={every: 3}');
    await run(recipe);
    const last = join(recipe.output, 'checkpoints', 'step-00000006', 'model.safetensors');
    const bytes = readFileSync(last);
    bytes[bytes.length - 5] = (bytes[bytes.length - 5] as number) ^ 1;
    writeFileSync(last, bytes);
    const warnings: string[] = [];
    const logger = { warn: (text: string) => void warnings.push(text), debug: () => {} };
    const events: RunEvent[] = [];
    await run(recipe, { logger, onEvent: (event) => events.push(event) });
    expect(warnings.join()).toMatch(
      /passing over .*step-00000006.*model.safetensors has the SHA-256/,
    );
    expect(events[0]).toMatchObject({ resumedAt: 3 });
  });

  it('ends with the last good checkpoint when the loss is no number', async () => {
    const recipe = recipeOf('steps=20', 'checkpoints={every: 2}');
    await run({ ...recipe, steps: 4 });
    const wild: Recipe = {
      ...recipe,
      clip: 0,
      optimizer: { ...recipe.optimizer, learningRate: 1e30 },
      schedule: { kind: 'constant', warmup: 0, minimum: 1 },
    };
    await expect(run(wild, { resume: 'any' })).rejects.toMatchObject({
      code: 'CORRAL_TRAINING_DIVERGED',
    });
    const [latest] = readdirSync(join(recipe.output, 'checkpoints')).sort().reverse();
    expect(Number(latest?.slice(5))).toBeGreaterThanOrEqual(4);
    await run({ ...recipe, steps: 30 }, { resume: 'any' });
  });

  // A limit on the size of files fails where a full disk does, and needs no disk to fill.
  it.skipIf(process.platform === 'win32')(
    'ends clearly when a checkpoint cannot be written, and loses none of those before it',
    async () => {
      const recipe = recipeOf('steps=6', 'checkpoints={every: 2, keep: 1}');
      await run({ ...recipe, steps: 2 });
      const path = join(folder, 'limited.json');
      writeFileSync(path, JSON.stringify(recipe));
      const child = resolve(import.meta.dirname, '..', '..', '..', 'test', 'train-child.ts');
      // 20 kB, in blocks of 512: metrics fit, weights do not.
      const limited = 'ulimit -f 40; exec "$0" "$@"';
      const { status, stderr } = spawnSync(
        'sh',
        ['-c', limited, process.execPath, child, path, folder],
        { encoding: 'utf8' },
      );
      expect(stderr).toMatch(/CORRAL_FILE_UNWRITABLE .* could not be written/);
      expect(status).toBe(1);
      const names = (): string[] => readdirSync(join(recipe.output, 'checkpoints'));
      expect(names()).toEqual(['step-00000002']);
      await run(recipe, { resume: 'any' });
      expect(names()).toEqual(['step-00000006']);
    },
  );
});
