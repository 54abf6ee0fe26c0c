// llama.cpp, through node-llama-cpp's prebuilt binaries, as the other side of a comparison.
import { getLlama, LlamaLogLevel, type Token } from 'node-llama-cpp';

/** A model open in llama.cpp. */
export interface Rival {
  /** Greedy continuation of a prompt, without the end token. */
  greedy(prompt: readonly number[], count: number, onToken?: () => void): Promise<number[]>;
  /** Logits over the vocabulary after each token, [tokens][vocab]. */
  logits(tokens: readonly number[], vocab: number): Promise<Float32Array[]>;
  close(): Promise<void>;
}

/** Opens a GGUF in llama.cpp on the CPU. */
export async function openRival(path: string, contextSize = 1024, threads = 2): Promise<Rival> {
  const llama = await getLlama({ gpu: false, build: 'never', logLevel: LlamaLogLevel.error });
  const model = await llama.loadModel({ modelPath: path });
  const context = await model.createContext({ contextSize, threads, sequences: 1 });
  const sequence = context.getSequence();
  return {
    greedy: async (prompt, count, onToken) => {
      await sequence.clearHistory();
      const ids: number[] = [];
      for await (const id of sequence.evaluate(prompt as Token[], { temperature: 0 })) {
        ids.push(id);
        onToken?.();
        if (ids.length >= count) break;
      }
      return ids;
    },
    logits: async (tokens, vocab) => {
      await sequence.clearHistory();
      const asked = tokens.map((id): [Token, { generateNext: { logits: true } }] => [
        id as Token,
        { generateNext: { logits: true } },
      ]);
      const outputs = await sequence.controlledEvaluate(asked);
      return outputs.map((output) => {
        const row = new Float32Array(vocab).fill(Number.NEGATIVE_INFINITY);
        for (const [id, logit] of output?.next.logits ?? []) row[id] = logit;
        return row;
      });
    },
    close: async () => {
      await llama.dispose();
    },
  };
}

/** A model open in llama.cpp with several sequences, which share its steps. */
export interface BatchRival {
  readonly threads: number;
  /** Greedy tokens in a sequence of its own; at most as many at once as there are sequences. */
  answer(prompt: readonly number[], count: number, onToken: () => void): Promise<void>;
  close(): Promise<void>;
}

/** Opens a GGUF in llama.cpp on the CPU for prompts of up to 512 tokens. */
export async function openBatchRival(
  path: string,
  sequences: number,
  threads: number,
): Promise<BatchRival> {
  const llama = await getLlama({
    gpu: false,
    build: 'never',
    logLevel: LlamaLogLevel.error,
    maxThreads: threads,
  });
  const model = await llama.loadModel({ modelPath: path });
  const context = await model.createContext({
    contextSize: 640,
    batchSize: 512,
    threads,
    sequences,
  });
  const free = Array.from({ length: sequences }, () => context.getSequence());
  return {
    threads,
    answer: async (prompt, count, onToken) => {
      const sequence = free.pop();
      if (sequence === undefined) throw new Error(`more than ${sequences} sequences at once`);
      await sequence.clearHistory();
      let done = 0;
      for await (const _ of sequence.evaluate(prompt as Token[], { temperature: 0 })) {
        onToken();
        if (++done >= count) break;
      }
      free.push(sequence);
    },
    close: async () => {
      await llama.dispose();
    },
  };
}
