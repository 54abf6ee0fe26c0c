// The reference page of recipes, made from their schema. `node scripts/recipe-page.ts` writes it; a test
// holds page and schema together.
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import { recipeSchema } from '../src/train/recipe/recipe-schema.ts';

const path: string = join(resolve(import.meta.dirname, '..'), 'docs', 'reference', 'recipe.md');

interface Field {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Field[];
  readonly items?: Field;
  readonly properties?: Readonly<Record<string, Field>>;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
}

// Limits beyond which a number is not meant as one.
const unlimited = 2 ** 31 - 1;

function describeType(field: Field): string {
  if (field.enum !== undefined) return field.enum.map((word) => `\`${word}\``).join(', ');
  if (field.const !== undefined) return `\`${field.const}\``;
  if (field.anyOf !== undefined) return field.anyOf.map(describeType).join(', or ');
  switch (field.type) {
    case 'array':
      return `list of ${field.items?.properties === undefined ? describeType(field.items ?? {}) : 'sources'}`;
    case 'boolean':
      return '`true`, `false`';
    case 'integer':
    case 'number':
      return describeNumber(field);
    case 'object':
      return 'names and texts';
    default:
      return 'text';
  }
}

function describeNumber({ type, minimum, maximum, exclusiveMinimum }: Field): string {
  const kind = type === 'integer' ? 'whole number' : 'number';
  const low = exclusiveMinimum === undefined ? minimum : exclusiveMinimum;
  const from = exclusiveMinimum === undefined ? `from ${low}` : `above ${low}`;
  const to = maximum === undefined || maximum >= unlimited ? '' : ` to ${maximum}`;
  return low === undefined ? kind : `${kind} ${from}${to}`;
}

function describeDefault(field: Field, isRequired: boolean): string {
  if (field.default !== undefined) return `\`${JSON.stringify(field.default)}\``;
  return isRequired ? 'needed' : '';
}

function table(fields: Readonly<Record<string, Field>>, required: ReadonlySet<string>): string {
  const rows = Object.entries(fields).map(([name, field]) => {
    const cells = [
      `\`${name}\``,
      describeType(field),
      describeDefault(field, required.has(name)),
      field.description ?? '',
    ];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  });
  return ['| field | value | default | what it is |', '|---|---|---|---|', ...rows].join('\n');
}

const head = `# Recipes

A recipe is a YAML file that \`corral train\` (a new model) or \`corral tune\` (a model that exists) runs. Fields that
are not on this page are refused, with the nearest that is. \`--set optimizer.learningRate=1e-3\` changes a field for one
run; \`--dry-run\` shows the plan and the first examples. Paths are relative to the folder the command runs in.
[Training a model](../guides/train.md) and [Fine-tuning](../guides/tune.md) show recipes at work. This page is made by
\`node scripts/recipe-page.ts\`.
`;

/** The page as Markdown. */
export function recipePage(): string {
  const options = { io: 'output', unrepresentable: 'any' } as const;
  const schema = z.toJSONSchema(recipeSchema, options) as Field & { required?: string[] };
  const fields = Object.entries(schema.properties ?? {});
  const plain = fields.filter(([, { properties }]) => properties === undefined);
  const needed = new Set(['output']);
  const parts = [head, '## The whole\n', `${table(Object.fromEntries(plain), needed)}\n`];
  for (const [name, section] of fields) {
    if (section.properties === undefined) continue;
    const required = new Set(name === 'data' ? ['train'] : []);
    parts.push(`## ${name}\n`, `${section.description ?? ''}\n`);
    parts.push(`${table(section.properties, required)}\n`);
    const source = section.properties['train']?.items;
    if (source?.properties === undefined) continue;
    parts.push('### Sources of data\n', `${source.description ?? ''}\n`);
    parts.push(`${table(source.properties, new Set(['path']))}\n`);
  }
  return `${parts.join('\n').trimEnd()}\n`;
}

if (process.argv[1] === import.meta.filename) writeFileSync(path, recipePage());
