// Does the event loop stay free while a model generates? Compares the loop's delay, idle and busy, in
// one process, at the percentiles that a server's users feel.
// usage: npm --prefix bench run event-loop -- MODEL [--tokens 16]

import { resolve } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { load } from '../src/index.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { tokens: { type: 'string', default: '16' } },
});
const [model] = positionals;
if (model === undefined) throw new Error('usage: npm --prefix bench run event-loop -- MODEL');

async function measure(work: () => Promise<unknown>): Promise<{ p999: number; max: number }> {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  await work();
  histogram.disable();
  return { p999: histogram.percentile(99.9) / 1e6, max: histogram.max / 1e6 };
}

await using llama = await load(resolve(process.env['INIT_CWD'] ?? '.', model));
const idle = await measure(() => sleep(5000));
const prompt = Array.from({ length: 64 }, (_, i) => (i === 0 ? 1 : 300 + i));
const busy = await measure(() =>
  llama.complete(prompt, { temperature: 0.7, maxTokens: Number(values.tokens) }).result(),
);
const excess = busy.p999 - idle.p999;
console.log(JSON.stringify({ unit: 'ms', idle, busy, excess999: excess }));
process.exitCode = excess <= 10 && busy.max <= 50 ? 0 : 1;
