// Corral beside llama.cpp, interleaved A B A B so that a noisy machine is noisy for both; medians and
// ratios. Prints the table, and puts it into a page between its marks there.
// usage: npm --prefix bench run rivals -- MODEL.gguf [--rounds 3] [--decode 32] [--into docs/performance.md]
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { RivalSpeed } from './rivals-one.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    decode: { type: 'string', default: '32' },
    into: { type: 'string' },
  },
});
const [model] = positionals;
if (model === undefined) throw new Error('usage: npm --prefix bench run rivals -- MODEL.gguf');
const path = fromCaller(model);

function fromCaller(file: string): string {
  return resolve(process.env['INIT_CWD'] ?? '.', file);
}

function measure(engine: 'corral' | 'llama.cpp', like?: RivalSpeed): RivalSpeed {
  const script = join(import.meta.dirname, 'rivals-one.ts');
  const told = like === undefined ? [] : [String(like.threads), String(like.vocab)];
  const args = [script, engine, path, values.decode, ...told];
  const output = execFileSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  return JSON.parse(output.toString().trim().split('\n').at(-1) ?? '') as RivalSpeed;
}

const kinds = [
  ['prefill128', 'prefill of 128 tokens'],
  ['prefill512', 'prefill of 512 tokens'],
  ['decode1', 'decode, 1 sequence'],
  ['decode8', 'decode, 8 sequences, total'],
] as const;

const load = (): string => (loadavg()[0] ?? 0).toFixed(1);
const loadBefore = load();
const ours: RivalSpeed[] = [];
const theirs: RivalSpeed[] = [];
for (let round = 0; round < Number(values.rounds); round++) {
  const own = measure('corral');
  ours.push(own);
  theirs.push(measure('llama.cpp', own));
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

const name = basename(path, '.gguf');
const date = new Date().toISOString().slice(0, 10);
const rows = kinds.map(([key, title]) => {
  const a = median(ours.map((speed) => speed[key]));
  const b = median(theirs.map((speed) => speed[key]));
  const ratio = median(ours.map((speed, round) => speed[key] / (theirs[round]?.[key] ?? 0)));
  return `| ${title} | ${a.toFixed(1)} | ${b.toFixed(1)} | ${ratio.toFixed(2)} |`;
});
const table = [
  `\`npm --prefix bench run rivals -- ${basename(path)} --rounds ${values.rounds} --decode ${values.decode}\`, ${date},`,
  `${cpus()[0]?.model.trim()}, ${ours[0]?.threads} threads, load average ${loadBefore} before and ${load()} after:`,
  '',
  `| ${name}, tokens/s, medians | Corral | llama.cpp | median ratio |`,
  '|---|---:|---:|---:|',
  ...rows,
].join('\n');
console.log(table);

if (values.into !== undefined) {
  const page = fromCaller(values.into);
  const [start, end] = [`<!-- rivals ${name} -->`, `<!-- end of rivals ${name} -->`];
  const text = readFileSync(page, 'utf8');
  const [from, to] = [text.indexOf(start), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${page} has no lines ${start} and ${end}`);
  writeFileSync(page, `${text.slice(0, from + start.length)}\n${table}\n${text.slice(to)}`);
}
