import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Outcome, type RunSetup, runCorral } from '../../test/command-line.ts';
import { makeRunFolder } from '../../test/tiny-runs.ts';
import { lazyLibrary } from './library.ts';

let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'corral-train-'));
  await makeRunFolder(folder);
  writeFileSync(
    join(folder, 'new.yaml'),
    `name: newcomer
output: ${join(folder, 'new')}
steps: 4
model: {dim: 32, layers: 1, heads: 2, context: 32}
data:
  train: {path: ${join(folder, 'text.txt')}, separator: "\\n\\n"}
  tokenizer: ${join(folder, 'tokenizer.model')}
  heldOut: 0.2
  batch: 2
samples: {prompts: [the], maxTokens: 3, every: 4}
`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function corral(args: readonly string[], setup: RunSetup = {}): Promise<Outcome> {
  const { training, writeFile } = lazyLibrary;
  const library = { training, writeFile };
  return runCorral(args, { ...setup, library, env: { CORRAL_HOME: folder } });
}

const recipe = (): string => join(folder, 'new.yaml');

describe('corral train', () => {
  it('shows with --dry-run what would be done and what is learned, and does nothing', async () => {
    const { status, stdout } = await corral(['train', recipe(), '--dry-run']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^steps +4 \(an epoch has \d+\)$/m);
    expect(stdout).toMatch(/^parameters +2\d\.\d k, all trained/m);
    expect(stdout).toContain('What is learned is between « and ».');
    expect(stdout).toMatch(/<s>« no llama eats a tent\.<\/s>»/);
    const { stdout: runs, stderr } = await corral(['runs']);
    expect(runs + stderr).toContain('There are no runs.');
  });

  it('colours what is learned on a terminal', async () => {
    const { stdout } = await corral(['train', recipe(), '--dry-run'], {
      terminal: { stdout: true },
    });
    expect(stdout).toContain('\u001b[32m');
    expect(stdout).toContain('What is learned is green.');
  });

  it('trains, says what happened, and lists and shows the run', async () => {
    const { status, stdout, stderr } = await corral(['train', recipe()]);
    expect(status, stderr).toBe(0);
    expect(stderr).toMatch(/run [0-9a-f]{8}: 2\d\.\d k parameters, all trained, 4 steps on /);
    expect(stderr).toMatch(/step 4: held-out loss \d\.\d{4}, the best so far/);
    expect(stderr).toMatch(/step 4: "the" → "/);
    expect(stdout).toMatch(/finished after 4 steps: lowest held-out loss/);
    expect(stdout).toContain(`wrote ${join(folder, 'new', 'model')}`);
    const listed = await corral(['runs']);
    expect(listed.stdout).toMatch(/newcomer +train +finished +4\/4/);
    const page = join(folder, 'page.html');
    const shown = await corral(['runs', 'show', 'newcomer', '--out', page]);
    expect(shown.stdout).toBe(`${page}\n`);
    expect(readFileSync(page, 'utf8')).toContain('newcomer');
    const { stdout: json } = await corral(['runs', 'show', 'newcomer', '--json']);
    expect(JSON.parse(json)[0]).toMatchObject({ name: 'newcomer', step: 4, status: 'finished' });
  });

  it('goes on from its checkpoint when run again, and prints the outcome as JSON', async () => {
    const longer = ['train', recipe(), '--set', 'steps=6', '--json'];
    const refused = await corral(longer);
    expect(refused.status).toBe(1);
    expect(JSON.parse(refused.stderr.trim().split('\n').at(-1) ?? '').error).toMatchObject({
      code: 'CORRAL_RUN_DIFFERS',
    });
    const { stdout, stderr } = await corral([...longer, '--resume']);
    expect(stderr).toContain('going on after step 4');
    expect(JSON.parse(stdout)).toMatchObject({ reason: 'finished', state: { step: 6 } });
  });

  it('points at the line of a mistake', async () => {
    const path = join(folder, 'wrong.yaml');
    writeFileSync(path, readFileSync(recipe(), 'utf8').replace('steps: 4', 'steps: four'));
    const { status, stderr } = await corral(['train', path]);
    expect(status).toBe(1);
    expect(stderr).toContain(`${path}:3:1: steps is "four"; allowed: a number.`);
  });

  it('sends recipes to the command that is theirs', async () => {
    const tune = await corral(['tune', recipe()]);
    expect(tune).toMatchObject({ status: 2 });
    expect(tune.stderr).toContain('The recipe makes a new model: that is `corral train`.');
    const both = await corral(['train', recipe(), '--resume', '--fresh']);
    expect(both.stderr).toContain('--resume and --fresh exclude each other.');
  });

  it('saves a checkpoint at Ctrl-C and says how to go on', async () => {
    let press = (): void => {};
    const output = join(folder, 'stopped');
    const stopped = corral(
      ['train', recipe(), '--set', `output=${output}`, '--set', 'steps=5000'],
      {
        onStart: (callback) => {
          press = callback;
        },
      },
    );
    const metrics = join(output, 'metrics.jsonl');
    const lines = (): number => {
      try {
        return readFileSync(metrics, 'utf8').split('\n').length;
      } catch {
        return 0;
      }
    };
    while (lines() < 3) await new Promise((done) => setTimeout(done, 10));
    press();
    const { status, stdout } = await stopped;
    expect(status).toBe(130);
    expect(stdout).toMatch(/stopped after step \d+; `corral train .*new.yaml` goes on/);
  });
});
