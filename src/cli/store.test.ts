// pull, list and rm on a real store and a local hub.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCorral } from '../../test/command-line.ts';
import { type HubServer, startHubServer } from '../../test/hub-server.ts';
import { PackedStore } from '../store/index.ts';

let home: string;
let hub: HubServer;
let env: Record<string, string>;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'corral-cli-store-'));
  hub = await startHubServer({
    'ranch/llama': {
      files: { 'config.json': '{}', 'model.safetensors': 'x'.repeat(5000) },
      licence: 'mit',
    },
    'ranch/quants': { files: { 'q-Q8_0.gguf': 'a'.repeat(2000), 'q-Q4_0.gguf': 'b'.repeat(1500) } },
    'meta/llama2': {
      files: {
        'config.json': '{}',
        'model.safetensors': 'y'.repeat(3000),
        'LICENSE.txt': 'LLAMA 2 COMMUNITY LICENSE AGREEMENT',
      },
      licence: 'llama2',
    },
  });
  env = { CORRAL_HOME: home, HF_ENDPOINT: hub.url };
});

afterEach(async () => {
  await hub.close();
  rmSync(home, { recursive: true, force: true });
});

/** Presses Ctrl-C when the first large file is on its way. */
function pressInDownload(press: () => void): void {
  const timer = setInterval(() => {
    if (!hub.requests.some((request) => request.origin === 'storage')) return;
    clearInterval(timer);
    press();
  }, 5);
}

