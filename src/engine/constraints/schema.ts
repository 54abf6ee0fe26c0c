// JSON Schema to rules. Several schemas that one value must satisfy (allOf, a reference with siblings, the
// branches of anyOf with what stands beside them) are taken together keyword by keyword, which is exact for
// everything supported. Properties come in the order of the schema.
import { errors } from '../../base/errors.ts';
import {
  choice,
  type Expression,
  type Grammar,
  literal,
  literals,
  never,
  nothing,
  optional,
  repeat,
  sequence,
} from './expression.ts';
import { JsonTexts, quoted, stringCharacterOf } from './json-values.ts';
import { parseRegex } from './regex.ts';
import { RuleTable } from './rule-table.ts';
import { formats } from './schema-formats.ts';
import {
  boundOf,
  fail,
  keywordsOf,
  listOf,
  type Piece,
  type Placed,
  pieceOf,
  pointer,
  propertiesOf,
  refuse,
  schemaOf,
  stringOf,
} from './schema-keywords.ts';
import { notAnyOf } from './schema-names.ts';
import { decimalsWithin, integersWithin, multiplesOf } from './schema-numbers.ts';
import { follow, refuseLoops } from './schema-references.ts';
import { areDisjoint, enumOf, type JsonType, jsonTypes, typesOf } from './schema-types.ts';
import type { Steps } from './steps.ts';

// Alternatives multiply where anyOf stands beside anyOf; this bounds all of a schema's.
const mostAlternatives = 2000;
// The alternatives of a oneOf are compared each with each.
const mostExclusive = 200;
const mostTogether = 200;
const mostSchemas = 10_000;
const mostPlaces = 500;
const mostDivisor = 100;

/** Compiles a schema. Throws CONSTRAINT_UNSUPPORTED or CONSTRAINT_INVALID with a JSON pointer, CONSTRAINT_TOO_LARGE. */
export function* compileSchema(schema: unknown): Steps<Grammar> {
  const rules = new RuleTable();
  const root = rules.declare('#');
  rules.define(root, yield* addSchema(schema, rules));
  return rules.build();
}

/** Compiles a schema into rules of a grammar in the making; gives the value. Throws as compileSchema does. */
export function* addSchema(schema: unknown, rules: RuleTable): Steps<Expression> {
  const compiler = new SchemaCompiler(schema, rules);
  const value = compiler.compile([{ schema, at: '#' }]);
  while (compiler.continue()) yield;
  return value;
}

function checkCount(count: number, limit: number, what: string): void {
  if (count > limit)
    throw errors.CONSTRAINT_TOO_LARGE({ what, found: `more than ${limit}`, limit });
}

/** Schemas that hold together, with the choices still to be made among them. */
interface Branch {
  readonly pieces: readonly Piece[];
  readonly choices: readonly (readonly Placed[])[];
}

class SchemaCompiler {
  readonly #root: unknown;
  readonly #texts: JsonTexts;
  readonly #known = new Map<string, Expression>();
  readonly #waiting: { rule: { kind: 'rule'; rule: number }; schemas: readonly Placed[] }[] = [];
  readonly #ids = new WeakMap<object, number>();
  readonly #sound = new WeakSet<object>();
  #nextId = 0;
  #alternatives = 0;

  constructor(root: unknown, rules: RuleTable) {
    this.#root = root;
    this.#texts = new JsonTexts(rules);
  }

  /** A value that satisfies all of the schemas. Rules it calls may still wait for their bodies. */
  compile(schemas: readonly Placed[]): Expression {
    const limited = schemas.filter(({ schema }) => schema !== true);
    const [first] = limited;
    if (limited.some(({ schema }) => schema === false)) return never;
    if (first === undefined) return this.#texts.value;
    // The same schema is one rule wherever it stands: that is what makes recursion finite.
    const key = limited.map((each) => this.#idOf(pieceOf(each).schema)).join();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    checkCount(this.#known.size, mostSchemas, 'different schemas');
    const rule = this.#texts.rules.declare(first.at);
    this.#known.set(key, rule);
    this.#waiting.push({ rule, schemas: limited });
    return rule;
  }

  /** Gives one more rule its body; false where none waits. */
  continue(): boolean {
    const next = this.#waiting.pop();
    if (next === undefined) return false;
    const options = this.#leaves(next.schemas).map((pieces) => this.#leaf(pieces));
    this.#texts.rules.define(next.rule, choice(...options));
    return true;
  }

  #idOf(schema: object): number {
    const id = this.#ids.get(schema) ?? this.#nextId++;
    this.#ids.set(schema, id);
    return id;
  }

