import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCorral, whenListening } from '../../test/command-line.ts';
import { randomNormal, tinyCheckpoint, tinyConfig } from '../../test/tiny-llama.ts';
import { convertCheckpoint } from '../formats/index.ts';
import { load } from '../index.ts';
import { adapterTensors, planAdapter } from '../train/adapter/adapter.ts';
import { writePeftAdapter } from '../train/adapter/peft-write.ts';
import { lazyLibrary } from './library.ts';

const config = tinyConfig({ dim: 32, heads: 4, kvHeads: 2, headDim: 8, feedForward: 64 });

describe('adapters beside a served model', () => {
  let folder = '';
  let model = '';
  const folders = new Map<string, string>();

  /** Writes an adapter of random numbers as `corral tune` does. */
  async function writeAdapter(name: string, kind: 'lora' | 'dora', seed: number): Promise<string> {
    const method = { kind, rank: 4, alpha: 8, dropout: 0, targets: 'all' } as const;
    const adapter = planAdapter(config, method);
    const to = join(folder, name);
    mkdirSync(to);
    await writePeftAdapter(to, adapter, { method, base: 'base', headDim: 8 }, async (tensor) => {
      const shape = adapterTensors(adapter).get(tensor) ?? [];
      const count = shape.reduce((product, size) => product * size, 1);
      return new Uint8Array(randomNormal(count, tensor.length + seed, 0.3).buffer);
    });
    return to;
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'corral-serve-adapters-'));
    model = join(folder, 'base.gguf');
    await convertCheckpoint(tinyCheckpoint(config), model, { type: 'f32' });
    folders.set('law', await writeAdapter('law', 'lora', 0));
    folders.set('care', await writeAdapter('care', 'lora', 100));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('say each the same as with --adapter', async () => {
    const options = { cache: 'f32' } as const;
    const ids = [1, 40, 77, 12, 200, 31];
    const served = await lazyLibrary.loadForServing(model, options, folders);
    expect(served.engine.adapters).toEqual(['law', 'care']);
    for (const [name, to] of folders) {
      await using alone = await load(model, { ...options, adapter: to });
      const expected = await alone.score(ids);
      const { logprobs } = await served.engine.score(ids, { adapter: name });
      for (const [at, logprob] of logprobs.entries()) {
        expect(logprob).toBeCloseTo(expected.logprobs[at] as number, 4);
      }
    }
    await served.close();
  });

  it('are chosen over HTTP by the name of the model, and answer as `corral run --adapter` does', async () => {
    const asked = ['base', ...folders.keys()];
    const replies = new Map<string, unknown>();
    let activations: unknown;
    let interrupt = (): void => {};
    const ask = async (url: string): Promise<void> => {
      const each = asked.map(async (name) => {
        const body = { model: name, prompt: 'the cat', max_tokens: 8, temperature: 0 };
        const reply = await fetch(`${url}/completions`, {
          method: 'POST',
          body: JSON.stringify({ ...body, return_token_ids: true }),
        });
        replies.set(name, await reply.json());
      });
      await Promise.all(each).finally(() => interrupt());
    };
    const loras = [...folders].flatMap(([name, to]) => ['--lora', `${name}=${to}`]);
    // One thread: two that wait for each other take long on a machine that is busy.
    const sized = ['--cache', 'f32', '--activations', 'exact', '--threads', '1'];
    const { status, stderr } = await runCorral(
      ['serve', model, ...loras, '--port', '0', ...sized],
      {
        env: { CORRAL_HOME: folder },
        library: {
          ...lazyLibrary,
          loadForServing: (path, options, adapters) => {
            activations = options.activations;
            return lazyLibrary.loadForServing(path, options, adapters);
          },
        },
        onStart: (callback) => {
          interrupt = callback;
        },
        onOutput: whenListening((url) => void ask(url)),
      },
    );
    expect(status, stderr).toBe(0);
    expect(activations).toBe('exact');
    const answers = new Set<string>();
    for (const name of asked) {
      const to = folders.get(name);
      const more = to === undefined ? [] : ['--adapter', to];
      const run = ['run', model, 'the cat', '--json', '--max-tokens', '8', '--temperature', '0'];
      const { stdout } = await runCorral([...run, ...sized, ...more], { library: lazyLibrary });
      const { tokens } = JSON.parse(stdout) as { tokens: number[] };
      expect(replies.get(name), name).toMatchObject({ choices: [{ token_ids: tokens }] });
      answers.add(tokens.join());
    }
    expect(answers.size).toBe(3);
  }, 120_000);

  it('are wrong when the server starts, not when they are asked for', async () => {
    const serve = async (...loras: string[]): Promise<string> => {
      const args = ['serve', model, '--port', '0', ...loras.flatMap((each) => ['--lora', each])];
      const setup = { env: { CORRAL_HOME: folder }, library: lazyLibrary };
      const { status, stderr } = await runCorral(args, setup);
      expect(status).not.toBe(0);
      return stderr;
    };
    expect(await serve(`law=${join(folder, 'absent')}`)).toContain(join(folder, 'absent'));
    expect(await serve(`deep=${await writeAdapter('deep', 'dora', 7)}`)).toContain('it is a DoRA');
    expect(await serve('law')).toContain('--lora is law; allowed: NAME=PATH');
    const law = folders.get('law');
    expect(await serve(`law=${law}`, `law=${law}`)).toContain('each name once');
  });
});
