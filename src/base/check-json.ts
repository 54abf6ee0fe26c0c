// Values out of JSON files, checked by a schema. An error names the file, the first wrong field, what
// was allowed and what was found, in words rather than a library's.
import type { z } from 'zod';
import { errors } from './errors.ts';

const kinds: Readonly<Record<string, string>> = {
  object: 'an object',
  array: 'a list',
  string: 'a string',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
};

/**
 * `value` as the schema describes it. `otherwise` says what is expected where the schema cannot say it in a
 * few words. Throws CONFIG_INVALID.
 */
export function checkJson<T>(
  schema: z.ZodType<T>,
  value: unknown,
  path: string,
  otherwise?: string,
): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  let found: unknown = value;
  for (const key of issue?.path ?? []) found = (found as Record<PropertyKey, unknown>)?.[key];
  throw errors.CONFIG_INVALID({
    path,
    field: issue?.path.join('.') || 'the file',
    expected: describeExpected(issue, otherwise),
    found: (JSON.stringify(found) ?? 'nothing').slice(0, 100),
  });
}

/** What an issue's schema would have taken, in a few words. */
export function describeExpected(issue: z.core.$ZodIssue | undefined, otherwise?: string): string {
  switch (issue?.code) {
    case 'invalid_type':
      return kinds[issue.expected] ?? `of type ${issue.expected}`;
    case 'invalid_value':
      return otherwise ?? issue.values.join(', ');
    case 'too_small':
      return `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${itemsOf(issue.origin)}`;
    case 'too_big':
      return `${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${itemsOf(issue.origin)}`;
    case 'custom':
      return issue.message;
    default:
      return otherwise ?? issue?.message ?? 'something else';
  }
}

function itemsOf(origin: string): string {
  if (origin === 'array') return ' items';
  return origin === 'string' ? ' characters' : '';
}
