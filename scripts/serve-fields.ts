// The tables of fields in docs/guides/serve.md, made from the schemas that check requests.
// `node scripts/serve-fields.ts` writes them; a test holds guide and schemas together.
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { embeddingFields } from '../src/api/fields/embedding-fields.ts';
import type { FieldKind, Fields } from '../src/api/fields/fields.ts';
import { countTokensFields, messageFields } from '../src/api/fields/message-fields.ts';
import { chatFields, completionFields } from '../src/api/fields/text-fields.ts';

const path: string = resolve(import.meta.dirname, '..', 'docs', 'guides', 'serve.md');

const routes: [string, string, Fields<unknown>][] = [
  ['/v1/chat/completions', 'OpenAI', chatFields],
  ['/v1/completions', 'OpenAI', completionFields],
  ['/v1/embeddings', 'OpenAI', embeddingFields],
  ['/v1/messages', 'Anthropic', messageFields],
  ['/v1/messages/count_tokens', 'Anthropic', countTokensFields],
];

function kindsOf(vendor: string): Readonly<Record<FieldKind, string>> {
  return {
    honoured: 'honoured',
    extra: `honoured, beyond ${vendor}’s`,
    accepted: 'accepted, without effect',
  };
}

/** The guide with its tables made anew. */
export function withFieldTables(guide: string): string {
  const tables = routes.map(([route, vendor, { docs, refused }]) => {
    const kinds = kindsOf(vendor);
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
