import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { runCorral } from '../../test/command-line.ts';
import { type LoadedModel, lazyLibrary } from './library.ts';

const home = mkdtempSync(`${tmpdir()}/corral-model-argument-`);
afterAll(() => rmSync(home, { recursive: true, force: true }));

// Which file is loaded for these arguments, where `shipped` came with Corral; and what is then said.
async function opened(
  args: readonly string[],
  shipped: readonly string[] = ['cria-base', 'cria-chat'],
): Promise<{
  readonly path: string | undefined;
  readonly prompt?: string;
  readonly stderr: string;
}> {
  let [path, prompt]: (string | undefined)[] = [];
  const store = await lazyLibrary.store();
  const { stderr } = await runCorral(args, {
    env: { CORRAL_HOME: home, HOME: home },
    library: {
      store: async () => ({
        ...store,
        findShippedModel: (name: string) =>
          shipped.includes(name) ? `/models/${name}` : undefined,
      }),
      load: async (asked) => {
        path = asked;
        return {
          complete: (text: string) => {
            prompt = text;
            throw new Error('enough');
          },
          close: async () => {},
        } as unknown as LoadedModel; // the rest is not used before `complete` throws
      },
    },
  });
  return { path, stderr, ...(prompt === undefined ? {} : { prompt }) };
}

describe('MODEL where none is named', () => {
  it('is the base model for a completion, and takes the one argument for the prompt', async () => {
    expect(await opened(['run', 'Once upon a time'])).toMatchObject({
      path: '/models/cria-base',
      prompt: 'Once upon a time',
    });
    expect(await opened(['run'])).toMatchObject({ path: '/models/cria-base', prompt: '' });
  });

  it('is the chat model for a talk', async () => {
    expect((await opened(['chat'])).path).toBe('/models/cria-chat');
  });

  it('can be named like a model of the store', async () => {
    expect(await opened(['run', 'cria-chat', 'Hello'])).toMatchObject({
      path: '/models/cria-chat',
      prompt: 'Hello',
    });
  });

  it('does not hide a path or a name that is mistyped', async () => {
    const missing = await opened(['run', './cria-chat.gguf']);
    expect(missing.path).toBeUndefined();
    expect(missing.stderr).toContain('no file or folder');
  });

  it('is an error that says what to do where Corral came without it', async () => {
    const { path, stderr } = await opened(['run', 'Once upon a time'], []);
    expect(path).toBeUndefined();
    expect(stderr).toMatch(/taken for the prompt; but no model was named[\s\S]*corral pull/);
  });
});
