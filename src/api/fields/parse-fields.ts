// A request's body against the fields of its route. A field nobody knows, one that is known and not
// supported, and a value that is not allowed are three errors, each with the field's name. `null` is
// OpenAI's way to say that an optional field is not there.
import type { z } from 'zod';
import { describeExpected } from '../../base/check-json.ts';
import { errors } from '../../base/errors.ts';
import { nearest } from '../../base/nearest.ts';
import type { Fields } from './fields.ts';

/** The body's values. Throws BODY_INVALID, FIELD_UNKNOWN, FIELD_UNSUPPORTED or FIELD_INVALID. */
export function parseFields<Request>(
  body: unknown,
  { schema, docs, refused }: Fields<Request>,
): Request {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw errors.BODY_INVALID({ reason: `is ${nameKind(body)}, not a JSON object` });
  }
  const known = docs.map(({ name }) => name);
  const given: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(body)) {
    if (known.includes(field)) {
      if (value !== null) given[field] = value;
    } else if (!Object.hasOwn(refused, field)) {
      throw unknownField(field, known);
    } else if (value !== null) {
      throw errors.FIELD_UNSUPPORTED({ field, reason: refused[field] as string });
    }
  }
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  throw describeIssue(result.error.issues[0], given);
}

function unknownField(field: string, known: readonly string[]): Error {
  const shown = field.slice(0, 100);
  const guess = nearest(shown, known);
  return errors.FIELD_UNKNOWN({
    field: shown,
    guess: guess === undefined ? '' : ` Did you mean ${guess}?`,
    allowed: known.join(', '),
  });
}

/** The first thing wrong, as one of our errors. */
function describeIssue(issue: z.core.$ZodIssue | undefined, body: unknown): Error {
  const path = [...(issue?.path ?? [])];
  // Of a union, the alternative that got furthest says most.
  if (issue?.code === 'invalid_union' && issue.errors.length > 0) {
    const inner = issue.errors
      .flatMap((some) => some.slice(0, 1))
      .sort((a, b) => b.path.length - a.path.length)[0];
    if (inner !== undefined && inner.path.length > 0) {
      return describeIssue({ ...inner, path: [...path, ...inner.path] }, body);
    }
    const allowed = issue.errors.flatMap((some) => some.slice(0, 1).map((one) => expected(one)));
    const found = show(valueAt(body, path));
    const unique = [...new Set(allowed)].join(', or ') || 'another value';
    return errors.FIELD_INVALID({ field: nameOf(path), found, allowed: unique });
  }
  if (issue?.code === 'unrecognized_keys') {
    const field = nameOf([...path, issue.keys[0] ?? '']);
    return errors.FIELD_UNKNOWN({ field, guess: '', allowed: 'those of the documentation' });
  }
  return errors.FIELD_INVALID({
    field: nameOf(path),
    found: show(valueAt(body, path)),
    allowed: expected(issue),
  });
}

function expected(issue: z.core.$ZodIssue | undefined): string {
  return describeExpected(issue);
}

function nameOf(path: readonly PropertyKey[]): string {
  const name = path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
  return name.slice(0, 200) || 'the body';
}

function valueAt(body: unknown, path: readonly PropertyKey[]): unknown {
  let value = body;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

// A long or nested value is named, not repeated: it may be a whole conversation.
function show(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'object' && value !== null) return nameKind(value);
  return (JSON.stringify(value) ?? String(value)).slice(0, 80);
}

function nameKind(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
