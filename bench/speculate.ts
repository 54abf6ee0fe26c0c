// What guessing ahead gains: tokens per second of answers with and without it, interleaved, as the median of the
// ratios of neighbours. The answers are given texts, forced token by token, so that models with random weights can be
// measured: one copies most of its prompt (an edit of a program), the other none of it (prose). With a DRAFTER, a
// smaller model guesses; it pays its own steps, and its guesses are made right as often as AGREEMENT says.
// usage: node bench/speculate.ts MODEL [--tokenizer FILE] [--tokens N] [--rounds N] [--characters N] [--drafter MODEL --agreement 0.8]
import { readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { random } from '../src/base/random.ts';
import type { Device } from '../src/device/device.ts';
import { openDevice } from '../src/device/open.ts';
import {
  type Constraint,
  type ConstraintWalk,
  type Drafter,
  Engine,
  type RequestTimings,
  type Speculate,
} from '../src/engine/index.ts';
import { openCheckpoint } from '../src/formats/index.ts';
import { loadWeights } from '../src/model/index.ts';
import type { TokenId, Tokenizer } from '../src/tokenizer/index.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tokenizer: { type: 'string' },
    tokens: { type: 'string', default: '160' },
    rounds: { type: 'string', default: '3' },
    drafter: { type: 'string' },
    agreement: { type: 'string', default: '0.8' },
    characters: { type: 'string', default: '2400' },
  },
});
const [path] = positionals;
if (path === undefined) throw new Error('usage: node bench/speculate.ts MODEL');
const answerTokens = Number(values.tokens);
const characters = Number(values.characters);

interface Task {
  readonly name: string;
  readonly prompt: readonly TokenId[];
  readonly answer: readonly TokenId[];
}

/**
 * Lets exactly these tokens come, one after the other. Guesses may be anything, as they are without a constraint: the
 * first mask after a token is the one the sampler obeys, a later one is only asked whether a guess is worth a row.
 */
function forced(answer: readonly TokenId[], vocab: number): Constraint {
  const walkFrom = (start: number): ConstraintWalk => {
    let at = start;
    let asked = false;
    return {
      get mayEnd(): boolean {
        return at === answer.length;
      },
      mask: (): Uint32Array => {
        const words = new Uint32Array(Math.ceil(vocab / 32));
        const id = answer[at];
        if (asked) return words.fill(0xffffffff);
        asked = true;
        if (id !== undefined) words[id >> 5] = 1 << (id & 31);
        return words;
      },
      accept: (): void => {
        at++;
        asked = false;
      },
      fork: () => walkFrom(at),
    };
  };
  return { shortest: answer.length, start: () => walkFrom(0) };
}

function readTasks(tokenizer: Tokenizer): Task[] {
  const read = (file: string): string =>
    readFileSync(resolve(import.meta.dirname, '..', file), 'utf8');
  const source = read('src/engine/turns.ts');
  const start = source.indexOf('export function welcome');
  const code = source.slice(start, start + characters);
  const edited = code.replaceAll('sequence', 'request').replaceAll('Sequence', 'Request');
  const prose = read('docs/performance.md').replaceAll(/[|`:#*-]+/g, ' ');
  const half = Math.floor(prose.length / 2);
  const bos = tokenizer.bos === undefined ? [] : [tokenizer.bos];
  const task = (name: string, before: string, after: string): Task => ({
    name,
    prompt: [...bos, ...tokenizer.encode(before)],
    answer: tokenizer.encode(after).slice(0, answerTokens),
  });
  return [
    task(
      'edit of a program',
      `Call sequences requests.\n${code}\nThe same with requests:\n`,
      edited,
    ),
    task('prose', prose.slice(0, characters), prose.slice(half, half + characters)),
  ];
}

/** Guesses that cost what the engine's cost, and are what will come as often as `agreement` says. */
function agreeing(engine: Engine, agreement: number, whole: () => readonly TokenId[]): Drafter {
  return {
    context: engine.context,
    config: engine.config,
    async *generate(request) {
      let at = request.prompt.length;
      for await (const event of engine.generate(request)) {
        if (event.type !== 'token-delta') yield event;
        else {
          const right = random(1, 0, at) < agreement;
          yield { ...event, id: right ? (whole()[at] ?? event.id) : event.id };
          at++;
        }
      }
    },
  };
}

async function openEngine(file: string, device: Device, drafter?: Drafter): Promise<Engine> {
  const checkpoint = await openCheckpoint(file, {});
  const { config } = checkpoint;
  const weights = await loadWeights(checkpoint, device);
  await checkpoint.close();
  const more = drafter === undefined ? {} : { drafter };
  return Engine.open({ config, device, weights, sequences: 2, ...more });
}

async function answer(
  engine: Engine,
  { prompt, answer: expected }: Task,
  speculate: Speculate,
): Promise<{ readonly perSecond: number; readonly timings: RequestTimings }> {
  const constraint = forced(expected, engine.config.vocab);
  const maxTokens = expected.length;
  let firstAt = 0;
  for await (const event of engine.generate({
    prompt,
    maxTokens,
    constraint,
    endTokens: [],
    speculate,
  })) {
    if (event.type === 'token-delta' && firstAt === 0) firstAt = performance.now();
    if (event.type !== 'request-end') continue;
    const seconds = (performance.now() - firstAt) / 1000;
    return { perSecond: (maxTokens - 1) / seconds, timings: event.timings };
  }
  throw new Error('no end');
}

function medianOf(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
}

const checkpoint = await openCheckpoint(
  path,
  values.tokenizer ? { tokenizer: values.tokenizer } : {},
);
const tokenizer = await checkpoint.tokenizer();
if (tokenizer === undefined) throw new Error('the model has no tokenizer: name one');
await checkpoint.close();
const tasks = readTasks(tokenizer);
const device = openDevice('cpu', {});
let whole: readonly TokenId[] = [];
const small = values.drafter === undefined ? undefined : await openEngine(values.drafter, device);
const drafter = small && agreeing(small, Number(values.agreement), () => whole);
const engine = await openEngine(path, device, drafter);
const kinds: readonly Speculate[] = drafter === undefined ? ['lookup'] : ['lookup', 'draft'];

console.log(`${cpus()[0]?.model}, ${device.info.threads} threads, ${device.info.isa}`);
console.log(
  `load ${loadavg()
    .map((each) => each.toFixed(1))
    .join(' ')}, ${path}`,
);
console.log('| answer | guesses | tokens/s without | with | ratio | right of guessed |');
console.log('|---|---|---:|---:|---:|---:|');
for (const task of tasks) {
  whole = [...task.prompt, ...task.answer];
  // The first answers compile programs and read the prompt.
  for (const kind of ['off', ...kinds] as const) await answer(engine, task, kind);
  for (const kind of kinds) {
    const without: number[] = [];
    const runs: Awaited<ReturnType<typeof answer>>[] = [];
    for (let round = 0; round < Number(values.rounds); round++) {
      without.push((await answer(engine, task, 'off')).perSecond);
      runs.push(await answer(engine, task, kind));
    }
    const ratio = medianOf(runs.map(({ perSecond }, i) => perSecond / (without[i] as number)));
    const sum = (read: (timings: RequestTimings) => number): number =>
      runs.reduce((total, { timings }) => total + read(timings), 0);
    const cells = [
      task.name,
      kind,
      medianOf(without).toFixed(1),
      medianOf(runs.map(({ perSecond }) => perSecond)).toFixed(1),
      ratio.toFixed(2),
      `${sum((t) => t.acceptedTokens)} of ${sum((t) => t.draftedTokens)}`,
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
}
await engine.close();
await small?.close();
await device.close();
