// One measurement of one engine in a process of its own: prefill and decode of one sequence.
// Prints one JSON line. usage: node speed-one.ts corral|llama.cpp MODEL.gguf PROMPT_TOKENS DECODE_TOKENS
import { load } from '../src/index.ts';
import { openRival } from './llama-cpp.ts';

const [engine, model = '', promptTokens = '128', decodeTokens = '32'] = process.argv.slice(2);
const count = Number(decodeTokens);
const prompt = [
  1,
  ...Array.from({ length: Number(promptTokens) - 1 }, (_, i) => 300 + ((i * 7919) % 20000)),
];

/** Tokens per second before and after the first token. */
function report(startMs: number, firstMs: number, endMs: number): void {
  console.log(
    JSON.stringify({
      prefill: (prompt.length * 1000) / (firstMs - startMs),
      decode: ((count - 1) * 1000) / (endMs - firstMs),
    }),
  );
}

if (engine === 'corral') {
  const llama = await load(model);
  // The first run touches every weight: both engines are measured warm.
  await llama.complete([1], { temperature: 0, maxTokens: 1 }).result();
  let [first, end] = [0, 0];
  const start = performance.now();
  for await (const event of llama.engine.generate({
    prompt,
    temperature: 0,
    maxTokens: count,
    endTokens: [],
  })) {
    if (event.type !== 'token-delta') continue;
    end = performance.now();
    if (first === 0) first = end;
  }
  report(start, first, end);
  await llama.close();
} else {
  const rival = await openRival(model, prompt.length + count + 8);
  await rival.greedy([1], 1);
  const start = performance.now();
  const times: number[] = [];
  await rival.greedy(prompt, count, () => times.push(performance.now()));
  report(start, times[0] ?? start, times.at(-1) ?? start);
  await rival.close();
}
process.exit(0);
