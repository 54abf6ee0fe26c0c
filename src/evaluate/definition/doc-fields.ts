// What a task's fields give for one document: its text, target and choices. A field is the name of a
// column, a Jinja template, a fixed value, or a hook (lm_eval/api/task.py `doc_to_*`, 0.4.13).
import { errors } from '../../base/errors.ts';
import type { DocHook } from '../hooks/hook.ts';
import { hooks } from '../hooks/table.ts';
import { pythonString } from '../python-values.ts';
import type { Doc } from '../task.ts';
import { FunctionName } from './function-name.ts';
import type { ChoiceField, TargetField, TextField } from './task-config.ts';
import { compileTemplate } from './template.ts';

type Field = TextField | TargetField | ChoiceField;

/** A right answer: text, index of a choice, or several of either. */
export type Target = string | number | readonly (string | number)[];

/** How the fields of a task are read. */
export interface FieldContext {
  readonly columns: ReadonlySet<string>;
  readonly hasChoices: boolean;
}

/** The hook of that name and kind. Throws HOOK_UNKNOWN. */
export function findHook<K extends keyof typeof hooks>(
  kind: K,
  { name }: FunctionName,
): (typeof hooks)[K][string] {
  const table = hooks[kind] as Readonly<Record<string, (typeof hooks)[K][string]>>;
  const found = table[name];
  if (found === undefined) {
    throw errors.HOOK_UNKNOWN({ name, kind, have: Object.keys(table).join(', ') });
  }
  return found;
}

/** The question; an index into the choices where the choices are the contexts. */
export function readText(field: TextField, doc: Doc, context: FieldContext): string | number {
  const written = typeof field === 'string' && !isColumn(field, context);
  const value = written ? compileTemplate(field).text(doc) : readValue(field, doc, context);
  if (typeof value === 'number') return context.hasChoices ? value : String(value);
  if (typeof value === 'string') {
    return written && context.hasChoices && isIndex(value) ? Number(value) : value;
  }
  const found = describe(value);
  throw errors.TASK_FIELD_INVALID({ field: 'doc_to_text', found, allowed: 'text' });
}

/** The right answer. */
export function readTarget(field: TargetField, doc: Doc, context: FieldContext): Target {
  const value = readValue(field, doc, context);
  const raw = isColumn(field, context);
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return raw ? Number(value) : pythonString(value);
  if (Array.isArray(value)) return value as readonly (string | number)[];
  if (typeof value !== 'string') {
    throw errors.TASK_FIELD_INVALID({
      field: 'doc_to_target',
      found: describe(value),
      allowed: 'text, a number or a list of them',
    });
  }
  if (raw) return value;
  if (context.hasChoices && isIndex(value)) return Number(value);
  return (literalList(value) as Target | undefined) ?? value;
}

/** The choices, in order. */
export function readChoices(
  field: ChoiceField,
  doc: Doc,
  context: FieldContext,
): readonly string[] {
  const value = readValue(field, doc, context);
  const list = typeof value === 'string' ? literalList(value) : value;
  const choices = Array.isArray(list) ? list : Object.values(Object(list) as object);
  if (choices.length === 0 || !choices.every((choice) => typeof choice === 'string')) {
    throw errors.TASK_FIELD_INVALID({
      field: 'doc_to_choice',
      found: describe(value),
      allowed: 'a list of texts',
    });
  }
  return choices;
}

function readValue(field: Field, doc: Doc, context: FieldContext): unknown {
  if (typeof field === 'string') return readString(field, doc, context);
  if (field instanceof FunctionName) return (findHook('field', field) as DocHook)(doc);
  return field;
}

function readString(field: string, doc: Doc, context: FieldContext): unknown {
  if (isColumn(field, context)) return doc[field];
  return compileTemplate(field).value(doc);
}

function isIndex(text: string): boolean {
  return /^\d+$/u.test(text);
}

function isColumn(field: Field, context: FieldContext): boolean {
  return typeof field === 'string' && context.columns.has(field);
}

/** A list written as Python writes it; undefined for other text. */
function literalList(text: string): readonly unknown[] | undefined {
  if (!text.startsWith('[') || !text.endsWith(']')) return undefined;
  try {
    const value = compileTemplate(`{{${text}}}`).value({});
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined; // text that only looks like a list, such as an interval
  }
}

function describe(value: unknown): string {
  return value === undefined ? 'nothing' : (JSON.stringify(value) ?? typeof value).slice(0, 80);
}
