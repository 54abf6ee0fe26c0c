// What a constraint costs per token: the mask of each step of random answers over a real vocabulary, the
// first time such an answer is walked and when its masks are known. Usage: node bench/constraints.ts TOKENIZER.MODEL
import { readFileSync } from 'node:fs';
import { random } from '../src/base/random.ts';
import { type ConstraintSource, compileConstraint } from '../src/engine/constraints/compile.ts';
import { tokenizerFromSentencePiece } from '../src/tokenizer/sentencepiece-model.ts';

const path = process.argv[2];
if (path === undefined) throw new Error('usage: node bench/constraints.ts TOKENIZER.MODEL');
const tokenizer = tokenizerFromSentencePiece(readFileSync(path), path);

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

interface Times {
  readonly masks: number[];
  readonly accepts: number[];
}

async function walk(source: ConstraintSource, seed: number, times: Times): Promise<void> {
  const constraint = await compileConstraint(source, tokenizer);
  const state = constraint.start();
  for (let left = 200; left > 0; left--) {
    const started = performance.now();
    const words = state.mask(left);
    times.masks.push(performance.now() - started);
    const ids = Array.from({ length: tokenizer.size }, (_, id) => id).filter(
      (id) => (((words[id >> 5] as number) >>> (id & 31)) & 1) === 1,
    );
    // A model prefers short common tokens: those have low ids here.
    const id = ids[Math.floor(ids.length * random(seed, 0, left) ** 2)];
    if (id === undefined) return;
    const before = performance.now();
    state.accept(id);
    times.accepts.push(performance.now() - before);
  }
}

function microseconds(times: readonly number[], share: number): string {
  const sorted = times.toSorted((a, b) => a - b);
  return (1000 * (sorted[Math.floor(share * (sorted.length - 1))] as number)).toFixed(0);
}

function mean(times: readonly number[]): string {
  return ((1000 * times.reduce((sum, each) => sum + each, 0)) / times.length).toFixed(1);
}

const started = performance.now();
await compileConstraint({ kind: 'regex', pattern: 'a' }, tokenizer);
console.log(
  `vocabulary of ${tokenizer.size}: ${(performance.now() - started).toFixed(0)} ms, once`,
);
console.log(
  'µs per mask             compile ms   new: mean   p99   max   known: mean   p99   accept: mean',
);
for (const [name, source] of Object.entries(sources)) {
  const before = performance.now();
  const constraint = await compileConstraint(source, tokenizer);
  const compileMs = performance.now() - before;
  const [fresh, known]: [Times, Times] = [
    { masks: [], accepts: [] },
    { masks: [], accepts: [] },
  ];
  for (let seed = 0; seed < 5; seed++) await walk(source, seed, fresh);
  for (let seed = 5; seed < 25; seed++) await walk(source, seed, known);
  const cells = [
    name.padEnd(22),
    compileMs.toFixed(1).padStart(12),
    mean(fresh.masks).padStart(12),
    microseconds(fresh.masks, 0.99).padStart(6),
    microseconds(fresh.masks, 1).padStart(6),
    mean(known.masks).padStart(12),
    microseconds(known.masks, 0.99).padStart(6),
    mean(known.accepts).padStart(13),
    `   shortest ${constraint.shortest}`,
  ];
  console.log(cells.join(''));
}
