// Speed beside llama.cpp's, interleaved A B A B so that a noisy machine is noisy for both; medians and
// their ratio. usage: npm --prefix bench run speed -- MODEL.gguf [--rounds 5] [--prompt 128] [--decode 32]
import { execFileSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    prompt: { type: 'string', default: '128' },
    decode: { type: 'string', default: '32' },
  },
});
const [model] = positionals;
if (model === undefined) throw new Error('usage: npm --prefix bench run speed -- MODEL.gguf');
const path = resolve(process.env['INIT_CWD'] ?? '.', model);

interface Speed {
  readonly prefill: number;
  readonly decode: number;
}

function measure(engine: 'corral' | 'llama.cpp'): Speed {
  const script = join(import.meta.dirname, 'speed-one.ts');
  const output = execFileSync(process.execPath, [
    script,
    engine,
    path,
    values.prompt,
    values.decode,
  ]);
  return JSON.parse(output.toString().trim().split('\n').at(-1) ?? '') as Speed;
}

const loadBefore = loadavg()[0] ?? 0;
const ours: Speed[] = [];
const theirs: Speed[] = [];
for (let round = 0; round < Number(values.rounds); round++) {
  ours.push(measure('corral'));
  theirs.push(measure('llama.cpp'));
}

const median = (speeds: readonly Speed[], key: keyof Speed): number =>
  speeds.map((speed) => speed[key]).toSorted((a, b) => a - b)[Math.floor(speeds.length / 2)] ?? 0;

const date = new Date().toISOString().slice(0, 10);
console.log(
  `${date}, ${cpus()[0]?.model}, ${cpus().length} cores, load ${loadBefore.toFixed(2)} before, ${values.rounds} rounds\n`,
);
console.log('| tokens/s, medians | Corral | llama.cpp | ratio |\n|---|---:|---:|---:|');
for (const key of ['prefill', 'decode'] as const) {
  const [a, b] = [median(ours, key), median(theirs, key)];
  const name = key === 'prefill' ? `prefill ${values.prompt}` : 'decode, batch 1';
  console.log(`| ${name} | ${a.toFixed(1)} | ${b.toFixed(1)} | ${(a / b).toFixed(2)} |`);
}
