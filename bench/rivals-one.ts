// One engine in a process of its own: prefill of 128 and 512 tokens, decode of 1 and 8 sequences.
// Prints one JSON line. usage: node rivals-one.ts ENGINE MODEL.gguf DECODE_TOKENS
// where llama.cpp for an ENGINE is told THREADS VOCAB, which corral finds out
import { load } from '../src/index.ts';
import { openBatchRival } from './llama-cpp.ts';

/** Tokens per second, with what threads and how many ids prompts were made of. */
export interface RivalSpeed {
  readonly threads: number;
  readonly vocab: number;
  readonly prefill128: number;
  readonly prefill512: number;
  readonly decode1: number;
  readonly decode8: number;
}

interface Engine {
  readonly threads: number;
  /** Absent where it must be told. */
  readonly vocab?: number;
  /** Answers greedily, never ending early; `onToken` is called at each token. */
  answer(prompt: readonly number[], count: number, onToken: () => void): Promise<void>;
  close(): Promise<void>;
}

const shortPrompt = 16;

async function openCorral(model: string): Promise<Engine> {
  // Prompts here have nothing in common, and neither engine should look for it.
  const llama = await load(model, { sharePrefixes: false });
  return {
    threads: llama.device.threads,
    vocab: llama.config.vocab,
    answer: async (prompt, maxTokens, onToken) => {
      const request = { prompt, maxTokens, temperature: 0, endTokens: [] };
      for await (const event of llama.engine.generate(request)) {
        if (event.type === 'token-delta') onToken();
      }
    },
    close: () => llama.close(),
  };
}

function makePrompt(length: number, salt: number): number[] {
  const first = Math.min(300, Math.floor(vocab / 2));
  const id = (i: number): number => first + ((i * 7919 + salt * 104_729) % (vocab - first));
  return [1, ...Array.from({ length: length - 1 }, (_, i) => id(i))];
}

async function timePrefill(engine: Engine, length: number): Promise<number> {
  const prompt = makePrompt(length, length);
  const startMs = performance.now();
  await engine.answer(prompt, 1, () => {});
  return (length * 1000) / (performance.now() - startMs);
}

/** From when the last sequence has begun to when the first one ends. */
async function timeDecode(engine: Engine, sequences: number, count: number): Promise<number> {
  const times = Array.from({ length: sequences }, (): number[] => []);
  await Promise.all(
    times.map((each, index) =>
      engine.answer(makePrompt(shortPrompt, 1000 + index), count, () => {
        each.push(performance.now());
      }),
    ),
  );
  const startMs = Math.max(...times.map((each) => each[0] ?? 0));
  const endMs = Math.min(...times.map((each) => each.at(-1) ?? 0));
  const within = times.flat().filter((at) => at > startMs && at <= endMs).length;
  return (within * 1000) / (endMs - startMs);
}

const [name, model = '', decodeTokens = '32', threads = '2', told = '32000'] =
  process.argv.slice(2);
const engine: Engine =
  name === 'corral' ? await openCorral(model) : await openBatchRival(model, 8, Number(threads));
const vocab = engine.vocab ?? Number(told);
// Touches every weight: both are measured warm.
await engine.answer(makePrompt(8, 1), 2, () => {});
const speed: RivalSpeed = {
  threads: engine.threads,
  vocab,
  prefill128: await timePrefill(engine, 128),
  prefill512: await timePrefill(engine, 512),
  decode1: await timeDecode(engine, 1, Number(decodeTokens)),
  decode8: await timeDecode(engine, 8, Number(decodeTokens)),
};
console.log(JSON.stringify(speed));
await engine.close();
process.exit(0);
