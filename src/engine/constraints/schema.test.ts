import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allows, answerRandomly } from '../../../test/constraint-walk.ts';
import { tinyTokenizer } from '../../../test/tiny-llama.ts';
import type { Constraint } from '../constraint.ts';
import { constrain } from './grammar-constraint.ts';
import { compileSchema } from './schema.ts';
import { finish } from './steps.ts';
import { buildVocabulary } from './vocabulary.ts';

const tokenizer = tinyTokenizer(288);
const vocabulary = finish(buildVocabulary(tokenizer));
const compile = (schema: unknown): Constraint =>
  finish(constrain(finish(compileSchema(schema)), vocabulary));
// The formats' own rules are checked by hand below: ajv has none built in.
const ajv = new Ajv2020({ strict: false, validateFormats: false });
const isValid = (schema: unknown, text: string): boolean =>
  ajv.validate(schema as object, JSON.parse(text));

const small = fc.integer({ min: 0, max: 4 });
const range = fc.tuple(small, small).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
const bound = fc.integer({ min: -1200, max: 1200 });
const name = fc.constantFrom('a', 'b', 'name', 'na', 'é', 'x"y');
const scalar = fc.oneof(
  fc.constantFrom(null, true, 'a"b', 'é\n', ''),
  fc.integer(),
  fc.constant(1.5),
);

const { schema: anySchema } = fc.letrec<{ schema: Record<string, unknown> | boolean }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.constantFrom({ type: 'null' }, { type: 'boolean' }, { type: ['string', 'null'] }),
    fc.constantFrom({ type: 'integer' }, { type: 'number' }, { type: 'string' }),
    fc.uniqueArray(scalar, { minLength: 1, maxLength: 4 }).map((values) => ({ enum: values })),
    range.map(([minLength, maxLength]) => ({ type: 'string', minLength, maxLength })),
    fc
      .constantFrom('^[a-f]{2,3}$', 'b', '^\\d+$|^x', '^.$')
      .map((pattern) => ({ type: 'string', pattern })),
    fc
      .tuple(bound, bound, fc.constantFrom('integer', 'number'), fc.boolean(), fc.boolean())
      .map(([a, b, type, low, high]) => ({
        type,
        [low ? 'minimum' : 'exclusiveMinimum']: Math.min(a, b),
        [high ? 'maximum' : 'exclusiveMaximum']: Math.max(a, b) + 2,
      })),
    bound.map((minimum) => ({ type: 'number', minimum })),
    fc.integer({ min: 1, max: 12 }).map((multipleOf) => ({ type: 'integer', multipleOf })),
    fc
      .record({ items: tie('schema'), prefix: fc.array(tie('schema'), { maxLength: 2 }), range })
      .map(({ items, prefix, range: [minItems, maxItems] }) => ({
        type: 'array',
        items,
        ...(prefix.length > 0 ? { prefixItems: prefix } : {}),
        minItems,
        maxItems,
      })),
    fc
      .record({
        properties: fc.dictionary(name, tie('schema'), { maxKeys: 4 }),
        required: fc.uniqueArray(name, { maxLength: 2 }),
        additionalProperties: fc.oneof(fc.constantFrom(true, false), tie('schema')),
      })
      .map((parts) => ({
        type: 'object',
        ...parts,
        properties: { ...parts.properties },
        required: parts.required.filter((each) => each in parts.properties),
      })),
    fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
    fc.constant({ anyOf: [{ $ref: '#/$defs/list' }, { type: 'null' }] }),
  ),
}));
const document = anySchema.map((schema) => ({
  $defs: { list: { type: 'array', items: { $ref: '#/$defs/list' } } },
  allOf: [schema],
}));

