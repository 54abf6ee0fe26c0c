// Reads one source of training data, whatever its format: parts of plain text, or rows of JSON.
// Streamed; what is no example comes with its line and the reason.
import { errors } from '../../base/errors.ts';
import { readJsonRows } from './json-rows.ts';
import { type DataRow, detectFormat, formatSigns, type RowFormat, readRow } from './row-formats.ts';
import { readDocuments, type TextPart } from './text-documents.ts';

/** Where data come from and how to read them. */
export interface DataSource {
  readonly path: string;
  /** `plain` is text; the others are rows of JSON. `auto`: by the ending of the name and the first row. */
  readonly format: RowFormat | 'plain' | 'auto';
  /** What stands between documents of plain text; without, the file is one document. */
  readonly separator?: string | undefined;
  /** Names of columns where they are not the format's: `{ completion: 'response' }`. */
  readonly columns?: Readonly<Record<string, string>> | undefined;
  /** Texts to put in place of `{{name}}`. */
  readonly substitute?: Readonly<Record<string, string>> | undefined;
}

/** One thing read from a source, at a line of its file. */
export type SourceItem =
  | { readonly line: number; readonly part: TextPart }
  | { readonly line: number; readonly row: DataRow }
  | { readonly line: number; readonly reason: string };

/** Reads a source. Throws DATA_EMPTY where the format cannot be told. */
export async function* readSource(source: DataSource): AsyncGenerator<SourceItem> {
  const { path, separator, columns, substitute } = source;
  const replace = substitution(substitute);
  if (!hasRows(source)) {
    for await (const part of readDocuments(path, { separator })) {
      yield { line: part.line, part: { ...part, text: replace(part.text) as string } };
    }
    return;
  }
  let format = source.format === 'auto' ? undefined : (source.format as RowFormat);
  for await (const found of readJsonRows(path)) {
    if ('reason' in found) {
      yield found;
      continue;
    }
    const value = rename(replace(found.value), columns);
    format ??= detectFormat(value);
    if (format === undefined) {
      const reason = `line ${found.line} has none of the keys ${formatSigns}`;
      throw errors.DATA_EMPTY({ path, reason });
    }
    yield { line: found.line, ...readRow(value, format) };
  }
}

/** Is this source rows of JSON rather than plain text? */
export function hasRows({ path, format }: DataSource): boolean {
  return format === 'auto' ? /\.(json|jsonl|ndjson)$/i.test(path) : format !== 'plain';
}

function rename(value: unknown, columns: DataSource['columns']): unknown {
  if (!columns || typeof value !== 'object' || value === null) return value;
  const row = value as Readonly<Record<string, unknown>>;
  const renamed = Object.entries(columns).map(([name, column]) => [name, row[column]] as const);
  return { ...row, ...Object.fromEntries(renamed) };
}

/** Replaces `{{name}}` in every string of a value. */
function substitution(texts: DataSource['substitute']): (value: unknown) => unknown {
  const pairs = Object.entries(texts ?? {});
  if (pairs.length === 0) return (value) => value;
  const replace = (value: unknown): unknown => {
    if (typeof value === 'string') {
      return pairs.reduce((text, [name, by]) => text.replaceAll(`{{${name}}}`, by), value);
    }
    if (Array.isArray(value)) return value.map(replace);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, replace(one)]));
  };
  return replace;
}
