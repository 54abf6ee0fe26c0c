// Runs docs/guides/data.md as it stands there: its files are written, its commands run.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lazyLibrary } from '../src/cli/library.ts';
import { runCorral } from './command-line.ts';

const guide = readFileSync(resolve(import.meta.dirname, '..', 'docs', 'guides', 'data.md'), 'utf8');
const blocks = Array.from(
  guide.matchAll(/<!-- (run|file: (\S+)) -->\n```\w+\n([\s\S]*?)```/g),
  ([, kind, name, text]) => ({ kind: kind as string, name, text: text as string }),
);

/** Words of a command line; single quotes keep spaces. */
function wordsOf(line: string): string[] {
  return Array.from(line.matchAll(/'([^']*)'|(\S+)/g), ([, quoted, bare]) => quoted ?? bare ?? '');
}

describe('the guide to data', () => {
  const before = process.cwd();
  let folder: string;
  const outputs: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'corral-guide-'));
    process.chdir(folder);
    for (const { kind, name, text } of blocks) {
      if (kind !== 'run') {
        writeFileSync(join(folder, name as string), text);
        continue;
      }
      for (const line of text.trim().split('\n')) {
        const [command, ...args] = wordsOf(line);
        expect(command).toBe('corral');
        const { status, stdout, stderr } = await runCorral(args, { library: lazyLibrary });
        expect(status, `${line}\n${stderr}`).toBe(0);
        outputs.push(stdout);
      }
    }
  });

  afterAll(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true, force: true });
  });

  it('has commands that run, on files that it shows', () => {
    const [train, measure, ...dryRuns] = outputs;
    expect(train).toContain('stories.model: 310 pieces');
    expect(measure).toMatch(/^text .*\nstories\.txt /);
    expect(dryRuns).toHaveLength(2);
  });

  it('shows what is learned of a conversation', () => {
    const shown = outputs[2] as string;
    expect(shown).toContain(
      '<|user|> Where was the llama?<|end|>« The llama was on the hill.<|end|>»',
    );
    expect(shown).toMatch(/« The goat\.<\|end\|>»<\|user\|> Was the hat green\?<\|end\|>« The hat/);
    expect(shown).toContain('2 sequences');
  });
});
