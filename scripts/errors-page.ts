// The reference page of errors, made from the table. `node scripts/errors-page.ts` writes it; a test
// holds page and table together.
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { errorTable } from '../src/base/errors.ts';

const path: string = join(resolve(import.meta.dirname, '..'), 'docs', 'reference', 'errors.md');

// Stands in for the data of an error: every field is its own name.
const names: Record<string, string> = new Proxy({}, { get: (_, field) => `‹${String(field)}›` });

interface Row {
  readonly status: number;
  readonly message: (data: never) => string;
  readonly hint: string | ((data: never) => string);
}

/** The page as Markdown. */
export function errorsPage(): string {
  const sections = Object.entries(errorTable).map(([key, row]: [string, Row]) => {
    const hint = typeof row.hint === 'string' ? row.hint : row.hint(names as never);
    return `## CORRAL_${key}\n\nHTTP status ${row.status}.\n\n> ${row.message(names as never)}\n\n${hint}\n`;
  });
  const head = `# Errors

Every error that Corral throws on purpose is a \`CorralError\` with a stable \`code\`, an HTTP \`status\`, the
\`data\` that stands in its message (here between ‹ and ›), and a \`hint\` that says what to do next. This page
is made by \`node scripts/errors-page.ts\`.
`;
  return [head, ...sections].join('\n');
}

if (process.argv[1] === import.meta.filename) writeFileSync(path, errorsPage());
