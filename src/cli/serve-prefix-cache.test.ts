import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCorral, whenListening } from '../../test/command-line.ts';
import { makeTinyModel } from '../../test/make-tiny-model.ts';
import { lazyLibrary } from './library.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'corral-prefix-cache-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Reply {
  readonly choices: readonly { readonly text: string }[];
  readonly usage: { readonly prompt_tokens_details: { readonly cached_tokens: number } };
}

/** Starts a server, asks it once, and stops it. */
async function serveOnce(model: string, pages: string): Promise<{ text: string; cached: number }> {
  const reply = Promise.withResolvers<Reply>();
  let interrupt = (): void => {};
  const ask = async (url: string): Promise<void> => {
    const prompt = Array.from({ length: 50 }, (_, at) => 3 + ((at * 13) % 280));
    const body = { model: 'tiny', prompt, max_tokens: 5, temperature: 0, logprobs: 2 };
    const response = await fetch(`${url}/completions`, {
      method: 'POST',
      headers: { connection: 'close' },
      body: JSON.stringify(body),
    });
    reply.resolve((await response.json()) as Reply);
  };
  const { status, stderr } = await runCorral(
    ['serve', '--alias', `tiny=${model}`, '--port', '0', '--prefix-cache', pages],
    {
      library: lazyLibrary,
      env: { CORRAL_HOME: folder },
      onStart: (callback) => {
        interrupt = callback;
      },
      onOutput: whenListening(
        (url) =>
          void ask(url)
            .catch(reply.reject)
            .finally(() => interrupt()),
      ),
    },
  );
  expect(status, stderr).toBe(0);
  const { choices, usage } = await reply.promise;
  return {
    text: JSON.stringify(choices),
    cached: usage.prompt_tokens_details.cached_tokens,
  };
}

it('finds computed beginnings after a restart, all but what is damaged, and none of another model', async () => {
  const [model, other] = [join(folder, 'one.gguf'), join(folder, 'other.gguf')];
  const pages = join(folder, 'pages');
  await makeTinyModel(model);
  const first = await serveOnce(model, pages);
  expect(first.cached).toBe(0);
  // 54 tokens have keys and values: six full pages.
  expect(readdirSync(pages)).toHaveLength(6);
  expect(await serveOnce(model, pages)).toEqual({ ...first, cached: 48 });
  for (const name of readdirSync(pages)) {
    writeFileSync(join(pages, name), readFileSync(join(pages, name)).fill(1, 100, 101));
  }
  expect(await serveOnce(model, pages)).toEqual(first);
  await makeTinyModel(other, { layers: 3 });
  expect((await serveOnce(other, pages)).cached).toBe(0);
});

it('asks for a folder where only its size is said', async () => {
  const { status, stderr } = await runCorral(['serve', '--prefix-cache-size', '100']);
  expect(status).toBe(2);
  expect(stderr).toContain(
    '--prefix-cache-size says how large a folder may be, but there is none.',
  );
});
