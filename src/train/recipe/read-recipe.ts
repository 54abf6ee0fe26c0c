// Reads a recipe: YAML, then changes given on the command line, then the schema. What is wrong is told
// with the line it stands in, what was found there and what is allowed.
import {
  isMap,
  isScalar,
  LineCounter,
  type ParsedNode,
  parse,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import type * as z from 'zod';
import { describeExpected } from '../../base/check-json.ts';
import { errors } from '../../base/errors.ts';
import { nearest } from '../../base/nearest.ts';
import type { Recipe } from './recipe.ts';
import { recipeSchema } from './recipe-schema.ts';

/** A change to one field: `optimizer.learningRate=1e-3`. */
export type Override = string;

interface Source {
  /** The file, for messages. */
  readonly path: string;
  readonly root: ParsedNode | null;
  readonly lines: LineCounter;
  readonly changed: ReadonlyMap<string, Override>;
}

type Path = readonly (string | number)[];

/**
 * The recipe that a YAML text says. Throws RECIPE_INVALID or RECIPE_FIELD_UNKNOWN.
 * @example const recipe = readRecipe(await readFile('recipe.yaml', 'utf8'), 'recipe.yaml', ['seed=2']);
 */
export function readRecipe(
  text: string,
  path: string,
  overrides: readonly Override[] = [],
): Recipe {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [problem] = document.errors;
  if (problem !== undefined) {
    const { line, col } = lines.linePos(problem.pos[0]);
    throw errors.RECIPE_INVALID({
      where: `${path}:${line}:${col}`,
      field: 'the text',
      found: problem.message,
      allowed: 'YAML',
    });
  }
  const changed = new Map<string, Override>();
  const fields = document.toJS() ?? {};
  // What is no section at all is the schema's to refuse.
  const isSection = typeof fields === 'object';
  for (const override of isSection ? overrides : []) {
    changed.set(applyOverride(fields, override), override);
  }
  const result = recipeSchema.safeParse(fields);
  if (result.success) return result.data;
  throw describe(result.error, fields, { path, root: document.contents, lines, changed });
}

/** Sets a field and returns its path with dots. */
function applyOverride(fields: Record<string, unknown>, override: Override): string {
  const [, name, text] = /^([a-z0-9]\w*(?:\.[a-z0-9]\w*)*)=(.*)$/is.exec(override) ?? [];
  if (name === undefined || text === undefined) {
    throw errors.OPTION_INVALID({
      option: '--set',
      found: JSON.stringify(override),
      allowed: 'a field and its value, such as optimizer.learningRate=1e-3',
    });
  }
  const keys = name.split('.');
  const last = keys.pop() as string;
  let section = fields;
  for (const key of keys) {
    const inner = Object.hasOwn(section, key) ? section[key] : undefined;
    const next = typeof inner === 'object' && inner !== null ? inner : {};
    section[key] = next;
    section = next as Record<string, unknown>;
  }
  section[last] = parse(text);
  return name;
}

function describe(error: z.ZodError, fields: unknown, source: Source): Error {
  const [issue] = error.issues;
  const path = (issue?.path ?? []).map((key) =>
    typeof key === 'symbol' ? `${key.toString()}` : key,
  );
  if (issue?.code === 'unrecognized_keys') {
    const key = issue.keys[0] as string;
    const allowed = knownKeys(path);
    const guess = nearest(key, allowed);
    return errors.RECIPE_FIELD_UNKNOWN({
      where: locate(source, [...path, key]),
      field: [...path, key].join('.'),
      guess: guess === undefined ? '' : ` Did you mean ${guess}?`,
      allowed: allowed.join(', '),
    });
  }
  let found = fields;
  for (const key of path) found = (found as Record<string, unknown> | undefined)?.[key];
  return errors.RECIPE_INVALID({
    where: locate(source, path),
    field: path.join('.') || 'the recipe',
    found: (JSON.stringify(found) ?? 'not there').slice(0, 100),
    allowed: describeExpected(issue),
  });
}

/** Where a field stands, or the nearest section around it: `recipe.yaml:3:5`, or the change that set it. */
function locate({ path, root, lines, changed }: Source, field: Path): string {
  const name = field.join('.');
  for (const [changedName, override] of changed) {
    if (name === changedName || name.startsWith(`${changedName}.`)) return `--set ${override}`;
  }
  let place = root?.range[0] ?? 0;
  let node: unknown = root;
  for (const key of field) {
    const pair = isMap(node)
      ? (node as YAMLMap).items.find((item) => isScalar(item.key) && item.key.value === key)
      : undefined;
    const inner = pair?.value ?? (node as { items?: unknown[] } | null)?.items?.[Number(key)];
    const at = (pair?.key ?? inner) as Partial<ParsedNode> | null | undefined;
    if (at?.range == null) break;
    place = at.range[0];
    node = inner;
  }
  const { line, col } = lines.linePos(place);
  return `${path}:${line}:${col}`;
}

/** The fields a section has. */
function knownKeys(path: Path): string[] {
  let schema: unknown = recipeSchema;
  for (const key of path) schema = shapeOf(schema)?.[key] ?? elementOf(schema);
  return Object.keys(shapeOf(schema) ?? {});
}

interface Definition {
  readonly innerType?: unknown;
  /** What a value is after it was brought into form. */
  readonly out?: unknown;
  readonly element?: unknown;
  readonly shape?: Readonly<Record<string, unknown>>;
}

function definitionOf(schema: unknown): Definition | undefined {
  let definition = (schema as { def?: Definition } | undefined)?.def;
  for (;;) {
    const inner = definition?.innerType ?? definition?.out;
    if (inner === undefined) return definition;
    definition = (inner as { def?: Definition }).def;
  }
}

function shapeOf(schema: unknown): Readonly<Record<string, unknown>> | undefined {
  return definitionOf(schema)?.shape;
}

function elementOf(schema: unknown): unknown {
  return definitionOf(schema)?.element;
}
