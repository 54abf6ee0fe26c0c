// corral run with a fake model: what is MODEL and what PROMPT, what goes to stdout, what Ctrl-C does.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeModel, runCorral } from '../../test/command-line.ts';
import { lazyLibrary } from './library.ts';
import { looksLikePath } from './model-argument.ts';

let folder: string;
let file: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'corral-run-'));
  file = join(folder, 'model.gguf');
  writeFileSync(file, 'x');
  const entry = join(folder, 'home', 'models', 'ranch', 'llama~c0ffee');
  mkdirSync(join(entry, 'files'), { recursive: true });
  const manifest = {
    version: 1,
    name: 'ranch/llama',
    repo: 'ranch/llama',
    commit: 'c0ffee',
    licence: null,
    hubUrl: 'https://huggingface.co',
    pulledAt: '2024-01-01',
    bytes: 1,
    files: [{ path: 'model.safetensors', size: 1, hash: '00' }],
  };
  writeFileSync(join(entry, 'manifest.json'), JSON.stringify(manifest));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const env = (): Record<string, string> => ({ CORRAL_HOME: join(folder, 'home') });

describe('corral run', () => {
  it('prints the completion byte for byte into a pipe', async () => {
    const { library, calls } = fakeModel(() => [' once', ' \u001b[1mupon', '', ' a time']);
    const outcome = await runCorral(['run', file, 'There was'], { library });
    expect(outcome).toEqual({ status: 0, stdout: ' once \u001b[1mupon a time', stderr: '' });
    expect(calls.map(({ what, input }) => [what, input])).toEqual([
      ['load', file],
      ['complete', 'There was'],
      ['close', undefined],
    ]);
  });

  it('ends the line on a terminal, and lets no control character through', async () => {
    const { library } = fakeModel(() => ['a\u001b[2Jb\tc\n', 'd']);
    const { stdout } = await runCorral(['run', file, 'x'], { library, terminal: { stdout: true } });
    expect(stdout).toBe('a\ufffd[2Jb\tc\nd\n');
  });

  it('passes an empty prompt on as it is, without waiting for a pipe', async () => {
    const { library, calls } = fakeModel(() => []);
    await runCorral(['run', file, ''], { library, stdin: 'not read' });
    expect(calls[1]).toMatchObject({ what: 'complete', input: '' });
  });

  it('reads the prompt from a pipe, less one line end', async () => {
    for (const args of [
      ['run', file],
      ['run', file, '-'],
    ]) {
      const { library, calls } = fakeModel(() => []);
      await runCorral(args, { library, stdin: 'Two\nlines\n\n' });
      expect(calls[1]).toMatchObject({ what: 'complete', input: 'Two\nlines\n' });
    }
  });

  it('starts from nothing when a terminal gave no prompt', async () => {
    const { library, calls } = fakeModel(() => []);
    await runCorral(['run', file], { library, terminal: true });
    expect(calls[1]).toMatchObject({ what: 'complete', input: '' });
  });

  it('takes a single argument for the model when the store has that name', async () => {
    const { library, calls } = fakeModel(() => []);
    await runCorral(['run', 'ranch/llama'], { library, env: env(), stdin: 'hi' });
    expect(calls[0]?.input).toBe(join(folder, 'home/models/ranch/llama~c0ffee/files'));
    expect(calls[1]?.input).toBe('hi');
  });

  it('takes a single argument that looks like a path and is none for an error', async () => {
    const missing = await runCorral(['run', './missing.gguf'], { env: env() });
    expect(missing).toMatchObject({ status: 1, stdout: '' });
    expect(missing.stderr).toContain('There is no file or folder at ./missing.gguf');
    const unknown = await runCorral(['run', 'ranch/cow'], { env: env() });
    expect(unknown.stderr).toContain(
      'There is no model ranch/cow in the store. It has: ranch/llama',
    );
  });

  it('takes any other single argument for the prompt, and says so where no model ships', async () => {
    const store = await lazyLibrary.store();
    const library = { store: async () => ({ ...store, findShippedModel: () => undefined }) };
    const { status, stderr } = await runCorral(['run', 'Tell me a story'], { env: env(), library });
    expect(status).toBe(2);
    expect(stderr).toContain('"Tell me a story" is neither a file nor a model in the store');
    expect((await runCorral(['run'], { env: env(), library })).status).toBe(2);
  });

  it('knows paths and names from prose', () => {
    for (const text of [
      './x',
      '../x',
      '~/x',
      'a/b',
      'x.gguf',
      'my models/x.safetensors',
      'C:\\x',
    ]) {
      expect(looksLikePath(text), text).toBe(true);
    }
    for (const text of ['Hello', 'either/or is a book', 'a\nb/c', '', 'and 1/2 of it']) {
      expect(looksLikePath(text), text).toBe(false);
    }
  });

  it('prints one object with --json, with these keys', async () => {
    const { library } = fakeModel(() => ['one', ' two']);
    const { stdout } = await runCorral(['run', file, 'x', '--json'], { library });
    expect(stdout.endsWith('}\n')).toBe(true);
    expect(JSON.parse(stdout)).toEqual({
      text: 'one two',
      tokens: [5, 6],
      promptTokens: 3,
      finishReason: 'stop',
      timing: {
        loadSeconds: 0.5,
        prefillTokensPerSecond: 10,
        decodeTokensPerSecond: 20,
        draftedTokens: 0,
        acceptedTokens: 0,
      },
    });
  });

  it('hands over exactly the options that were given', async () => {
    const { library, calls } = fakeModel(() => []);
    const flags =
      '--device reference --threads 2 --context 64 --cache q8_0 --speculate draft:small.gguf --no-pack-cache --tokenizer t.bin --config c.json --max-tokens 9 --temperature 0 --top-k 4 --top-p 0.5 --min-p 0.1 --typical-p 0.9 --repetition-penalty 1.1 --frequency-penalty -2 --presence-penalty 0.5 --seed 7 --logprobs 2';
    const stops = ['--json', '--stop', '\n\n', '--stop', 'END'];
    await runCorral(['run', file, 'x', ...flags.split(' '), ...stops], { library });
    const {
      logger: _l,
      onProgress: _p,
      signal: _s,
      ...load
    } = (calls[0]?.options ?? {}) as Record<string, unknown>;
    expect(load).toEqual({
      device: 'reference',
      threads: 2,
      context: 64,
      cache: 'q8_0',
      speculate: 'draft:small.gguf',
      packCache: false,
      tokenizer: 't.bin',
      config: 'c.json',
    });
    const { signal, ...asked } = (calls[1]?.options ?? {}) as Record<string, unknown>;
    expect(signal).toBeInstanceOf(AbortSignal);
    expect(asked).toEqual({
      maxTokens: 9,
      temperature: 0,
      topK: 4,
      topP: 0.5,
      minP: 0.1,
      typicalP: 0.9,
      repetitionPenalty: 1.1,
      frequencyPenalty: -2,
      presencePenalty: 0.5,
      seed: 7,
      logprobs: 2,
      stop: ['\n\n', 'END'],
    });
  });

  it('leaves sampling to the library when nothing was said', async () => {
    const { library, calls } = fakeModel(() => []);
    await runCorral(['run', file, 'x'], { library });
    expect(Object.keys(calls[1]?.options as object)).toEqual(['signal']);
  });

  it('stops at Ctrl-C, keeps what was said, closes the model and ends with 130', async () => {
    const { library, calls } = fakeModel(() => Array.from({ length: 500 }, () => 'w '), {
      pieceMs: 1,
    });
    let press: (() => void) | undefined;
    const outcome = await runCorral(['run', file, 'x'], {
      library,
      onStart: (pressCtrlC) => {
        press = pressCtrlC;
      },
      onOutput: (soFar) => {
        if (soFar.length === 10) press?.();
      },
    });
    expect(outcome.status).toBe(130);
    expect(outcome.stdout.length).toBeLessThan(50);
    expect(calls.at(-1)?.what).toBe('close');
  });

  it('refuses a prompt that is not UTF-8, and says where', async () => {
    for (const [bytes, offset, found] of [
      [[0x61, 0xc3, 0xa9, 0xff, 0x62], 3, '0xff'],
      // The beginnings of U+FFFD itself, cut off.
      [[0x61, 0xef, 0xbf, 0x62], 1, '0xef'],
      [[0xef, 0xbf, 0xbd, 0xef], 3, '0xef'],
      [[0xa9], 0, '0xa9'],
    ] as const) {
      const outcome = await runCorral(['run', file], { stdin: Uint8Array.from(bytes) });
      expect(outcome.status).toBe(1);
      expect(outcome.stderr).toContain(`Standard input is not UTF-8: byte ${offset} is ${found}.`);
    }
  });

  it('asks for no tokens when none are wanted', async () => {
    const { library, calls } = fakeModel(() => []);
    const { status } = await runCorral(['run', file, 'x', '--max-tokens', '0'], { library });
    expect(status).toBe(0);
    expect(calls[1]?.options).toMatchObject({ maxTokens: 0 });
  });

  it('takes a prompt that begins with a dash after --', async () => {
    const { library, calls } = fakeModel(() => []);
    await runCorral(['run', '--temperature', '0', '--', file, '--json'], { library });
    expect(calls[1]?.input).toBe('--json');
  });
});
