// Reads a schema's keywords: which are known, of which type each must be, where references lead. What is not
// supported is refused here by its JSON pointer; nothing is passed over.
import { errors } from '../../base/errors.ts';

/** A schema with the JSON pointer of its place. */
export interface Placed {
  readonly schema: unknown;
  readonly at: string;
}

/** A schema that is an object. */
export interface Piece {
  readonly schema: Readonly<Record<string, unknown>>;
  readonly at: string;
}

const annotations = [
  '$schema',
  '$id',
  '$comment',
  '$defs',
  'definitions',
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
];

/** Keywords that belong to values of one type, by that type. */
export const keywordsOf = {
  object: ['properties', 'required', 'additionalProperties'],
  array: ['items', 'prefixItems', 'minItems', 'maxItems'],
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
} as const;

const structural = ['type', 'enum', 'const', 'anyOf', 'oneOf', 'allOf', '$ref', 'uniqueItems'];
const known: ReadonlySet<string> = new Set([
  ...annotations,
  ...structural,
  ...Object.values(keywordsOf).flat(),
]);

/** Refuses what is at a place. */
export function refuse(at: string, found: string, allowed: string): never {
  throw errors.CONSTRAINT_UNSUPPORTED({ where: at, found, allowed });
}

/** Says that a schema is wrong at a place. */
export function fail(at: string, reason: string): never {
  throw errors.CONSTRAINT_INVALID({ where: at, reason });
}

/** A step of a JSON pointer (RFC 6901). */
export function pointer(at: string, ...steps: readonly (string | number)[]): string {
  const written = steps.map((step) => String(step).replaceAll('~', '~0').replaceAll('/', '~1'));
  return [at, ...written].join('/');
}

/** The schema as an object whose keywords are all known. */
export function pieceOf({ schema, at }: Placed): Piece {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
    return fail(at, 'a schema is an object, true or false');
  }
  const piece = { schema: schema as Record<string, unknown>, at };
  for (const key of Object.keys(piece.schema)) {
    if (!known.has(key)) {
      refuse(pointer(at, key), `the keyword ${key}`, 'the keywords the guide lists');
    }
  }
  const { uniqueItems } = piece.schema;
  if (uniqueItems !== undefined && uniqueItems !== false) {
    refuse(pointer(at, 'uniqueItems'), 'uniqueItems', 'lists whose items may be equal');
  }
  return piece;
}

/** The schemas of a keyword that holds a list of them. */
export function listOf({ schema, at }: Piece, key: string): Placed[] {
  const list = schema[key];
  if (list === undefined) return [];
  if (!Array.isArray(list) || list.length === 0)
    fail(pointer(at, key), 'it is not a list of schemas');
  return (list as unknown[]).map((each, i) => ({ schema: each, at: pointer(at, key, i) }));
}

/** The schemas of `properties`. */
export function propertiesOf({ schema, at }: Piece): Map<string, Placed> {
  const { properties = {} } = schema;
  if (typeof properties !== 'object' || properties === null || Array.isArray(properties)) {
    fail(pointer(at, 'properties'), 'it is not an object of schemas');
  }
  const entries = Object.entries(properties as object);
  return new Map(
    entries.map(([name, each]) => [name, { schema: each, at: pointer(at, 'properties', name) }]),
  );
}

/** The schema of a keyword that holds one. */
export function schemaOf({ schema, at }: Piece, key: string): Placed | undefined {
  return schema[key] === undefined ? undefined : { schema: schema[key], at: pointer(at, key) };
}

/** The number of a keyword in each piece that has it; the largest counts with `most`, else the smallest. */
export function boundOf(
  pieces: readonly Piece[],
  key: string,
  pick: (...values: number[]) => number,
): number | undefined {
  const values = pieces.flatMap(({ schema, at }) => {
    const value = schema[key];
    if (value === undefined) return [];
    const isCount = /Length|Items/.test(key);
    if (typeof value !== 'number' || !Number.isFinite(value))
      fail(pointer(at, key), 'it is not a number');
    if (isCount && !(Number.isInteger(value) && (value as number) >= 0)) {
      fail(pointer(at, key), 'it is not an integer from 0');
    }
    return [value as number];
  });
  return values.length === 0 ? undefined : pick(...values);
}

/** The string of a keyword, which may not differ between pieces. */
export function stringOf(
  pieces: readonly Piece[],
  key: string,
): { text: string; at: string } | undefined {
  let found: { text: string; at: string } | undefined;
  for (const { schema, at } of pieces) {
    const value = schema[key];
    if (value === undefined) continue;
    const place = pointer(at, key);
    if (typeof value !== 'string') fail(place, 'it is not a string');
    if (found !== undefined && found.text !== value)
      refuse(place, `a second ${key}`, 'one of them');
    found = { text: value as string, at: place };
  }
  return found;
}
