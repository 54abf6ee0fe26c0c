// Reads task files: YAML of lm-evaluation-harness's shape, with `include` and `!function`, one or more
// documents in a file. What is wrong is reported with file and line.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Document, isMap, isNode, LineCounter, parseAllDocuments, type ScalarTag } from 'yaml';
import type { z } from 'zod';
import { errors } from '../../base/errors.ts';
import { FunctionName } from './function-name.ts';
import type { GroupConfig, TaskConfig } from './task-config.ts';
import { groupSchema, taskSchema } from './task-schema.ts';

/** One document of a task file. */
export type Definition =
  | { readonly kind: 'task'; readonly file: string; readonly config: TaskConfig }
  | { readonly kind: 'group'; readonly file: string; readonly config: GroupConfig };

const functionTag: ScalarTag = {
  tag: '!function',
  resolve: (name) => new FunctionName(name),
};

interface Source {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
}

const MAX_INCLUDES = 10;

/** All tasks and groups that a file defines. Throws FILE_NOT_FOUND, FILE_UNREADABLE and TASK_INVALID. */
export function readTaskFile(file: string): Definition[] {
  return readDocuments(file).map((source) => {
    const fields = mergeIncludes(source, MAX_INCLUDES);
    if ('group' in fields) {
      return { kind: 'group', file, config: check(groupSchema, fields, source) };
    }
    const config = check(taskSchema, fields, source);
    if (config.test_split == null && config.validation_split == null) {
      throw invalid(source, 'needs a test_split or a validation_split', 'task');
    }
    if (config.output_type === 'multiple_choice' && config.doc_to_choice === undefined) {
      throw invalid(source, 'is multiple_choice and so needs doc_to_choice', 'output_type');
    }
    return { kind: 'task', file, config };
  });
}

function readDocuments(file: string): Source[] {
  const lines = new LineCounter();
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw errors.FILE_NOT_FOUND({ path: file }, { cause });
    throw errors.FILE_UNREADABLE({ path: file, reason: message }, { cause });
  }
  const documents = parseAllDocuments(text, { lineCounter: lines, customTags: [functionTag] });
  if (documents.length === 0) {
    throw errors.TASK_INVALID({ file, line: 1, reason: 'it is empty' });
  }
  return documents.map((document) => {
    const source = { file, document, lines };
    // an unknown tag is only a warning of the parser; to a task it would be a lost meaning
    const [problem] = [...document.errors, ...document.warnings];
    if (problem !== undefined) {
      const line = lines.linePos(problem.pos[0]).line;
      const [reason = ''] = problem.message.split('\n');
      throw errors.TASK_INVALID({ file, line, reason: reason.replace(/ at line \d+.*$/u, '') });
    }
    if (!isMap(document.contents)) throw invalid(source, 'is no mapping of keys to values');
    return source;
  });
}

/** The document's fields over those of the files it includes. */
function mergeIncludes(source: Source, depth: number): Record<string, unknown> {
  const { include, ...own } = source.document.toJS() as Record<string, unknown>;
  if (include === undefined) return own;
  if (depth === 0) throw invalid(source, 'includes files in a circle', 'include');
  const names = Array.isArray(include) ? include : [include];
  let merged: Record<string, unknown> = {};
  for (const name of names) {
    if (typeof name !== 'string')
      throw invalid(source, 'has an include that is no name', 'include');
    const [included] = readDocuments(resolve(dirname(source.file), name));
    if (included !== undefined) merged = { ...merged, ...mergeIncludes(included, depth - 1) };
  }
  return { ...merged, ...own };
}

function check<T extends z.ZodType>(
  schema: T,
  fields: Record<string, unknown>,
  source: Source,
): z.infer<T> {
  const { success, data, error } = schema.safeParse(fields);
  if (success) return data;
  const problems = error.issues.flatMap((issue) => describeIssue(issue, fields));
  // What stands there and is wrong has a line; what is missing has none.
  const [first] = [
    ...problems.filter(({ isMissing }) => !isMissing),
    ...problems.filter(({ isMissing }) => isMissing),
  ];
  const others = problems.filter((problem) => problem !== first).map(({ reason }) => reason);
  throw invalid(source, [first?.reason, ...others].join('; '), ...(first?.path ?? []));
}

interface Problem {
  readonly path: readonly PropertyKey[];
  readonly reason: string;
  readonly isMissing: boolean;
}

function describeIssue(issue: z.core.$ZodIssue, fields: Record<string, unknown>): Problem[] {
  const { path } = issue;
  const where = path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const within = where === '' ? '' : `${where}: `;
    return issue.keys.map((key) => {
      return { path: [...path, key], reason: `${within}unknown key ${key}`, isMissing: false };
    });
  }
  const found = path.reduce<unknown>((value, key) => {
    return (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  }, fields);
  if (found === undefined) return [{ path, reason: `${where} is missing`, isMissing: true }];
  const shown = JSON.stringify(found);
  const reason = `${where} is ${shown.length > 60 ? `${shown.slice(0, 57)}...` : shown}: ${issue.message}`;
  return [{ path, reason, isMissing: false }];
}

function invalid(source: Source, reason: string, ...path: readonly PropertyKey[]): Error {
  return errors.TASK_INVALID({ file: source.file, line: lineOf(source, path), reason });
}

/** The line of a field, or of the nearest thing around it that this file itself holds. */
function lineOf({ document, lines }: Source, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range != null) return lines.linePos(node.range[0]).line;
  }
  return 1;
}
