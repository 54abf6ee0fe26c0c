// Reading data sets: formats, lines, what is bad and why. Files are written by hand, and real ones read.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasSharedData, sharedData } from '../../../test/shared-data.ts';
import { readJsonRows } from './json-rows.ts';
import { type DataSource, readSource, type SourceItem } from './read-source.ts';
import { readDocuments, type TextPart } from './text-documents.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'corral-data-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function read(path: string, options: Partial<DataSource> = {}): Promise<SourceItem[]> {
  return Array.fromAsync(readSource({ path, format: 'auto', ...options }));
}

function documents(content: string, separator?: string): Promise<TextPart[]> {
  return Array.fromAsync(readDocuments(file('text.txt', content), { separator }));
}

describe('documents of plain text', () => {
  it('are the whole file where there is no separator, to the last newline', async () => {
    expect(await documents('one\r\n\ntwo\n')).toEqual([
      { line: 1, text: 'one\r\n\ntwo\n', opens: true, closes: true },
    ]);
  });

  it('lie between separators, without newlines at their ends, empty ones left out', async () => {
    const parts = await documents('\na\nb\n<|end|>\n<|end|>c<|end|>\n\nd\n', '<|end|>');
    expect(parts.map(({ line, text }) => [line, text])).toEqual([
      [2, 'a\nb'],
      [5, 'c'],
      [7, 'd'],
    ]);
    expect((await documents('a\n\nb\nc', '\n\n')).map(({ text }) => text)).toEqual(['a', 'b\nc']);
    expect((await documents('a\n\nb\nc', '\n')).map(({ text }) => text)).toEqual(['a', 'b', 'c']);
  });

  it('come in parts that end at newlines when they are long', async () => {
    const line = `${'x'.repeat(99)}\n`;
    const text = line.repeat(25_000);
    const parts = await documents(`${text}<|end|>${line}`, '<|end|>');
    expect(parts.length).toBeGreaterThan(3);
    const [first, ...rest] = parts;
    expect(first).toMatchObject({ line: 1, opens: true, closes: false });
    expect(rest.slice(0, -2).every(({ opens, closes }) => !opens && !closes)).toBe(true);
    for (const part of parts.slice(0, -2)) expect(part.text.endsWith('\n')).toBe(true);
    expect(
      parts
        .slice(0, -1)
        .map((part) => part.text)
        .join(''),
    ).toBe(text.trimEnd());
    expect(parts.at(-1)).toMatchObject({ line: 25_001, opens: true, closes: true });
  });

  it('survive characters that fall between blocks', async () => {
    const text = 'é🦙'.repeat(400_000);
    expect((await documents(text)).map((part) => part.text).join('')).toBe(text);
  });
});