describe('answers under a schema', () => {
  it('always validate with ajv, whatever tokens are chosen and however few are allowed', () => {
    fc.assert(
      fc.property(document, fc.nat(), fc.nat({ max: 40 }), (schema, seed, more) => {
        const constraint = compile(schema);
        const maxTokens = constraint.shortest + more;
        const { text, tokens } = answerRandomly(constraint, tokenizer, { maxTokens, seed });
        expect(tokens).toBeLessThanOrEqual(maxTokens);
        expect(isValid(schema, text), `${JSON.stringify(schema)} ← ${text}`).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('are exactly what ajv accepts among values without objects, and nothing else among objects', () => {
    const flat = fc.oneof(scalar, fc.array(fc.oneof(scalar, fc.constant([])), { maxLength: 3 }));
    const members = fc.dictionary(fc.constantFrom('a', 'b', 'name'), scalar, { maxKeys: 3 });
    const counts = { allowed: 0, refused: 0 };
    fc.assert(
      fc.property(document, fc.oneof(flat, flat, members), (schema, value) => {
        const text = JSON.stringify(value);
        const found = allows(compile(schema), tokenizer, text);
        counts[found ? 'allowed' : 'refused']++;
        // Members may come in another order than the schema's, which is valid, but not offered.
        const mayBeStricter = text.includes('{');
        if (found || !mayBeStricter) expect(found, text).toBe(isValid(schema, text));
      }),
      { numRuns: 300, seed: 7 },
    );
    expect(Math.min(counts.allowed, counts.refused)).toBeGreaterThan(10);
  });
});

describe('a compiled schema', () => {
  const person = {
    type: 'object',
    properties: { name: { type: 'string' }, age: { type: 'integer', minimum: 0, maximum: 150 } },
    required: ['name'],
    additionalProperties: false,
  };

  it.each([
    ['{"name":"Ada","age":36}', true],
    ['{"name":"Ada"}', true],
    ['{\n  "name": "A\\u00e9\\"",\n  "age": 0\n}', true],
    ['{"age":36,"name":"Ada"}', false],
    ['{"name":"Ada","age":151}', false],
    ['{"name":"Ada","age":036}', false],
    ['{"name":"Ada","more":1}', false],
    ['{"name":"A\nda"}', false],
    ['{"name":"\\ud800"}', false],
    ['{"name":"Ada"}  ', false],
  ])('reads %j: %j', (text, expected) => {
    expect(allows(compile(person), tokenizer, text)).toBe(expected);
  });

  it('follows references back to the whole schema, and to definitions that hold each other', () => {
    const tree = compile({
      type: 'object',
      properties: { kids: { type: 'array', items: { $ref: '#' } } },
      additionalProperties: false,
    });
    expect(allows(tree, tokenizer, '{"kids":[{},{"kids":[{"kids":[]}]}]}')).toBe(true);
    expect(allows(tree, tokenizer, '{"kids":[{"kids":[1]}]}')).toBe(false);
    const mutual = compile({
      $ref: '#/$defs/a',
      $defs: {
        a: { type: 'array', items: { $ref: '#/$defs/b' } },
        b: { anyOf: [{ const: 'x' }, { $ref: '#/$defs/a' }] },
      },
    });
    expect(allows(mutual, tokenizer, '["x",[["x"]]]')).toBe(true);
    expect(allows(mutual, tokenizer, '["x",[["y"]]]')).toBe(false);
    // What can never end may be left out, and then must be.
    const optional = compile({
      type: 'object',
      properties: { a: { $ref: '#/$defs/a' }, b: { type: 'null' } },
      additionalProperties: false,
      $defs: { a: { type: 'array', items: { $ref: '#/$defs/a' }, minItems: 1 } },
    });
    expect(allows(optional, tokenizer, '{"b":null}')).toBe(true);
    expect(allows(optional, tokenizer, '{"a":[')).toBe(false);
  });

  it('lets no other spelling of a known name in as an additional property', () => {
    const schema = { type: 'object', properties: { ab: { type: 'null' } } };
    expect(allows(compile(schema), tokenizer, '{"abc":1,"a":2}')).toBe(true);
    expect(allows(compile(schema), tokenizer, '{"ab":1}')).toBe(false);
    expect(allows(compile(schema), tokenizer, '{"a\\u0062":1}')).toBe(false);
  });

  it('takes allOf and siblings of a reference together', () => {
    const schema = {
      $ref: '#/$defs/base',
      required: ['b'],
      properties: { b: { minimum: 3 } },
      $defs: {
        base: {
          type: 'object',
          properties: { b: { type: 'integer', maximum: 4 } },
          additionalProperties: false,
        },
      },
    };
    expect(
      ['2', '3', '4', '5'].filter((b) => allows(compile(schema), tokenizer, `{"b":${b}}`)),
    ).toEqual(['3', '4']);
    expect(allows(compile(schema), tokenizer, '{}')).toBe(false);
  });

  it('takes oneOf where its alternatives are plainly disjoint', () => {
    const kinds = ['x', 'y'].map((kind) => ({
      type: 'object',
      properties: { kind: { const: kind }, [kind]: { type: 'null' } },
      required: ['kind', kind],
      additionalProperties: false,
    }));
    const constraint = compile({ oneOf: kinds });
    expect(allows(constraint, tokenizer, '{"kind":"y","y":null}')).toBe(true);
    expect(allows(constraint, tokenizer, '{"kind":"y","x":null}')).toBe(false);
  });

  it.each([
    ['date', '2024-02-28', '2023-02-30'],
    ['time', '23:59:59.5+01:00', '24:00:00Z'],
    ['date-time', '2024-12-31T00:00:00Z', '2024-13-01T00:00:00Z'],
    ['uuid', '123e4567-e89b-12d3-a456-426614174000', '123e4567e89b12d3a456426614174000'],
    ['email', 'ada.b+c@mail.example.org', 'ada@@example.org'],
    ['hostname', 'a-b.example', '-a.example'],
    ['ipv4', '255.0.10.99', '256.0.0.1'],
  ])('knows the format %s', (format, good, bad) => {
    const constraint = compile({ type: 'string', format });
    expect(allows(constraint, tokenizer, JSON.stringify(good))).toBe(true);
    expect(allows(constraint, tokenizer, JSON.stringify(bad))).toBe(false);
  });

  it.each([
    [{ properties: { a: { patternProperties: {} } } }, '#/properties/a/patternProperties'],
    [{ type: 'array', items: { not: {} } }, '#/items/not'],
    [{ type: 'array', uniqueItems: true }, '#/uniqueItems'],
    [{ type: 'string', pattern: 'a(?!b)' }, '#/pattern, character 2'],
    [{ type: 'string', pattern: 'a', minLength: 2 }, '#/pattern'],
    [{ type: 'string', format: 'uri' }, '#/format'],
    [{ type: 'number', maximum: 0.5 }, '#/maximum'],
    [{ type: 'integer', multipleOf: 1000 }, '#/multipleOf'],
    [{ oneOf: [{ type: 'string' }, { enum: ['a', 1] }] }, '#/oneOf'],
    [{ $ref: 'https://example.org/a' }, '#/$ref'],
    [{ enum: ['a'], minLength: 1 }, '#/minLength'],
    [{ 'x/y': 1 }, '#/x~1y'],
  ])('refuses %j at %s', (schema, at) => {
    const found = { code: 'CORRAL_CONSTRAINT_UNSUPPORTED', data: { where: at } };
    expect(() => compile(schema)).toThrow(
      expect.objectContaining({ ...found, data: expect.objectContaining(found.data) }),
    );
  });

  it.each([
    [{ type: 'strin' }, '#/type'],
    [{ properties: [] }, '#/properties'],
    [{ $ref: '#/$defs/none' }, '#/$ref'],
    [{ type: 'string', minLength: -1 }, '#/minLength'],
    [{ type: 'string', pattern: '(' }, '#/pattern'],
    [{ type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] }, '#/properties/a'],
    [{ $ref: '#' }, '#/$ref'],
    [{ items: { $ref: '#/%zz' } }, '#/items/$ref'],
    [{ type: 'object', allOf: [{ $ref: '#' }] }, '#/allOf/0/$ref'],
    [{ anyOf: [{ type: 'null' }, { $ref: '#' }] }, '#/anyOf/1/$ref'],
    [
      { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } },
      '#/$defs/b/$ref',
    ],
    [
      {
        properties: { list: { $ref: '#/$defs/node' } },
        required: ['list'],
        $defs: {
          node: { properties: { next: { $ref: '#/$defs/node' } }, required: ['next'] },
        },
      },
      '#/$defs/node/properties/next',
    ],
    [{ properties: { a: { enum: [1], type: 'string' } }, required: ['a'] }, '#/properties/a'],
  ])('says what is wrong with %j at %s', (schema, where) => {
    const data = expect.objectContaining({ where });
    expect(() => compile(schema)).toThrow(
      expect.objectContaining({ code: 'CORRAL_CONSTRAINT_INVALID', data }),
    );
  });

  it.each([
    [
      'lists of lists of lists',
      {
        type: 'array',
        minItems: 300,
        items: { type: 'array', minItems: 300, items: { enum: ['a'] } },
      },
      false,
    ],
    ['a count of millions', { type: 'string', minLength: 5_000_000 }, true],
    [
      'alternatives that multiply',
      {
        allOf: Array.from({ length: 30 }, () => ({
          anyOf: [{ type: 'string' }, { type: 'null' }],
        })),
      },
      true,
    ],
    ['a billion times nothing', { type: 'string', pattern: '^(?:){2000000000}a$' }, false],
    ['a oneOf of thousands', { oneOf: Array.from({ length: 5000 }, () => ({})) }, true],
    ['a tuple of thousands', { type: 'array', prefixItems: Array(9000).fill(true) }, true],
    ['allOf of thousands', { allOf: Array.from({ length: 9000 }, () => ({})) }, true],
    ['repetitions of repetitions', { type: 'string', pattern: '(((a{99}){99}){99}){99}' }, true],
  ])('is bounded: %s', (_, schema, isRefused) => {
    const started = performance.now();
    const attempt = (): unknown => compile(schema);
    if (isRefused)
      expect(attempt).toThrow(expect.objectContaining({ code: 'CORRAL_CONSTRAINT_TOO_LARGE' }));
    else attempt();
    expect(performance.now() - started).toBeLessThan(5000);
  });
});
