// Jinja as the harness sets it up: no trimming of blocks, trailing newlines kept, undefined names an
// error, and the filter regex_replace. Methods whose Python meaning the engine misses are ours.
import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import { errors } from '../../base/errors.ts';
import { pythonRepresentation, pythonString } from '../python-values.ts';
import { pythonReplace } from './python-regex.ts';
import { capitalize, leftStrip, rightStrip, strip } from './python-text.ts';

/** A template ready to be filled in. */
export interface Template {
  /** The text, every value written as Python's `str` writes it. */
  text(variables: Readonly<Record<string, unknown>>): string;
  /** Of a template that is one expression its value, of any other its text. */
  value(variables: Readonly<Record<string, unknown>>): unknown;
}

interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

interface RuntimeValue {
  readonly type: string;
  readonly value: unknown;
}

type TemplateFunction = (...values: readonly never[]) => unknown;

const filters: Readonly<Record<string, TemplateFunction>> = {
  regex_replace: (text: string, pattern: string, replacement = ''): string =>
    pythonReplace(text, pattern, replacement),
};

const methods: Readonly<Record<string, TemplateFunction>> = {
  strip: (text: string, characters?: string): string => strip(text, characters),
  lstrip: (text: string, characters?: string): string => leftStrip(text, characters),
  rstrip: (text: string, characters?: string): string => rightStrip(text, characters),
  capitalize: (text: string): string => capitalize(text),
  join: (separator: string, parts: readonly string[]): string => parts.join(separator),
  index: (values: string | readonly unknown[], wanted: never): number => {
    const at = values.indexOf(wanted);
    if (at < 0)
      throw new Error(`${pythonRepresentation(wanted)} is not in ${pythonRepresentation(values)}`);
    return at;
  },
};

const constants = { true: true, True: true, false: false, False: false, none: null, None: null };

const compiled = new Map<string, Template>();

/** The template of a source; compiled once. Throws TASK_TEMPLATE_INVALID. */
export function compileTemplate(source: string): Template {
  let template = compiled.get(source);
  if (template === undefined) {
    template = compile(source);
    compiled.set(source, template);
  }
  return template;
}

function compile(source: string): Template {
  const body = attempt(source, () => {
    // the lexer drops one newline at the end
    const program = rewrite(parse(tokenize(`${source}\n`))) as Node;
    return program['body'] as readonly Node[];
  });
  const start = (variables: Readonly<Record<string, unknown>>): ((node: Node) => RuntimeValue) => {
    const environment = new Environment();
    const globals = { range, ...constants, ...variables, ...callables };
    for (const [name, value] of Object.entries(globals)) environment.set(name, value);
    const interpreter = new Interpreter(environment);
    // `evaluate` takes the parser's own classes, of which it reads nothing but their fields
    return (node) => interpreter.evaluate(node as never, environment) as RuntimeValue;
  };
  const text = (variables: Readonly<Record<string, unknown>>): string =>
    attempt(source, () => {
      const evaluate = start(variables);
      return body.map((node) => writeNode(node, evaluate(node))).join('');
    });
  const [only] = body;
  if (body.length !== 1 || only === undefined || !isExpression(only)) return { text, value: text };
  const value = (variables: Readonly<Record<string, unknown>>): unknown =>
    attempt(source, () => toNative(defined(only, start(variables)(only))));
  return { text, value };
}

const statements = new Set(['If', 'For', 'Set', 'Macro', 'CallStatement', 'FilterStatement']);

function isExpression(node: Node): boolean {
  return !statements.has(node.type) && node.type !== 'Comment';
}

function writeNode(node: Node, value: RuntimeValue): string {
  if (node.type === 'StringLiteral') return String(value.value);
  if (!isExpression(node)) {
    return value.type === 'NullValue' || value.type === 'UndefinedValue' ? '' : String(value.value);
  }
  return pythonString(toNative(defined(node, value)));
}

function defined(node: Node, value: RuntimeValue): RuntimeValue {
  if (value.type !== 'UndefinedValue') return value;
  const name = node.type === 'Identifier' ? String(node['value']) : 'an expression';
  throw new Error(`${name} is undefined`);
}

function attempt<T>(source: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const message = (cause as Error).message;
    const short = source.length > 80 ? `${source.slice(0, 77)}...` : source;
    throw errors.TASK_TEMPLATE_INVALID(
      { reason: `${message} (in ${JSON.stringify(short)})` },
      { cause },
    );
  }
}

/** The engine's value as plain JavaScript. */
function toNative(value: RuntimeValue): unknown {
  switch (value.type) {
    case 'ArrayValue':
    case 'TupleValue':
      return (value.value as readonly RuntimeValue[]).map(toNative);
    case 'ObjectValue': {
      const entries = Array.from(value.value as ReadonlyMap<string, RuntimeValue>);
      return Object.fromEntries(entries.map(([key, item]) => [key, toNative(item)]));
    }
    case 'NullValue':
    case 'UndefinedValue':
      return null;
    default:
      return value.value;
  }
}

/** Calls to our filters and methods become calls of variables, the one thing the engine can extend. */
function rewrite(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(rewrite);
  if (node instanceof Map) {
    return new Map(Array.from(node, ([key, value]) => [rewrite(key), rewrite(value)]));
  }
  if (typeof node !== 'object' || node === null) return node;
  const copy = Object.fromEntries(
    Object.entries(node).map(([field, value]) => [field, rewrite(value)]),
  ) as Node;
  if (copy.type === 'FilterExpression') {
    const filter = copy['filter'] as Node;
    const name = String((filter['callee'] as Node | undefined)?.['value'] ?? filter['value']);
    if (Object.hasOwn(filters, name)) {
      return call(`filter ${name}`, [copy['operand'], ...((filter['args'] ?? []) as Node[])]);
    }
  }
  if (copy.type === 'CallExpression') {
    const callee = copy['callee'] as Node;
    const name = String((callee['property'] as Node | undefined)?.['value']);
    if (callee.type === 'MemberExpression' && !callee['computed'] && Object.hasOwn(methods, name)) {
      return call(`method ${name}`, [callee['object'], ...(copy['args'] as Node[])]);
    }
  }
  return copy;
}

function call(name: string, args: readonly unknown[]): Node {
  return { type: 'CallExpression', callee: { type: 'Identifier', value: name }, args };
}

// Names with a space cannot collide with those of a template.
const callables: Readonly<Record<string, unknown>> = Object.fromEntries(
  [
    ...Object.entries(filters).map(([name, work]) => [`filter ${name}`, work] as const),
    ...Object.entries(methods).map(([name, work]) => [`method ${name}`, work] as const),
  ].map(([name, work]) => [name, (...values: never[]) => work(...(values.map(unwrap) as never[]))]),
);

function unwrap(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return (value as readonly RuntimeValue[]).map(toNative);
}

function range(start: number, stop?: number): number[] {
  const [from, until] = stop === undefined ? [0, start] : [start, stop];
  return Array.from({ length: Math.max(0, until - from) }, (_, i) => from + i);
}
