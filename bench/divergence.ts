// How far Corral's next-token distribution is from llama.cpp's on one GGUF: mean and worst KL
// divergence over tokens that look random, and how often both call the same token likeliest.
// usage: npm --prefix bench run divergence -- MODEL.gguf [--count 512] [--activations exact]
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { load } from '../src/index.ts';
import { openRival } from './llama-cpp.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string', default: '512' },
    activations: { type: 'string', default: 'exact' },
  },
});
const [model] = positionals;
if (model === undefined) throw new Error('usage: npm --prefix bench run divergence -- MODEL.gguf');
const path = resolve(process.env['INIT_CWD'] ?? '.', model);

const llama = await load(path, {
  activations: values.activations === 'int8' ? 'int8' : 'exact',
});
const { config } = llama;
const count = Math.min(Number(values.count), config.context);
const first = Math.min(300, Math.floor(config.vocab / 2));
const tokens = [
  1,
  ...Array.from({ length: count - 1 }, (_, i) => first + ((i * 7919) % (config.vocab - first))),
];

const everyToken = Array.from({ length: config.vocab }, (_, id) => id);

/** Log-probabilities of every token after the first `length` ones. */
async function ourLogprobs(length: number): Promise<Float64Array> {
  const { logprobs } = await llama.engine.scoreChoices(tokens.slice(0, length), everyToken);
  return Float64Array.from(logprobs);
}

function logSoftmax(logits: Float32Array): Float64Array {
  const highest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const mass = Math.log(logits.reduce((sum, x) => sum + Math.exp(x - highest), 0)) + highest;
  return Float64Array.from(logits, (x) => x - mass);
}

const ours: Float64Array[] = [];
for (let length = 1; length <= count; length++) ours.push(await ourLogprobs(length));
await llama.close();
const rival = await openRival(path, count + 8);
const theirs = (await rival.logits(tokens, config.vocab)).map(logSoftmax);
await rival.close();

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
