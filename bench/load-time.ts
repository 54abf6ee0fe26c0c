// How long until the first token, and how much memory: cold (weights are packed), warm (packed weights are
// mapped), each in processes of their own and in turn, with all files in the page cache.
// usage: npm --prefix bench run load-time -- MODEL.gguf [--rounds 3] [--folder .]
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { load } from '../src/index.ts';

interface Start {
  /** Since the process began, and since load() was called. */
  readonly seconds: number;
  readonly loadSeconds: number;
  /** Of all cores together, since load() was called. */
  readonly cpuSeconds: number;
  /** From the last token to the end of close(): writing what is not written yet. */
  readonly closeSeconds: number;
  readonly peakBytes: number;
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    // Where the packed weights go: on a disk, as the store is.
    folder: { type: 'string', default: '.' },
    child: { type: 'string' },
  },
});
const [model] = positionals;
if (model === undefined) throw new Error('usage: npm --prefix bench run load-time -- MODEL.gguf');
const path = resolve(process.env['INIT_CWD'] ?? '.', model);

if (values.child !== undefined) console.log(JSON.stringify(await start(values.child)));
else compare();

async function start(store: string): Promise<Start> {
  const loadAt = performance.now();
  const loadUsage = process.cpuUsage();
  const llama = await load(path, { context: 512, packCache: store });
  const prompt = [1, 300, 400, 500, 600, 700, 800, 900];
  let first = 0;
  let usage = loadUsage;
  const request = { prompt, temperature: 0, maxTokens: 4, endTokens: [] };
  for await (const event of llama.engine.generate(request)) {
    if (event.type !== 'token-delta' || first !== 0) continue;
    first = performance.now();
    usage = process.cpuUsage(loadUsage);
  }
  const endAt = performance.now();
  await llama.close();
  const peak = /VmHWM:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return {
    seconds: first / 1000,
    loadSeconds: (first - loadAt) / 1000,
    cpuSeconds: (usage.user + usage.system) / 1e6,
    closeSeconds: (performance.now() - endAt) / 1000,
    peakBytes: Number(peak) * 1024,
  };
}

function read(): { readonly seconds: number; readonly cpuSeconds: number } {
  const begun = performance.now();
  const usageBefore = process.cpuUsage();
  const file = openSync(path, 'r');
  const piece = Buffer.alloc(4 * 2 ** 20);
  while (readSync(file, piece) > 0);
  closeSync(file);
  const { user, system } = process.cpuUsage(usageBefore);
  return { seconds: (performance.now() - begun) / 1000, cpuSeconds: (user + system) / 1e6 };
}

function compare(): void {
  const store = mkdtempSync(
    join(resolve(process.env['INIT_CWD'] ?? '.', values.folder), 'packed-'),
  );
  const [loadBefore = 0] = loadavg();
  const run = (): Start => {
    const args = [import.meta.filename, path, '--child', store];
    const { INIT_CWD: _, ...env } = process.env;
    return JSON.parse(execFileSync(process.execPath, args, { env }).toString()) as Start;
  };
  try {
    read();
    const reads: ReturnType<typeof read>[] = [];
    const cold: Start[] = [];
    const warm: Start[] = [];
    for (let round = 0; round < Number(values.rounds); round++) {
      rmSync(join(store, 'packed'), { recursive: true, force: true });
      reads.push(read());
      cold.push(run());
      warm.push(run());
    }
    print({ reads, cold, warm, loadBefore });
  } finally {
    rmSync(store, { recursive: true });
  }
}

function print(found: {
  readonly reads: readonly ReturnType<typeof read>[];
  readonly cold: readonly Start[];
  readonly warm: readonly Start[];
  readonly loadBefore: number;
}): void {
  const middle = (numbers: readonly number[]): number =>
    numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
  const fileBytes = statSync(path).size;
  const reading = middle(found.reads.map(({ seconds }) => seconds));
  const readingCpu = middle(found.reads.map(({ cpuSeconds }) => cpuSeconds));
  const date = new Date().toISOString().slice(0, 10);
  const machine = `${cpus()[0]?.model}, ${cpus().length} cores, load ${found.loadBefore.toFixed(2)} before`;
  console.log(`${date}, ${machine}, medians of ${found.reads.length} rounds`);
  console.log(
    `file ${(fileBytes / 1e6).toFixed(0)} MB, read from the page cache in ${reading.toFixed(2)} s (CPU ${readingCpu.toFixed(2)} s)\n`,
  );
  console.log(
    '| start | first token, s | since load(), s | CPU, s | of reading the file | closing, s | VmHWM, MB | over the file |',
  );
  console.log('|---|---:|---:|---:|---:|---:|---:|---:|');
  for (const kind of ['cold', 'warm'] as const) {
    const of = (key: keyof Start): number => middle(found[kind].map((each) => each[key]));
    const peak = of('peakBytes');
    const cells = [
      of('seconds').toFixed(2),
      of('loadSeconds').toFixed(2),
      of('cpuSeconds').toFixed(2),
      (of('loadSeconds') / reading).toFixed(1),
      of('closeSeconds').toFixed(2),
      (peak / 1e6).toFixed(0),
      `${((peak - fileBytes) / 1e6).toFixed(0)} MB`,
    ];
    console.log(`| ${kind} | ${cells.join(' | ')} |`);
  }
}
