// The bare texts of data sources: what a tokenizer is trained on and measured by.
import { errors } from '../../base/errors.ts';
import { type DataSource, readSource } from './read-source.ts';
import type { DataRow } from './row-formats.ts';

/** A text, or the next stretch of the one before. */
export interface SourceText {
  readonly text: string;
  readonly start: 'text' | 'continuation';
}

/** Every text of a source, without markup of chats. Throws DATA_ROW_INVALID at the first bad row. */
export async function* readTexts(source: DataSource): AsyncGenerator<SourceText> {
  for await (const item of readSource(source)) {
    if ('reason' in item) {
      throw errors.DATA_ROW_INVALID({ path: source.path, line: item.line, reason: item.reason });
    }
    if ('part' in item) {
      yield { text: item.part.text, start: item.part.opens ? 'text' : 'continuation' };
    } else {
      for (const text of textsOf(item.row)) yield { text, start: 'text' };
    }
  }
}

/** The texts of a row, without markup. */
export function textsOf(row: DataRow): readonly string[] {
  switch (row.kind) {
    case 'text':
      return [row.text];
    case 'completion':
      return [row.prompt, row.completion];
    case 'chat':
      return row.messages.map(({ content }) => content);
  }
}
