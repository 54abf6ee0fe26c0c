// The fields of Anthropic's own client, read from its type declarations, against ours: whichever the client
// can send is honoured, accepted or refused by name, and no name is both.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import type { Fields } from './fields.ts';
import { countTokensFields, messageFields } from './message-fields.ts';
import { parseFields } from './parse-fields.ts';

const sdk = dirname(createRequire(import.meta.url).resolve('@anthropic-ai/sdk'));
const declarations = [
  readFileSync(join(sdk, 'resources', 'messages', 'messages.d.ts'), 'utf8'),
  readFileSync(join(sdk, 'resources', 'beta', 'messages', 'messages.d.ts'), 'utf8'),
];

const cases: [string, number, Fields<unknown>, number][] = [
  ['MessageCreateParamsBase', 0, messageFields, 18],
  ['MessageCreateParamsBase', 1, messageFields, 18],
  ['MessageCountTokensParams', 0, countTokensFields, 10],
  ['MessageCountTokensParams', 1, countTokensFields, 10],
];

it.each(cases)('leaves out no field of %s (%i: of the beta)', (name, file, fields, least) => {
  const text = declarations[file] ?? '';
  const start = text.indexOf(`export interface ${name} {`);
  const body = text.slice(start, text.indexOf('\n}', start));
  const declared = Array.from(body.matchAll(/^ {4}(\w+)\??:/gm), ([, field]) => field as string);
  expect(declared.length).toBeGreaterThanOrEqual(least);
  const known = fields.docs.map((doc) => doc.name);
  const refused = Object.keys(fields.refused);
  expect(declared.filter((field) => !known.includes(field) && !refused.includes(field))).toEqual(
    [],
  );
  expect(refused.filter((field) => known.includes(field))).toEqual([]);
  for (const doc of fields.docs) expect(doc.text, doc.name).not.toBe('');
  for (const field of refused) {
    expect(() => parseFields({ [field]: 'something' }, fields)).toThrow(
      `${field} is not supported`,
    );
  }
});
