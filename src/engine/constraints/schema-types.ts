// Types and enumerations of schemas that hold together, and when two such sets share no value.
import { fail, type Piece, pointer, propertiesOf } from './schema-keywords.ts';

/** The types of JSON Schema. */
export const jsonTypes = ['object', 'array', 'string', 'number', 'boolean', 'null'] as const;

/** A type; integers are numbers. */
export type JsonType = (typeof jsonTypes)[number] | 'integer';

const allTypes: readonly string[] = [...jsonTypes, 'integer'];

/** The types that all pieces allow; undefined where none says. */
export function typesOf(pieces: readonly Piece[]): ReadonlySet<JsonType> | undefined {
  let allowed: Set<JsonType> | undefined;
  for (const { schema, at } of pieces) {
    const { type } = schema;
    if (type === undefined) continue;
    const list: readonly unknown[] = Array.isArray(type) ? type : [type];
    if (list.length === 0 || !list.every((each) => allTypes.includes(each as string))) {
      fail(pointer(at, 'type'), `it is not one or several of ${allTypes.join(', ')}`);
    }
    const own = new Set(list as readonly JsonType[]);
    allowed = allowed === undefined ? own : both(allowed, own);
  }
  if (allowed?.has('number') === true) allowed.delete('integer');
  return allowed;
}

function both(a: ReadonlySet<JsonType>, b: ReadonlySet<JsonType>): Set<JsonType> {
  const allows = (types: ReadonlySet<JsonType>, type: JsonType): boolean =>
    types.has(type) || (type === 'integer' && types.has('number'));
  return new Set([...a, ...b].filter((type) => allows(a, type) && allows(b, type)));
}

/** The values that all pieces list; undefined where none lists any. */
export function enumOf(pieces: readonly Piece[]): readonly unknown[] | undefined {
  let values: readonly unknown[] | undefined;
  for (const { schema, at } of pieces) {
    if (Object.hasOwn(schema, 'const')) values = common(values, [schema['const']]);
    const list = schema['enum'];
    if (list === undefined) continue;
    if (!Array.isArray(list) || list.length === 0)
      fail(pointer(at, 'enum'), 'it is not a list of values');
    values = common(values, list as unknown[]);
  }
  return values;
}

function common(a: readonly unknown[] | undefined, b: readonly unknown[]): readonly unknown[] {
  if (a === undefined) return b;
  const known = new Set(a.map(canonical));
  return b.filter((value) => known.has(canonical(value)));
}

// Equal values have equal texts: members of objects are sorted.
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}

/** Is it plain that no value satisfies both? */
export function areDisjoint(a: readonly Piece[], b: readonly Piece[]): boolean {
  const [left, right] = [textsOf(a), textsOf(b)];
  if (left !== undefined && right !== undefined) return left.isDisjointFrom(right);
  const typesA = typesOf(a) ?? enumTypes(enumOf(a));
  const typesB = typesOf(b) ?? enumTypes(enumOf(b));
  if (typesA !== undefined && typesB !== undefined && both(typesA, typesB).size === 0) return true;
  const areObjects = [typesA, typesB].every((types) => types?.size === 1 && types.has('object'));
  return areObjects && requiredNames(a).some((name) => differsIn(name, a, b));
}

const knownTexts = new WeakMap<readonly Piece[], ReadonlySet<string>>();

// The listed values as texts; kept, since each alternative is compared with all others.
function textsOf(pieces: readonly Piece[]): ReadonlySet<string> | undefined {
  const known = knownTexts.get(pieces);
  if (known !== undefined) return known;
  const values = enumOf(pieces);
  if (values === undefined) return undefined;
  const texts = new Set(values.map(canonical));
  knownTexts.set(pieces, texts);
  return texts;
}

function enumTypes(values: readonly unknown[] | undefined): ReadonlySet<JsonType> | undefined {
  return values && new Set(values.map(typeOf));
}

function typeOf(value: unknown): JsonType {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : (typeof value as JsonType);
}

function requiredNames(pieces: readonly Piece[]): string[] {
  return pieces.flatMap(({ schema }) =>
    Array.isArray(schema['required']) ? (schema['required'] as string[]) : [],
  );
}

// A property that both require, of values that each lists and that differ.
function differsIn(name: string, a: readonly Piece[], b: readonly Piece[]): boolean {
  if (!requiredNames(b).includes(name)) return false;
  const [left, right] = [valuesOf(name, a), valuesOf(name, b)];
  return left !== undefined && right !== undefined && common(left, right).length === 0;
}

function valuesOf(name: string, pieces: readonly Piece[]): readonly unknown[] | undefined {
  const own = pieces.flatMap((piece) => {
    const placed = propertiesOf(piece).get(name);
    const isObject = typeof placed?.schema === 'object' && placed.schema !== null;
    return isObject ? [{ schema: placed.schema as Piece['schema'], at: placed.at }] : [];
  });
  return enumOf(own);
}
