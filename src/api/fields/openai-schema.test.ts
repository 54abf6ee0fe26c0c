// The fields of OpenAI's own client, read from its type declarations, against ours: whichever the client
// can send is honoured, accepted or refused by name, and no name is both.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { embeddingFields } from './embedding-fields.ts';
import type { Fields } from './fields.ts';
import { parseFields } from './parse-fields.ts';
import { chatFields, completionFields } from './text-fields.ts';

const resources = join(dirname(createRequire(import.meta.url).resolve('openai')), 'resources');

function declaredFields(file: string, name: string): string[] {
  const text = readFileSync(join(resources, file), 'utf8');
  const start = text.indexOf(`export interface ${name} {`);
  const body = text.slice(start, text.indexOf('\n}', start));
  // Fields of the interface itself are indented by four; those of objects within by more.
  return Array.from(body.matchAll(/^ {4}(\w+)\??:/gm), ([, field]) => field as string);
}

const cases: [string, string, Fields<unknown>, number][] = [
  ['chat/completions/completions.d.ts', 'ChatCompletionCreateParamsBase', chatFields, 30],
  ['completions.d.ts', 'CompletionCreateParamsBase', completionFields, 17],
  ['embeddings.d.ts', 'EmbeddingCreateParams', embeddingFields, 5],
];

it.each(cases)('leaves out no field of %s', (file, name, fields, least) => {
  const declared = declaredFields(file, name);
  expect(declared.length).toBeGreaterThanOrEqual(least);
  const known = fields.docs.map((doc) => doc.name);
  const refused = Object.keys(fields.refused);
  expect(declared.filter((field) => !known.includes(field) && !refused.includes(field))).toEqual(
    [],
  );
  expect(refused.filter((field) => known.includes(field))).toEqual([]);
  for (const doc of fields.docs) expect(doc.text, doc.name).not.toBe('');
});

it.each(cases)('refuses by name what it does not support of %s', (_file, _name, fields) => {
  for (const field of Object.keys(fields.refused)) {
    const body = { model: 'm', [field]: 'something' };
    expect(() => parseFields(body, fields), field).toThrow(`${field} is not supported`);
  }
});

it('takes null for a field that is not there, and names what is wrong where it is', () => {
  const messages = [{ role: 'user', content: 'a' }];
  expect(parseFields({ model: 'm', messages, stop: null, audio: null }, chatFields)).toEqual({
    model: 'm',
    messages,
  });
  const wrong: [object, RegExp][] = [
    [{ temperature: 'hot' }, /^temperature is "hot"; allowed: a number/],
    [
      { messages: [{ role: 'user', content: 5 }] },
      /^messages\[0\]\.content is 5; allowed: a string, or a list/,
    ],
    [{ messages: [{ role: 'bard', content: 'x' }] }, /^messages\[0\]\.role is "bard"; allowed: /],
    [{ messages: [{ role: 'user' }] }, /^messages\[0\]\.content is missing; allowed: /],
    [{ stream_options: { usage: true } }, /^There is no field stream_options\.usage/],
    [{ n: 1.5 }, /^n is 1.5; allowed: a whole number/],
    [{ ['__proto__x']: 1 }, /^There is no field __proto__x/],
  ];
  for (const [change, message] of wrong) {
    expect(() => parseFields({ model: 'm', messages, ...change }, chatFields)).toThrow(message);
  }
  expect(() => parseFields(JSON.parse('{"__proto__": 1}'), chatFields)).toThrow(
    /no field __proto__/,
  );
  expect(() => parseFields([], chatFields)).toThrow('is an empty list, not a JSON object');
});