describe('corral pull, list and rm', () => {
  it('bring a model in, show it and take it out', async () => {
    const pulled = await runCorral(['pull', 'ranch/llama', '--json'], { env });
    expect(pulled).toMatchObject({ status: 0, stderr: '' });
    const model = JSON.parse(pulled.stdout);
    expect(model).toMatchObject({ name: 'ranch/llama', licence: 'mit', bytes: 5002, fresh: true });
    expect(existsSync(join(model.path, 'config.json'))).toBe(true);

    const again = await runCorral(['pull', 'ranch/llama'], { env });
    expect(again.stdout).toBe(
      `ranch/llama was already in the store: 2 files, 5.00 kB\n${model.path}\n`,
    );
    const listed = await runCorral(['list'], { env });
    expect(listed.stdout).toMatch(
      /^name +size +pulled\nranch\/llama +5\.00 kB +\d{4}-\d\d-\d\d\n$/,
    );
    expect(JSON.parse((await runCorral(['ls', '--json'], { env })).stdout)).toMatchObject([
      { name: 'ranch/llama', path: model.path, bytes: 5002 },
    ]);

    const removed = await runCorral(['rm', 'ranch/llama'], { env });
    expect(removed.stdout).toBe('ranch/llama removed, 5.00 kB free again\n');
    const empty = await runCorral(['list'], { env });
    expect(empty).toMatchObject({ status: 0, stdout: '' });
    expect((await runCorral(['list', '--json'], { env })).stdout).toBe('[]\n');
    expect((await runCorral(['rm', 'ranch/llama'], { env })).status).toBe(1);
  });

  it('show what packed weights take, and remove them with their model or on request', async () => {
    const { stdout } = await runCorral(['pull', 'ranch/quants:Q8_0', '--json'], { env });
    const other = join(home, 'other.gguf');
    writeFileSync(other, 'weights');
    const packed = new PackedStore({ store: home, spareBytes: 0 });
    for (const path of [JSON.parse(stdout).path, other]) {
      const outcome = await packed.keep(await packed.find(path, 1), [], {
        pieceBytes: 1,
        read: async () => new Uint8Array(0),
      });
      expect(outcome.kind).toBe('kept');
    }
    // A page each, for the header.
    const listed = await runCorral(['list'], { env });
    expect(listed.stderr).toBe('Packed weights take 8.19 kB: `corral rm --packed` removes them.\n');
    await runCorral(['rm', 'ranch/quants:Q8_0'], { env });
    expect(await packed.list()).toMatchObject([{ source: other }]);
    const removed = await runCorral(['rm', '--packed'], { env });
    expect(removed.stdout).toBe('packed weights removed, 4.10 kB free again\n');
    expect(await packed.list()).toEqual([]);
    const nothing = await runCorral(['rm'], { env });
    expect(nothing).toMatchObject({ status: 2, stderr: expect.stringMatching(/--packed/) });
  });

  it('take one quantisation of many, and list them when none was named', async () => {
    const open = await runCorral(['pull', 'ranch/quants'], { env });
    expect(open.stderr).toMatch(
      /q-Q4_0\.gguf, q-Q8_0\.gguf.*\nhint: .*corral pull ranch\/quants:q-Q4_0\.gguf/,
    );
    const { stdout } = await runCorral(['pull', 'ranch/quants:Q8_0', '--json'], { env });
    expect(JSON.parse(stdout).path).toMatch(/q-Q8_0\.gguf$/);
  });

  it('use the mirror that --hub-url names', async () => {
    const elsewhere = { CORRAL_HOME: home };
    const args = ['pull', 'ranch/llama', '--hub-url', hub.url];
    expect((await runCorral(args, { env: elsewhere })).status).toBe(0);
  });

  it('refuse Llama 2 files to a script that did not accept their licence', async () => {
    const refused = await runCorral(['pull', 'meta/llama2'], { env });
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain(`Read it at ${hub.url}/meta/llama2, then`);
    expect(refused.stderr).toContain('--accept-licence');
    expect((await runCorral(['pull', 'meta/llama2', '--accept-licence'], { env })).status).toBe(0);
  });

  it('show the licence to a person and ask once', async () => {
    const questions: string[] = [];
    const library = {
      confirm: async (question: string) => {
        questions.push(question);
        return true;
      },
    };
    const terminal = { stdin: true, stderr: true };
    const first = await runCorral(['pull', 'meta/llama2'], { env, library, terminal });
    expect(first.status).toBe(0);
    expect(first.stderr).toContain('LLAMA 2 COMMUNITY LICENSE AGREEMENT');
    await runCorral(['rm', 'meta/llama2'], { env });
    await runCorral(['pull', 'meta/llama2'], { env, library, terminal });
    expect(questions).toEqual(['Do you accept the licence llama2?']);
  });

  it('tell of a download that was interrupted, and how to go on', async () => {
    hub.faults.delayMs = 50;
    hub.repositories['ranch/llama'] = {
      files: { 'config.json': '{}', 'model.safetensors': 'x'.repeat(500_000) },
    };
    const stopped = await runCorral(['pull', 'ranch/llama'], { env, onStart: pressInDownload });
    expect(stopped.status).toBe(130);
    expect(stopped.stderr).toContain('What came is kept: pull again to go on');
    const listed = await runCorral(['list'], { env });
    expect(listed.stdout).toBe('');
    expect(listed.stderr).toMatch(
      /ranch\/llama is unfinished .*`corral pull ranch\/llama` goes on/,
    );
    expect((await runCorral(['rm', 'ranch/llama'], { env })).status).toBe(0);
    expect((await runCorral(['list'], { env })).stderr).toContain('The store is empty');
  });

  it('name a command that goes on, also with patterns and another hub', async () => {
    hub.faults.delayMs = 50;
    hub.repositories['ranch/llama'] = {
      files: { 'config.json': '{}', 'big one.bin': 'x'.repeat(500_000) },
    };
    const elsewhere = { CORRAL_HOME: home };
    const asked = ['pull', 'ranch/llama', '--include', 'big*.bin', '--hub-url', hub.url];
    const stopped = await runCorral(asked, { env: elsewhere, onStart: pressInDownload });
    expect(stopped.status).toBe(130);
    const { stderr } = await runCorral(['list'], { env: elsewhere });
    expect(stderr).toContain(
      `\`corral pull ranch/llama --include 'big*.bin' --hub-url ${hub.url}\` goes on.`,
    );
    hub.faults.delayMs = 0;
    expect((await runCorral(asked, { env: elsewhere })).status).toBe(0);
    expect((await runCorral(['list'], { env: elsewhere })).stderr).toBe('');
  });

  it('leave stderr to one JSON object when a pull with --json is stopped', async () => {
    hub.faults.delayMs = 50;
    const args = ['pull', 'ranch/llama', '--json'];
    const stopped = await runCorral(args, { env, onStart: pressInDownload });
    expect(stopped.status).toBe(130);
    expect(JSON.parse(stopped.stderr).error.code).toBe('CORRAL_ABORTED');
  });
});
