// The dry run: shows what is learned, counted by hand.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tokenizerFromSentencePiece } from '../../tokenizer/index.ts';
import { dataSchema } from './data-schema.ts';
import { describeData } from './dry-run.ts';
import { openData } from './open-data.ts';

const golden = JSON.parse(
  readFileSync(
    join(import.meta.dirname, '..', '..', 'tokenizer', 'golden', 'trained.json'),
    'utf8',
  ),
) as { readonly model: string };
const tokenizer = tokenizerFromSentencePiece(Buffer.from(golden.model, 'base64'), 'trained.model');
const template =
  "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}<|user|>{% endif %}{{ m.content }}<|end|>{% endfor %}";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'corral-dry-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function describeRows(
  rows: readonly string[],
  { color = false, length = 2000, context = 32 } = {},
): Promise<string[]> {
  writeFileSync(join(folder, 'rows.jsonl'), rows.join('\n'));
  const recipe = dataSchema.parse({ train: 'rows.jsonl', cache: 'tokens', badRows: 'skip' });
  const data = await openData(recipe, { tokenizer, template, context, seed: 1, folder });
  try {
    return describeData(data, { tokenizer, color, length });
  } finally {
    await data.close();
  }
}

const row = (question: string, answer: string): string =>
  JSON.stringify({
    messages: [
      { role: 'user', content: question },
      { role: 'assistant', content: answer },
    ],
  });

describe('a dry run', () => {
  it('counts, and sets apart what is learned', async () => {
    // <s> <|user|> ▁the ▁hat <|end|> then ▁lost <|end|>: 7 tokens, 6 rows
    expect(await describeRows([row('the hat', 'lost'), 'bad'])).toEqual([
      'rows.jsonl: 1 example, 7 tokens, 2 learned (28.6 %)',
      expect.stringMatching(/^ {2}line 2 left out: it is not JSON/),
      '1 sequence, 6 rows in 1 bin of 32, 18.8 % full',
      '1 step an epoch; the first: 6 rows, 2 targets, 1 pass',
      '--- 1: 7 tokens, 2 learned',
      '<s><|user|> the hat<|end|>⟦ lost<|end|>⟧',
    ]);
  });

  it('colours line by line, and lets no control character through', async () => {
    const lines = await describeRows([row('the\nhat', 'lo\u001b[2Jst')], { color: true });
    expect(lines.slice(-2)).toEqual([
      '\u001b[90m<s><|user|> the\u001b[0m',
      '\u001b[90mhat<|end|>\u001b[0m\u001b[32m lo\ufffd[2Jst<|end|>\u001b[0m',
    ]);
  });

  it('shows the beginning of long ones, and says what was cut', async () => {
    const lines = await describeRows([row('hat', 'the hill '.repeat(50))], {
      length: 30,
      context: 16,
    });
    expect(lines).toContain('longer than 16: 0 split, 1 cut; 0 left out');
    expect(lines.at(-1)).toMatch(/^<s><\|user\|> hat<\|end\|>⟦ the hill.{0,12}⟧ …$/);
  });
});
