// Renders a Jinja template with bounds: a template is a program that came with a file, so its time, its
// loops and its output are limited, and what it throws comes out as one kind of error.
import { type Context, createContext, Script } from 'node:vm';
import { Environment, Interpreter, Template } from '@huggingface/jinja';
import { errors } from '../base/errors.ts';

const MAX_TEMPLATE_CHARS = 1 << 20;
const MAX_OUTPUT_CHARS = 1 << 26;
const MAX_RANGE = 1 << 20;
const TIMEOUT_MS = 5000;

let sandbox: { readonly script: Script; readonly context: Context } | undefined;

/** The rendered text. Throws TEMPLATE_INVALID with the template's own message. */
export function renderJinja(
  source: string,
  { variables, now }: { readonly variables: Readonly<Record<string, unknown>>; readonly now: Date },
): string {
  if (source.length > MAX_TEMPLATE_CHARS) {
    throw errors.TEMPLATE_INVALID({
      reason: `its source has ${source.length} characters; at most ${MAX_TEMPLATE_CHARS} are allowed`,
    });
  }
  try {
    const rendered = runBounded(() => {
      const environment = new Environment();
      const globals = {
        true: true,
        True: true,
        false: false,
        False: false,
        none: null,
        None: null,
        range,
        raise_exception: (message: string): never => {
          throw new Error(message);
        },
        strftime_now: (format: string): string => formatTime(format, now),
      };
      for (const [name, value] of Object.entries({ ...variables, ...globals })) {
        environment.set(name, value);
      }
      const { value } = new Interpreter(environment).run(parse(source));
      return String(value);
    });
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

// data sets render one template a hundred thousand times
let latest: { readonly source: string; readonly parsed: Template['parsed'] } | undefined;

function parse(source: string): Template['parsed'] {
  if (latest?.source !== source) latest = { source, parsed: new Template(source).parsed };
  return latest.parsed;
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
  // the watchdog's error comes from the sandbox, whose Error is another class
  const { code, message } = Object(cause) as { code?: unknown; message?: unknown };
  if (code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') {
    return `it did not end within ${TIMEOUT_MS / 1000} seconds`;
  }
  return String(message ?? cause).replace(/\.$/u, '');
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

const months =
  'January February March April May June July August September October November December';
const weekdays = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday';

/** Python's strftime, as far as chat templates use it. */
function formatTime(format: string, now: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const month = months.split(' ')[now.getMonth()] as string;
  const weekday = weekdays.split(' ')[now.getDay()] as string;
  const values: Readonly<Record<string, string>> = {
    Y: String(now.getFullYear()),
    y: two(now.getFullYear() % 100),
    m: two(now.getMonth() + 1),
    d: two(now.getDate()),
    B: month,
    b: month.slice(0, 3),
    A: weekday,
    a: weekday.slice(0, 3),
    H: two(now.getHours()),
    I: two(now.getHours() % 12 || 12),
    M: two(now.getMinutes()),
    S: two(now.getSeconds()),
    p: now.getHours() < 12 ? 'AM' : 'PM',
    '%': '%',
  };
  return format.replace(/%-?([A-Za-z%])/gu, (directive, letter: string) => {
    const value = values[letter];
    if (value === undefined) throw new Error(`strftime_now does not know ${directive}`);
    return directive.startsWith('%-') ? value.replace(/^0/u, '') : value;
  });
}
