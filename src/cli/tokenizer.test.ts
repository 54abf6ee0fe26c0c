// corral tokenizer with the real library: what is written, what is measured, what is refused.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCorral } from '../../test/command-line.ts';
import { makeTinyModel } from '../../test/make-tiny-model.ts';
import { lazyLibrary } from './library.ts';

const { openTokenizer, openCheckpoint, convertCheckpoint } = lazyLibrary;
const library = { openTokenizer, openCheckpoint, convertCheckpoint };
const corpus = join(import.meta.dirname, '..', 'tokenizer', 'golden', 'trained-corpus.txt');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'corral-tokenizer-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const train = (...more: readonly string[]): string[] => ['tokenizer', 'train', corpus, ...more];

describe('corral tokenizer', () => {
  it('writes the vocabulary that the golden script loaded', async () => {
    const out = join(folder, 'golden.model');
    const args = ['--separator', '\\n', '--vocab-size', '540', '--coverage', '1', '--out', out];
    const controls = ['--control', '<|user|>', '--control', '<|end|>'];
    const { status, stdout } = await runCorral(train(...args, ...controls), { library });
    expect(status).toBe(0);
    expect(stdout).toMatch(/golden\.model: 540 pieces\ntext .*bytes\/token/);
    const golden = join(import.meta.dirname, '..', 'tokenizer', 'golden', 'trained.json');
    const { model } = JSON.parse(readFileSync(golden, 'utf8')) as { model: string };
    expect(readFileSync(out).toString('base64')).toBe(model);
  });

  it('reports bytes per token of each text and of all together', async () => {
    const out = join(folder, 'report.model');
    const russian = join(folder, 'ru.txt');
    writeFileSync(russian, 'лама идёт');
    const rows = join(folder, 'rows.jsonl');
    writeFileSync(rows, '{"text":"ab"}\n{"messages":[{"role":"assistant","content":"cd"}]}\n');
    const args = ['--characters', '--out', out, '--report', `ru=${russian}`, '--json'];
    const trained = await runCorral(train(...args), { library });
    const { size, report } = JSON.parse(trained.stdout) as {
      size: number;
      report: { name: string; bytes: number; tokens: number; bytesPerToken: number }[];
    };
    expect(size).toBe(3 + new Set(` ${readFileSync(corpus, 'utf8')}`).size);
    // eight Cyrillic letters of two bytes, a space, and the dummy space before
    expect(report[1]).toMatchObject({ name: 'ru', bytes: 17, tokens: 10, bytesPerToken: 1.7 });
    expect(report[2]?.name).toBe('all');
    expect(report[2]?.bytes).toBe((report[0]?.bytes ?? 0) + 17);

    const measured = await runCorral(
      ['tokenizer', 'measure', out, `cyrillic=${russian}`, '--json'],
      {
        library,
      },
    );
    expect(JSON.parse(measured.stdout)).toMatchObject({
      report: [{ name: 'cyrillic', bytes: 17, tokens: 10, unknownShare: 0 }],
    });
    const bad = await runCorral(['tokenizer', 'measure', out, rows], { library });
    expect(bad.stderr).toMatch(/Line 2 of .*rows\.jsonl is no example: text: expected string/);
  });

  it('does not replace a file unless told to, nor write over what it reads', async () => {
    const out = join(folder, 'there.model');
    writeFileSync(out, 'mine');
    const args = train('--characters', '--out', out);
    expect((await runCorral(args, { library })).stderr).toContain('is there already');
    expect(readFileSync(out, 'utf8')).toBe('mine');
    expect((await runCorral([...args, '--force'], { library })).status).toBe(0);
    expect(readFileSync(out, 'utf8')).not.toBe('mine');
    const over = await runCorral(train('--characters', '--out', corpus, '--force'), { library });
    expect(over.stderr).toContain('any place that does not hold what is converted');
  });

  it('says what sizes the text allows, and that one of two options is needed', async () => {
    const out = join(folder, 'none.model');
    const tooMany = await runCorral(train('--vocab-size', '9000', '--out', out), { library });
    expect(tooMany.status).toBe(1);
    expect(tooMany.stderr).toMatch(
      /9000 pieces cannot be learned from this text; allowed: at most/,
    );
    expect(existsSync(out)).toBe(false);
    const neither = await runCorral(train('--out', out), { library });
    expect(neither.status).toBe(2);
    expect(neither.stderr).toContain('Give either --vocab-size N or --characters.');
  });

  it('extends a vocabulary alone, or a whole model', async () => {
    const model = join(folder, 'tiny.gguf');
    await makeTinyModel(model);
    const text = join(folder, 'greek.txt');
    writeFileSync(text, 'λόφος λόφος λάμα λάμα');
    const args = ['tokenizer', 'extend', model, text, '--pieces', '12', '--json'];
    const alone = join(folder, 'greek.model');
    const whole = join(folder, 'greek.gguf');
    const first = await runCorral([...args, '--out', alone], { library });
    const second = await runCorral([...args, '--out', whole, '--type', 'f16'], { library });
    const { size, added, before, after } = JSON.parse(first.stdout) as {
      size: number;
      added: number;
      before: { tokens: number }[];
      after: { tokens: number }[];
    };
    expect(size).toBe(288 + added);
    expect(after[0]?.tokens).toBeLessThan((before[0]?.tokens as number) / 3);
    expect(JSON.parse(second.stdout)).toMatchObject({ size, added });
    const [one, other] = [await openTokenizer(alone), await openTokenizer(whole)];
    expect(other.encode('λόφος')).toEqual(one.encode('λόφος'));
    const opened = await openCheckpoint(whole, {});
    expect(opened.config.vocab).toBe(size);
    await opened.close();
    const untyped = await runCorral([...args, '--out', join(folder, 'x.gguf')], { library });
    expect(untyped.status).toBe(2);
    expect(untyped.stderr).toContain('give its --type');
  });
});
