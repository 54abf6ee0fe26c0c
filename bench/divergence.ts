// How far Corral's next-token distribution is from llama.cpp's on one GGUF: mean and worst KL
// divergence over tokens that look random, and how often both call the same token likeliest.
// usage: npm --prefix bench run divergence -- MODEL.gguf [--count 512]
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openDevice } from '../src/device/index.ts';
import { noAdjustments } from '../src/engine/adjustments.ts';
import { allocateCache, countPages, pageSize } from '../src/engine/cache.ts';
import { createScheduler, enqueue, plan } from '../src/engine/scheduler.ts';
import { StepRunner } from '../src/engine/step.ts';
import { recordStep } from '../src/engine/step-program.ts';
import { openCheckpoint } from '../src/formats/index.ts';
import { loadWeights } from '../src/model/index.ts';
import { ropeFrequencies } from '../src/model/rope.ts';
import { openRival } from './llama-cpp.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { count: { type: 'string', default: '512' } },
});
const [model] = positionals;
if (model === undefined) throw new Error('usage: npm --prefix bench run divergence -- MODEL.gguf');
const path = resolve(process.env['INIT_CWD'] ?? '.', model);

const checkpoint = await openCheckpoint(path);
const { config } = checkpoint;
const count = Math.min(Number(values.count), config.context);
const first = Math.min(300, Math.floor(config.vocab / 2));
const tokens = [
  1,
  ...Array.from({ length: count - 1 }, (_, i) => first + ((i * 7919) % (config.vocab - first))),
];

async function ourLogits(): Promise<Float32Array[]> {
  const device = openDevice('cpu');
  const pages = countPages(config, 'f16', count, 1);
  const buffers = {
    ...(await loadWeights(checkpoint, device)),
    ...(await allocateCache(device, config, 'f16', pages)),
  };
  const program = recordStep(config, { slots: pages * pageSize, pageSize });
  const runner = new StepRunner(device, program, buffers);
  const state = createScheduler(pages, pageSize);
  enqueue(state, { id: 0, tokens, reserve: count, outputsFrom: 0, computed: 0, pages: [] });
  const wish = {
    wishes: new Set(['logprobs'] as const),
    temperature: 1,
    adjustments: noAdjustments,
    target: 0,
  };
  const chunks = plan(state, count).map((chunk) => ({
    ...chunk,
    frequencies: ropeFrequencies(config, count),
    wishes: tokens.map(() => wish),
  }));
  const result = await runner.run(state, chunks);
  const rows: Float32Array[] = [];
  for (let row = 0; row < count; row++) rows.push(await result.logits(row));
  await device.close();
  return rows;
}

function logSoftmax(logits: Float32Array): Float64Array {
  const highest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const mass = Math.log(logits.reduce((sum, x) => sum + Math.exp(x - highest), 0)) + highest;
  return Float64Array.from(logits, (x) => x - mass);
}

const ours = (await ourLogits()).map(logSoftmax);
const rival = await openRival(path, count + 8);
const theirs = (await rival.logits(tokens, config.vocab)).map(logSoftmax);
await rival.close();
await checkpoint.close();

const divergences = theirs.map((p, row) => {
  const q = ours[row] as Float64Array;
  return p.reduce((sum, logp, id) => {
    const share = Math.exp(logp);
    return share === 0 ? sum : sum + share * (logp - (q[id] as number));
  }, 0);
});
const likeliest = (row: Float64Array): number => row.indexOf(row.reduce((a, b) => Math.max(a, b)));
const agree = theirs.filter(
  (p, row) => likeliest(p) === likeliest(ours[row] as Float64Array),
).length;
const mean = divergences.reduce((a, b) => a + b, 0) / count;
console.log(
  JSON.stringify({
    path: model,
    tokens: count,
    meanKl: mean,
    worstKl: Math.max(...divergences),
    sameLikeliest: agree / count,
  }),
);
process.exitCode = mean <= 1e-3 ? 0 : 1;
