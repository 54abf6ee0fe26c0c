// llama.cpp through node-llama-cpp, which batches its sequences by itself. It runs in this process, so
// that it pays for no HTTP.
import { getLlama, LlamaLogLevel, type Token } from 'node-llama-cpp';
import type { Ask, Target } from './target.ts';

/** Opens a GGUF in llama.cpp on the CPU, with room for so many sequences of so many tokens. */
export async function openLlamaCpp(
  path: string,
  options: { readonly sequences: number; readonly tokens: number; readonly threads: number },
): Promise<Target> {
  const { sequences, tokens, threads } = options;
  const llama = await getLlama({ gpu: false, build: 'never', logLevel: LlamaLogLevel.error });
  const model = await llama.loadModel({ modelPath: path });
  const context = await model.createContext({
    contextSize: tokens,
    batchSize: 512,
    sequences,
    threads,
  });
  const free = Array.from({ length: sequences }, () => context.getSequence());
  return {
    name: 'llama.cpp',
    ask: async ({ prompt, count, signal, onToken }: Ask) => {
      const sequence = free.pop();
      if (sequence === undefined) throw new Error(`all ${sequences} sequences are in use`);
      try {
        await sequence.clearHistory();
        let made = 0;
        for await (const _ of sequence.evaluate(prompt as Token[], { temperature: 0 })) {
          if (signal.aborted) break;
          onToken();
          if (++made >= count) break;
        }
      } finally {
        free.push(sequence);
      }
    },
    close: () => llama.dispose(),
  };
}
