// The tables of fields in docs/guides/serve.md, made from the schemas that check requests.
// `node scripts/serve-fields.ts` writes them; a test holds guide and schemas together.
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { embeddingFields } from '../src/api/fields/embedding-fields.ts';
import type { Fields } from '../src/api/fields/fields.ts';
import { chatFields, completionFields } from '../src/api/fields/text-fields.ts';

const path: string = resolve(import.meta.dirname, '..', 'docs', 'guides', 'serve.md');

const routes: [string, Fields<unknown>][] = [
  ['/v1/chat/completions', chatFields],
  ['/v1/completions', completionFields],
  ['/v1/embeddings', embeddingFields],
];

const kinds = {
  honoured: 'honoured',
  extra: 'honoured, beyond OpenAI’s',
  accepted: 'accepted, without effect',
} as const;

/** The guide with its tables made anew. */
export function withFieldTables(guide: string): string {
  const tables = routes.map(([route, { docs, refused }]) => {
    const rows = docs.map(({ name, kind, text }) => `| \`${name}\` | ${kinds[kind]} | ${text} |`);
    const refusals = Object.entries(refused).map(
      ([name, reason]) => `| \`${name}\` | refused | ${reason} |`,
    );
    return [`### ${route}`, '', '| field | | |', '|---|---|---|', ...rows, ...refusals].join('\n');
  });
  return guide.replace(
    /<!-- fields -->[\s\S]*<!-- \/fields -->/,
    () => `<!-- fields -->\n${tables.join('\n\n')}\n<!-- /fields -->`,
  );
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(path, withFieldTables(readFileSync(path, 'utf8')));
}
