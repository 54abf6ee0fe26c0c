// Writes a seeded random Llama as a GGUF, for checks that need a file and have no real one.
// usage: node test/make-tiny-model.ts OUT.gguf
import { convertCheckpoint } from '../src/formats/index.ts';
import type { LlamaConfig } from '../src/formats/llama-config.ts';
import { tinyCheckpoint, tinyConfig } from './tiny-llama.ts';

/** Writes the model; the same bytes every time. */
export async function makeTinyModel(
  path: string,
  changes: Partial<LlamaConfig> = {},
): Promise<void> {
  const shape = { dim: 64, heads: 4, kvHeads: 2, headDim: 16, feedForward: 96 };
  const config = tinyConfig({ ...shape, ...changes });
  await convertCheckpoint(tinyCheckpoint(config), path, { type: 'f16', force: true });
}

const [out] = process.argv.slice(2);
if (process.argv[1] === import.meta.filename && out !== undefined) await makeTinyModel(out);
