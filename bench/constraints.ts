// What a constraint costs per token: the mask of each step of random answers over a real vocabulary, the
// first time such an answer is walked and when its masks are known; each the least of three runs. And how long
// compiling keeps the event loop from others. Times are the process's own on the processor, so that a busy
// machine shows little.
// Usage: node bench/constraints.ts TOKENIZER.MODEL
import { readFileSync } from 'node:fs';
import { random } from '../src/base/random.ts';
import type { Constraint } from '../src/engine/constraint.ts';
import { type ConstraintSource, compileConstraint } from '../src/engine/constraints/compile.ts';
import { tokenizerFromSentencePiece } from '../src/tokenizer/sentencepiece-model.ts';

const path = process.argv[2];
if (path === undefined) throw new Error('usage: node bench/constraints.ts TOKENIZER.MODEL');
const tokenizer = tokenizerFromSentencePiece(readFileSync(path), path);

function now(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

// Turns of the event loop follow each other at once while nothing blocks it.
let longestBlock = 0;
let turnAt = now();
let isOver = false;
function turn(): void {
  const at = now();
  longestBlock = Math.max(longestBlock, at - turnAt);
  turnAt = at;
  if (!isOver) setImmediate(turn);
}
turn();

const person = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    age: { type: 'integer', minimum: 0, maximum: 150 },
    email: { type: 'string', format: 'email' },
    tags: { type: 'array', items: { enum: ['red', 'green', 'blue'] }, maxItems: 5 },
    address: {
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
      required: ['street', 'city'],
      additionalProperties: false,
    },
  },
  required: ['name', 'age', 'email', 'tags', 'address'],
  additionalProperties: false,
};
const short = {
  type: 'object',
  properties: { note: { type: 'string', maxLength: 200 } },
  required: ['note'],
};
const sources: Readonly<Record<string, ConstraintSource>> = {
  'JSON object': { kind: 'json_object' },
  'JSON schema': { kind: 'json_schema', schema: person },
  'schema, maxLength 200': { kind: 'json_schema', schema: short },
  'regex, dates': { kind: 'regex', pattern: '(?:\\d{4}-\\d{2}-\\d{2}[,;] ?){1,40}' },
  'regex, words': { kind: 'regex', pattern: '(?:[A-Za-z]+ ){3,200}\\.' },
  'GBNF, arithmetic': {
    kind: 'grammar',
    grammar: 'root ::= term ([-+] term)*\nterm ::= f ([*/] f)*\nf ::= [0-9]+ | "(" root ")"',
  },
};

const [repeats, answers, most] = [3, 3, 200];
const forms = Object.entries(sources);

function millisecondsOf(work: () => void): number {
  const started = now();
  work();
  return now() - started;
}

/** Times of the masks of some random answers, and of accepting their tokens. */
function walk(constraint: Constraint): { readonly masks: number[]; readonly accepts: number[] } {
  const times = { masks: [] as number[], accepts: [] as number[] };
  for (let seed = 0; seed < answers; seed++) {
    const state = constraint.start();
    for (let left = most; left > 0; left--) {
      let words = new Uint32Array();
      times.masks.push(millisecondsOf(() => (words = new Uint32Array(state.mask(left)))));
      const id = choose(words, random(seed, 0, left));
      if (id === undefined) break;
      times.accepts.push(millisecondsOf(() => state.accept(id)));
    }
  }
  return times;
}

/** One of the allowed tokens. A model prefers short common ones: those have low ids here. */
function choose(words: Uint32Array, draw: number): number | undefined {
  const ids: number[] = [];
  for (const [at, word] of words.entries()) {
    for (let rest = word; rest !== 0; rest &= rest - 1)
      ids.push(32 * at + 31 - Math.clz32(rest & -rest));
  }
  return ids[Math.floor(ids.length * draw ** 2)];
}

/** Of each moment the least over all repeats: what it takes when nothing else has the core. */
function leastOf(runs: readonly (readonly number[])[]): number[] {
  return (runs[0] ?? []).map((_, at) => Math.min(...runs.map((run) => run[at] as number)));
}

function microseconds(times: readonly number[], share: number): string {
  const sorted = times.toSorted((a, b) => a - b);
  return (1000 * (sorted[Math.floor(share * (sorted.length - 1))] as number))
    .toFixed(0)
    .padStart(7);
}

function mean(times: readonly number[]): string {
  return ((1000 * times.reduce((sum, each) => sum + each, 0)) / times.length)
    .toFixed(1)
    .padStart(8);
}

const started = now();
await compileConstraint({ kind: 'regex', pattern: 'a' }, tokenizer);
console.log(
  `vocabulary of ${tokenizer.size}: ${(now() - started).toFixed(0)} ms, once; ` +
    `longest block ${longestBlock.toFixed(1)} ms`,
);
console.log(
  'µs                      compile ms  block |  first: mean    p99    max |  again: mean    p99 | accept',
);
for (const [name, source] of forms) {
  const first: number[][] = [];
  const again: number[][] = [];
  const accepts: number[][] = [];
  const compileMs: number[] = [];
  const blocks: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    [longestBlock, turnAt] = [0, now()];
    const before = now();
    // What is known of a source is kept: a mark makes it another one each time.
    const marked = { ...source, repeat };
    const constraint = await compileConstraint(marked, tokenizer);
    compileMs.push(now() - before);
    blocks.push(longestBlock);
    const times = walk(constraint);
    first.push(times.masks);
    accepts.push(times.accepts);
    again.push(walk(constraint).masks);
  }
  const [fresh, known] = [leastOf(first), leastOf(again)];
  const cells = [
    `${name.padEnd(22)}${Math.min(...compileMs)
      .toFixed(1)
      .padStart(12)}`,
    Math.min(...blocks)
      .toFixed(1)
      .padStart(7),
    ` |    ${mean(fresh)}${microseconds(fresh, 0.99)}${microseconds(fresh, 1)}`,
    ` |    ${mean(known)}${microseconds(known, 0.99)} |${mean(leastOf(accepts))}`,
  ];
  console.log(cells.join(''));
}
isOver = true;
