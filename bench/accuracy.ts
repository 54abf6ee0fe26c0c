// Perplexity of a text under one GGUF three times: Corral with int8 and with exact activations, and
// llama.cpp. Windows of BOS and the next tokens, the same for all. Passes while Corral's default is at
// most 0.2 % above llama.cpp's. usage: npm --prefix bench run accuracy -- MODEL.gguf TEXT [--tokens 4000]
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { load } from '../src/index.ts';
import { openRival } from './llama-cpp.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { tokens: { type: 'string', default: '4000' } },
});
const [model, text] = positionals.map((each) => resolve(process.env['INIT_CWD'] ?? '.', each));
if (model === undefined || text === undefined) {
  throw new Error('usage: npm --prefix bench run accuracy -- MODEL.gguf TEXT');
}

type Window = readonly number[];

async function ownLogprobs(
  path: string,
  activations: 'int8' | 'exact',
  windowsOf: (llama: Awaited<ReturnType<typeof load>>) => readonly Window[],
): Promise<number[]> {
  await using llama = await load(path, { activations });
  const scores = await Promise.all(windowsOf(llama).map((window) => llama.engine.score(window)));
  return scores.flatMap(({ logprobs }) => [...logprobs]);
}

async function rivalLogprobs(
  path: string,
  windows: readonly Window[],
  vocab: number,
): Promise<number[]> {
  const rival = await openRival(path, Math.max(...windows.map(({ length }) => length)) + 8);
  const logprobs: number[] = [];
  for (const window of windows) {
    const rows = await rival.logits(window, vocab);
    for (const [row, logits] of rows.slice(0, -1).entries()) {
      const highest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
      const mass = logits.reduce((sum, x) => sum + Math.exp(x - highest), 0);
      const target = logits[window[row + 1] ?? 0] ?? Number.NEGATIVE_INFINITY;
      logprobs.push(target - highest - Math.log(mass));
    }
  }
  await rival.close();
  return logprobs;
}

function perplexity(logprobs: readonly number[]): number {
  return Math.exp(-logprobs.reduce((a, b) => a + b, 0) / logprobs.length);
}

let windows: readonly Window[] = [];
let vocab = 0;
const int8 = await ownLogprobs(model, 'int8', (llama) => {
  const ids = llama.tokenizer.encode(readFileSync(text, 'utf8')).slice(0, Number(values.tokens));
  const bos = llama.tokenizer.bos ?? 1;
  const length = Math.min(llama.context, 512) - 1;
  const count = Math.ceil(ids.length / length);
  windows = Array.from({ length: count }, (_, i) => [
    bos,
    ...ids.slice(i * length, (i + 1) * length),
  ]);
  vocab = llama.config.vocab;
  return windows;
});
const exact = await ownLogprobs(model, 'exact', () => windows);
const theirs = await rivalLogprobs(model, windows, vocab);

const found = { int8: perplexity(int8), exact: perplexity(exact), llamaCpp: perplexity(theirs) };
const percent = (a: number, b: number): number => Number(((a / b - 1) * 100).toFixed(4));
console.log(
  JSON.stringify({
    tokens: int8.length,
    ...found,
    int8OverExactPercent: percent(found.int8, found.exact),
    int8OverLlamaCppPercent: percent(found.int8, found.llamaCpp),
    llamaCppOverExactPercent: percent(found.llamaCpp, found.exact),
  }),
);
process.exitCode = found.int8 <= found.llamaCpp * 1.002 ? 0 : 1;
