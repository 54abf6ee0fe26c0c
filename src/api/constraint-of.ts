// What an answer must look like, from the fields that can say so: response_format, grammar, regex, a
// tool_choice that asks for a call, and tools with strict: true. At most one of them, and no stop strings
// beside it, which could end an answer before it is whole; whatever cannot be held to is refused.
import { errors } from '../base/errors.ts';
import { type Constraint, type ConstraintSource, compileConstraint } from '../engine/index.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import type { ToolFormat } from './chat/tools.ts';
import type { ChatRequest, Tool } from './fields/text-requests.ts';
import type { ServedModel } from './served-model.ts';

type Asked = Pick<
  ChatRequest,
  'response_format' | 'grammar' | 'regex' | 'tools' | 'tool_choice' | 'stop'
>;

/**
 * The constraint of a request; undefined where it has none. Rejects with FIELD_INVALID, CONSTRAINT_INVALID,
 * CONSTRAINT_UNSUPPORTED or CONSTRAINT_TOO_LARGE.
 */
export async function constraintOf(
  request: Asked,
  { tokenizer }: ServedModel,
  format: ToolFormat | undefined,
): Promise<Constraint | undefined> {
  const sources = [
    ...ofResponseFormat(request),
    ...ofText(request),
    ...(format === undefined ? [] : ofTools(request, format)),
    ...(format === undefined ? [] : ofStrictTools(request, { format, tokenizer })),
  ];
  const [first, second] = sources;
  if (second !== undefined) {
    throw errors.FIELD_INVALID({
      field: second.field,
      found: `there beside ${first?.field}`,
      allowed:
        'one of response_format, grammar, regex, a tool_choice that asks for a call, and strict tools',
    });
  }
  if (first !== undefined && request.stop !== undefined && request.stop.length > 0) {
    throw errors.FIELD_INVALID({
      field: 'stop',
      found: `there beside ${first.field}`,
      allowed: 'none, since the answer ends when it is whole',
    });
  }
  return first === undefined ? undefined : await compileConstraint(first.source, tokenizer);
}

interface Named {
  readonly field: string;
  readonly source: ConstraintSource;
}

function ofResponseFormat({
  response_format: format,
  tools = [],
  tool_choice: choice,
}: Asked): Named[] {
  if (format === undefined || format.type === 'text') return [];
  const field = 'response_format';
  if (tools.length > 0 && choice !== 'none') {
    const allowed = 'a format without tools, or with tool_choice: "none"';
    throw errors.FIELD_INVALID({ field, found: 'there beside tools', allowed });
  }
  if (format.type === 'json_object') return [{ field, source: { kind: 'json_object' } }];
  return [{ field, source: { kind: 'json_schema', schema: format.json_schema.schema ?? {} } }];
}

function ofText({ grammar, regex }: Asked): Named[] {
  return [
    ...(grammar === undefined
      ? []
      : [{ field: 'grammar', source: { kind: 'grammar', grammar } } as const]),
    ...(regex === undefined
      ? []
      : [{ field: 'regex', source: { kind: 'regex', pattern: regex } } as const]),
  ];
}

function ofTools({ tools = [], tool_choice: choice }: Asked, format: ToolFormat): Named[] {
  if (choice === undefined || choice === 'none' || choice === 'auto') return [];
  const field = 'tool_choice';
  const wanted =
    choice === 'required'
      ? tools
      : tools.filter((tool) => tool.function.name === choice.function.name);
  if (wanted.length === 0) {
    const allowed = `one of the tools: ${tools.map((tool) => tool.function.name).join(', ')}`;
    throw errors.FIELD_INVALID({ field, found: 'a function that is not among the tools', allowed });
  }
  return [{ field, source: { kind: 'json_schema', schema: callsSchema(wanted, '#', format) } }];
}

/** Calls that the model may make or not, with tools whose arguments must be right. */
function ofStrictTools(
  { tools = [], tool_choice: choice = 'auto' }: Asked,
  { format, tokenizer }: { readonly format: ToolFormat; readonly tokenizer: Tokenizer },
): Named[] {
  if (choice !== 'auto' || !tools.some((tool) => tool.function.strict === true)) return [];
  const field = 'tools';
  const { open, close } = format;
  // A constraint is about text, and a control token is none: nothing could say when a call begins.
  if (open !== undefined && tokenizer.controls.has(open)) {
    const allowed = 'strict: true together with a tool_choice of required, or of one function';
    const found = `a function with strict: true that need not be called, by a model for which ${open} is a control token`;
    throw errors.FIELD_INVALID({ field, found, allowed });
  }
  const held = tools.map((tool) =>
    tool.function.strict === true
      ? tool
      : { ...tool, function: { ...tool.function, parameters: { type: 'object' } } },
  );
  // Without a closing tag all calls stand in one list.
  const isList = open !== undefined && close === undefined;
  const schema = isList
    ? { type: 'array', items: callsSchema(held, '#/items', format), minItems: 1 }
    : callsSchema(held, '#', format);
  return [{ field, source: { kind: 'tool_calls', open, close, schema } }];
}

/** A call of any of the tools; `at` is where the schema will stand. */
function callsSchema(tools: readonly Tool[], at: string, format: ToolFormat): object {
  const [only, ...others] = tools;
  if (only !== undefined && others.length === 0) return callSchema(only, at, format);
  return { anyOf: tools.map((tool, index) => callSchema(tool, `${at}/anyOf/${index}`, format)) };
}

/** A call of the tool as the model writes it. */
function callSchema({ function: tool }: Tool, at: string, { argumentsKey }: ToolFormat): object {
  const root = `${at}/properties/${argumentsKey}`;
  return {
    type: 'object',
    properties: {
      name: { const: tool.name },
      [argumentsKey]: moveReferences(tool.parameters ?? { type: 'object' }, root),
    },
    required: ['name', argumentsKey],
    additionalProperties: false,
  };
}

// A reference such as #/$defs/x means a place in the tool's own schema, which now stands within another.
function moveReferences(value: unknown, root: string): unknown {
  if (Array.isArray(value)) return value.map((one) => moveReferences(one, root));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key,
      key === '$ref' && typeof one === 'string' && one.startsWith('#')
        ? `${root}${one.slice(1)}`
        : moveReferences(one, root),
    ]),
  );
}
