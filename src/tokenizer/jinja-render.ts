// Renders a Jinja template with bounds: a template is a program that came with a file, so its time, its
// loops and its output are limited, and what it throws comes out as one kind of error.
import { type Context, createContext, Script } from 'node:vm';
import { Template } from '@huggingface/jinja';
import { errors } from '../base/errors.ts';

const MAX_TEMPLATE_CHARS = 1 << 20;
const MAX_OUTPUT_CHARS = 1 << 26;
const MAX_RANGE = 1 << 20;
const TIMEOUT_MS = 5000;

let sandbox: { readonly script: Script; readonly context: Context } | undefined;

/** The rendered text. Throws TEMPLATE_INVALID with the template's own message. */
export function renderJinja(source: string, variables: Readonly<Record<string, unknown>>): string {
  if (source.length > MAX_TEMPLATE_CHARS) {
    throw errors.TEMPLATE_INVALID({
      reason: `its source has ${source.length} characters; at most ${MAX_TEMPLATE_CHARS} are allowed`,
    });
  }
  try {
    const rendered = runBounded(() => new Template(source).render({ ...variables, range }));
    if (rendered.length > MAX_OUTPUT_CHARS) {
      throw new Error(
        `it wrote ${rendered.length} characters; at most ${MAX_OUTPUT_CHARS} are allowed`,
      );
    }
    return rendered;
  } catch (cause) {
    throw errors.TEMPLATE_INVALID({ reason: reasonOf(cause) }, { cause });
  }
}

/** Runs synchronous work under V8's own watchdog: the only way to stop an endless loop in one thread. */
function runBounded(work: () => string): string {
  sandbox ??= { script: new Script('work()'), context: createContext({}) };
  const { script, context } = sandbox;
  context['work'] = work;
  try {
    return script.runInContext(context, { timeout: TIMEOUT_MS }) as string;
  } finally {
    context['work'] = undefined;
  }
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  if ('code' in cause && cause.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') {
    return `it did not end within ${TIMEOUT_MS / 1000} seconds`;
  }
  return cause.message.replace(/\.$/u, '');
}

/** Jinja's `range`, with a bound on the list it makes. */
function range(start: number, stop?: number, step?: number): number[] {
  const [from, until] = typeof stop === 'number' ? [start, stop] : [0, start];
  const by = typeof step === 'number' ? step : 1;
  if (by === 0) throw new Error('range() has step 0');
  const count = Math.max(0, Math.ceil((until - from) / by));
  if (!(count <= MAX_RANGE))
    throw new Error(`range() of ${count}; at most ${MAX_RANGE} is allowed`);
  return Array.from({ length: count }, (_, i) => from + i * by);
}