describe('rows of JSON', () => {
  it('have the line where they begin, in a list and line by line', async () => {
    const list = file(
      'list.json',
      '[\n {"text": "a, [\\"}"},\n\n {"text":\n"b"} ,{"text":"c"}\n]\n',
    );
    const rows = (await read(list)) as { line: number; row: { text: string } }[];
    expect(rows.map(({ line, row }) => [line, row.text])).toEqual([
      [2, 'a, ["}'],
      [4, 'b'],
      [5, 'c'],
    ]);
    const lines = file('rows.jsonl', '\ufeff{"text":"a"}\r\n\n{"text":"b"}');
    expect(((await read(lines)) as { line: number }[]).map(({ line }) => line)).toEqual([1, 3]);
  });

  it('are any lists that JSON can write', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue()),
        fc.constantFrom(undefined, 1, '\t'),
        async (values, space) => {
          const path = file('any.json', JSON.stringify(values, undefined, space));
          const rows = await Array.fromAsync(readJsonRows(path));
          expect(rows.map((row) => ('value' in row ? row.value : row.reason))).toEqual(
            JSON.parse(JSON.stringify(values)),
          );
        },
      ),
      { numRuns: 50 },
    );
  });

  it('are told when they are bad, with line and reason, and reading goes on', async () => {
    const path = file(
      'bad.jsonl',
      '{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}\n{oops}\n{"messages":[]}\n{"messages":[{"role":"robot","content":"x"}]}\n{"messages":[{"role":"user","content":"q"}]}\n{"messages":[{"role":"assistant","content":"a"}],"tools":"no"}\n',
    );
    const items = await read(path);
    expect(items.map((item) => ('reason' in item ? [item.line, item.reason] : item.line))).toEqual([
      1,
      [2, expect.stringMatching(/^it is not JSON/)],
      [3, expect.stringMatching(/^messages: .*1 /)],
      [4, expect.stringMatching(/^message 1 is by "robot"; known are system, user/)],
      [5, 'no message is the assistant’s'],
      [6, 'its tools are no JSON list'],
    ]);
    const open = await read(file('open.json', '[{"text":"a"},\n{"text":"b"'));
    expect(open.map((item) => ('reason' in item ? item.reason : 'row'))).toEqual([
      'row',
      'the array does not end',
    ]);
  });

  it('are brought to one shape: alpaca with history, sharegpt with tools', async () => {
    const alpaca = file(
      'alpaca.json',
      '[{"instruction":"i","input":"x","output":"o","system":"s","history":[["u","a"]]}]',
    );
    const roles = [
      { role: 'system', content: 's' },
      { role: 'user', content: 'u' },
      { role: 'assistant', content: 'a' },
      { role: 'user', content: 'i\nx' },
      { role: 'assistant', content: 'o' },
    ];
    expect(await read(alpaca)).toEqual([{ line: 1, row: { kind: 'chat', messages: roles } }]);
    expect(await read(alpaca, { format: 'alpaca-prompt' })).toEqual([
      {
        line: 1,
        row: {
          kind: 'completion',
          prompt:
            'Below is an instruction that describes a task, paired with an input that provides further context. Write a response that appropriately completes the request.\n\n### Instruction:\ni\n\n### Input:\nx\n\n### Response:',
          completion: 'o',
        },
      },
    ]);
    const sharegpt = file(
      'share.json',
      '[{"conversations":[{"from":"human","value":"h"},{"from":"function_call","value":"f"},{"from":"observation","value":"b"},{"from":"gpt","value":"g"}],"tools":"[{\\"name\\":\\"n\\"}]"}]',
    );
    expect(await read(sharegpt)).toMatchObject([
      {
        row: {
          messages: [
            { role: 'user' },
            { role: 'assistant' },
            { role: 'tool' },
            { role: 'assistant' },
          ],
          tools: [{ name: 'n' }],
        },
      },
    ]);
  });

  it('take other column names, and texts in place of names in double braces', async () => {
    const path = file('own.jsonl', '{"prompt":"I am","response":"{{name}}, by {{author}}"}');
    const options = { columns: { completion: 'response' }, substitute: { name: 'Cria' } };
    expect(await read(path, options)).toEqual([
      { line: 1, row: { kind: 'completion', prompt: 'I am', completion: 'Cria, by {{author}}' } },
    ]);
  });

  it('refuse a file whose format nothing shows, text that is not UTF-8, and no file', async () => {
    await expect(read(file('what.jsonl', '{"question":"q"}'))).rejects.toThrow(
      /line 1 has none of the keys messages \(messages\), conversations \(sharegpt\)/,
    );
    await expect(read(file('latin.txt', Buffer.from('caf\u00e9', 'latin1')))).rejects.toThrow(
      'byte 3 is 0xe9',
    );
    await expect(read(join(folder, 'none.txt'))).rejects.toThrow('There is no file at');
  });
});

describe.skipIf(!hasSharedData)('real data sets (needs ../shared/data)', () => {
  it.each([
    ['llama-factory-demo/alpaca_en_demo.json', {}, 'chat', 999],
    ['llama-factory-demo/glaive_toolcall_en_demo.json', {}, 'chat', 300],
    ['llama-factory-demo/kto_en_demo.json', {}, 'chat', 300],
    ['llama-factory-demo/c4_demo.jsonl', {}, 'text', 300],
    [
      'dolly-hhrlhf/dolly_hhrlhf_train_small.jsonl',
      { columns: { completion: 'response' } },
      'completion',
      1000,
    ],
  ])('reads every row of %s', async (path, options, kind, count) => {
    const items = await read(sharedData(path), options);
    expect(items).toHaveLength(count);
    for (const item of items) expect(item).toMatchObject({ row: { kind } });
  });
});
