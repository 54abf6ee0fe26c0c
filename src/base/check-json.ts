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
    expected: expectedOf(issue, otherwise),
    found: (JSON.stringify(found) ?? 'nothing').slice(0, 100),
  });
}

function expectedOf(issue: z.core.$ZodIssue | undefined, otherwise: string | undefined): string {
  switch (issue?.code) {
    case 'invalid_type':
      return kinds[issue.expected] ?? `of type ${issue.expected}`;
    case 'too_small':
      return `at least ${issue.minimum}`;
    case 'too_big':
      return `at most ${issue.maximum}`;
    case 'custom':
      return issue.message;
    default:
      return otherwise ?? issue?.message ?? 'something else';
  }
}
