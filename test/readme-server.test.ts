// The README's server: started by its own command (on a free port), and asked by its own examples.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const command = /<!-- serve -->\n```sh\nnpx corral (.*)\n```/.exec(readme)?.[1] ?? '';
const examples = Array.from(
  readme.matchAll(/<!-- run beside the server -->\n```(sh|ts)\n([\s\S]*?)```/g),
  ([, language, text], index) => [index + 1, language as string, text as string] as const,
);
const model = join(root, 'models', 'cria-chat.gguf');

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((done) => child.on('close', done));
}

it('shows how to start a server, and at least three ways to ask it', () => {
  expect(command).toBe('serve');
  expect(examples.length).toBeGreaterThanOrEqual(3);
});

describe.skipIf(!existsSync(model))('the README’s server (needs models/cria-chat.gguf)', () => {
  let folder = '';
  let server: ChildProcess;
  let host = '';
  beforeAll(async () => {
    // Inside the project, so that the clients are found.
    mkdirSync(join(root, 'build'), { recursive: true });
    folder = mkdtempSync(join(root, 'build', 'readme-server-'));
    const main = join(root, 'src', 'cli', 'main.ts');
    const start = `import('${main}').then(async ({ main }) => { process.exitCode = await main(process.argv.slice(1)); })`;
    const args = [...command.split(' '), '--port', '0', '--sequences', '2'];
    server = spawn(process.execPath, ['-e', start, '--', ...args], {
      env: { ...process.env, CORRAL_HOME: folder },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    for await (const text of server.stdout ?? []) {
      said += text;
      host = /at http:\/\/(\S+)\/v1/.exec(said)?.[1] ?? '';
      if (host !== '') break;
    }
  });
  afterAll(() => {
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(examples)('answers example %i (%s)', async (index, language, text) => {
    const file = join(folder, `example-${index}.${language}`);
    writeFileSync(file, text.replaceAll('localhost:8080', host));
    const [program, ...args] = language === 'ts' ? [process.execPath, file] : ['sh', '-e', file];
    const child = spawn(program as string, args, { cwd: folder });
    const ended = exitOf(child);
    const [stdout, stderr] = await Promise.all([readText(child.stdout), readText(child.stderr)]);
    expect(await ended, stderr).toBe(0);
    expect(stdout).toContain('Cria');
  });

  it('ends when it is told to', async () => {
    const ended = exitOf(server);
    server.kill('SIGTERM');
    expect(await ended).toBe(0);
  });
});