  // Every way to choose among anyOf and oneOf, each with references and allOf taken apart.
  #leaves(schemas: readonly Placed[]): (readonly Piece[])[] {
    const leaves: (readonly Piece[])[] = [];
    const open = [this.#takeApart(schemas, { pieces: [], choices: [] })];
    for (let branch = open.shift(); branch !== undefined; branch = open.shift()) {
      const [options, ...choices] = branch.choices;
      if (options === undefined) {
        leaves.push(branch.pieces);
        continue;
      }
      this.#alternatives += options.length;
      checkCount(this.#alternatives, mostAlternatives, 'alternatives');
      for (const option of options) {
        if (option.schema !== false) open.push(this.#takeApart([option], { ...branch, choices }));
      }
    }
    return leaves;
  }

  #takeApart(schemas: readonly Placed[], { pieces, choices }: Branch): Branch {
    const apart = { pieces: [...pieces], choices: [...choices] };
    const seen = new Set<unknown>();
    const open = [...schemas];
    for (let next = open.shift(); next !== undefined; next = open.shift()) {
      if (next.schema === true) continue;
      if (next.schema === false) {
        apart.choices.unshift([next]);
        continue;
      }
      const piece = pieceOf(next);
      if (seen.has(piece.schema)) continue;
      seen.add(piece.schema);
      refuseLoops(this.#root, piece, this.#sound);
      apart.pieces.push(piece);
      checkCount(apart.pieces.length, mostTogether, 'schemas for one value');
      if (piece.schema['$ref'] !== undefined) open.push(follow(this.#root, piece));
      open.push(...listOf(piece, 'allOf'));
      const any = listOf(piece, 'anyOf');
      if (any.length > 0) apart.choices.push(any);
      const one = listOf(piece, 'oneOf');
      if (one.length > 0) this.#checkDisjoint(piece, one);
      if (one.length > 0) apart.choices.push(one);
    }
    return apart;
  }

  #checkDisjoint({ at }: Piece, options: readonly Placed[]): void {
    checkCount(options.length, mostExclusive, 'alternatives of one oneOf');
    const leaves = options.map((option) => this.#leaves([option]));
    checkCount(leaves.flat().length, mostExclusive, 'alternatives of one oneOf');
    for (const [i, left] of leaves.entries()) {
      for (const right of leaves.slice(i + 1)) {
        const apart = left.every((a) => right.every((b) => areDisjoint(a, b)));
        if (!apart) {
          refuse(
            pointer(at, 'oneOf'),
            'alternatives that one value could satisfy together',
            'anyOf, or alternatives that differ in type, in const or enum, or in a required property of such values',
          );
        }
      }
    }
  }

  #leaf(pieces: readonly Piece[]): Expression {
    const types = typesOf(pieces);
    const values = enumOf(pieces);
    if (values !== undefined) return this.#enumeration(pieces, values, types);
    const named = Object.entries(keywordsOf).flatMap(([type, keywords]) =>
      keywords.some((key) => pieces.some(({ schema }) => schema[key] !== undefined)) ? [type] : [],
    );
    if (types === undefined && named.length === 0) return this.#texts.value;
    const [only, ...others] = named;
    const wanted =
      types ?? new Set(only !== undefined && others.length === 0 ? [only as JsonType] : jsonTypes);
    return choice(...[...wanted].map((type) => this.#ofType(type, pieces)));
  }

  #enumeration(
    pieces: readonly Piece[],
    values: readonly unknown[],
    types: ReadonlySet<JsonType> | undefined,
  ): Expression {
    for (const { schema, at } of pieces) {
      const other = Object.values(keywordsOf)
        .flat()
        .find((key) => schema[key] !== undefined);
      if (other !== undefined) refuse(pointer(at, other), `${other} beside enum or const`, 'type');
    }
    const fitting = values.filter((value) => types === undefined || isOfTypes(value, types));
    return literals(fitting.map((value) => JSON.stringify(value)));
  }

  #ofType(type: JsonType, pieces: readonly Piece[]): Expression {
    switch (type) {
      case 'null':
        return literal('null');
      case 'boolean':
        return literals(['true', 'false']);
      case 'string':
        return this.#string(pieces);
      case 'integer':
      case 'number':
        return this.#number(type, pieces);
      case 'array':
        return this.#array(pieces);
      case 'object':
        return this.#object(pieces);
    }
  }

  #string(pieces: readonly Piece[]): Expression {
    const least = boundOf(pieces, 'minLength', Math.max) ?? 0;
    const most = boundOf(pieces, 'maxLength', Math.min) ?? Number.POSITIVE_INFINITY;
    if (least > most) return never;
    const pattern = stringOf(pieces, 'pattern');
    const format = stringOf(pieces, 'format');
    const isLimited = least > 0 || most < Number.POSITIVE_INFINITY;
    if (pattern !== undefined && (isLimited || format !== undefined)) {
      refuse(pattern.at, 'pattern beside minLength, maxLength or format', 'pattern alone');
    }
    if (format !== undefined && isLimited) {
      refuse(format.at, 'format beside minLength or maxLength', 'format alone');
    }
    const chosen = format === undefined ? pattern?.text : formats[format.text];
    if (format !== undefined && chosen === undefined) {
      refuse(format.at, `the format ${format.text}`, Object.keys(formats).join(', '));
    }
    if (chosen === undefined) return this.#texts.stringOf(least, most);
    const where = (format ?? pattern)?.at ?? '#';
    return quoted(parseRegex(chosen, { write: stringCharacterOf, mode: 'search', where }));
  }

  #number(type: 'integer' | 'number', pieces: readonly Piece[]): Expression {
    const least = boundOf(pieces, 'minimum', Math.max);
    const above = boundOf(pieces, 'exclusiveMinimum', Math.max);
    const most = boundOf(pieces, 'maximum', Math.min);
    const below = boundOf(pieces, 'exclusiveMaximum', Math.min);
    const lowIsOpen = above !== undefined && above >= (least ?? above);
    const highIsOpen = below !== undefined && below <= (most ?? below);
    const bounds = {
      low: lowIsOpen ? above : least,
      lowIsOpen,
      high: highIsOpen ? below : most,
      highIsOpen,
    };
    const isBounded = bounds.low !== undefined || bounds.high !== undefined;
    const divisor = this.#divisor(pieces, isBounded);
    if (divisor > 1) return multiplesOf(divisor, this.#texts.rules);
    const isInteger = type === 'integer' || divisor === 1;
    if (!isBounded) return isInteger ? this.#texts.integer : this.#texts.number;
    if (isInteger) return integersWithin(bounds);
    for (const key of keywordsOf.number) {
      for (const { schema, at } of pieces) {
        const value = schema[key];
        if (value !== undefined && !Number.isSafeInteger(value)) {
          refuse(pointer(at, key), `the bound ${value} of a number`, 'bounds that are integers');
        }
      }
    }
    return decimalsWithin(bounds);
  }

  // 0 where there is none.
  #divisor(pieces: readonly Piece[], isBounded: boolean): number {
    let divisor = 0;
    for (const { schema, at } of pieces) {
      const value = schema['multipleOf'];
      if (value === undefined || value === divisor) continue;
      const isFine = Number.isInteger(value) && Number(value) >= 1 && Number(value) <= mostDivisor;
      const isAlone = divisor <= 1 && (value === 1 || !isBounded);
      if (!isFine || !isAlone) {
        const beside = isBounded ? ' beside bounds' : '';
        const allowed = `one integer from 1 to ${mostDivisor}, without bounds`;
        refuse(pointer(at, 'multipleOf'), `multipleOf ${String(value)}${beside}`, allowed);
      }
      divisor = Number(value);
    }
    return divisor;
  }

  #array(pieces: readonly Piece[]): Expression {
    const least = boundOf(pieces, 'minItems', Math.max) ?? 0;
    const most = boundOf(pieces, 'maxItems', Math.min) ?? Number.POSITIVE_INFINITY;
    if (least > most) return never;
    const prefixes = pieces.map((piece) => listOf(piece, 'prefixItems'));
    const rest = pieces.map((piece) => schemaOf(piece, 'items'));
    const itemAt = (index: number): Expression => {
      const schemas = pieces.flatMap((_, i) => prefixes[i]?.[index] ?? rest[i] ?? []);
      return sequence(this.compile(schemas), this.#texts.space);
    };
    const length = Math.max(...prefixes.map((prefix) => prefix.length));
    checkCount(length, mostPlaces, 'places in prefixItems');
    const tail = this.compile(rest.flatMap((each) => each ?? []));
    const item = tail === never ? never : sequence(tail, this.#texts.space);
    const { comma } = this.#texts;
    const from = (index: number): Expression => {
      if (index >= most) return nothing;
      if (index < length) {
        const one = sequence(index > 0 ? comma : nothing, itemAt(index), from(index + 1));
        return index < least ? one : optional(one);
      }
      if (index > 0) return repeat(sequence(comma, item), Math.max(least - index, 0), most - index);
      const some = sequence(item, repeat(sequence(comma, item), Math.max(least - 1, 0), most - 1));
      return least > 0 ? some : optional(some);
    };
    return this.#texts.bracketed('[]', from(0));
  }

  #object(pieces: readonly Piece[]): Expression {
    const properties = pieces.map(propertiesOf);
    const others = pieces.map((piece) => schemaOf(piece, 'additionalProperties'));
    const required = new Set(pieces.flatMap(requiredOf));
    const names = [...new Set([...properties.flatMap((each) => [...each.keys()]), ...required])];
    const memberValue = (name: string | undefined): Expression => {
      const own = (i: number): Placed | undefined =>
        name === undefined ? undefined : properties[i]?.get(name);
      return this.compile(pieces.flatMap((_, i) => own(i) ?? others[i] ?? []));
    };
    const { rules, comma } = this.#texts;
    const at = pieces[0]?.at ?? '#';
    // By whether a member stands before: what may come from here to the closing brace.
    let [first, later]: [Expression, Expression] = [nothing, nothing];
    const value = memberValue(undefined);
    if (value !== never) {
      const other = this.#texts.member(quoted(notAnyOf(names)), value);
      later = repeat(sequence(comma, other), 0);
      first = optional(sequence(other, later));
    }
    for (const name of names.toReversed()) {
      const one = this.#texts.member(literal(JSON.stringify(name)), memberValue(name));
      const begin = sequence(one, later);
      const goOn = sequence(comma, one, later);
      const where = pointer(at, 'properties', name);
      first = rules.add(where, required.has(name) ? begin : choice(begin, first));
      later = rules.add(where, required.has(name) ? goOn : choice(goOn, later));
    }
    return this.#texts.bracketed('{}', first);
  }
}

function requiredOf({ schema, at }: Piece): readonly string[] {
  const { required = [] } = schema;
  const isList = Array.isArray(required) && required.every((each) => typeof each === 'string');
  if (!isList) fail(pointer(at, 'required'), 'it is not a list of names');
  return required as readonly string[];
}

function isOfTypes(value: unknown, types: ReadonlySet<JsonType>): boolean {
  if (value === null) return types.has('null');
  if (Array.isArray(value)) return types.has('array');
  if (typeof value === 'number')
    return types.has('number') || (types.has('integer') && Number.isInteger(value));
  return types.has(typeof value as JsonType);
}
