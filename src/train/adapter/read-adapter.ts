// An adapter from wherever it lies: a folder as PEFT saves it, or llama.cpp's GGUF.
import type { LlamaConfig } from '../../formats/llama-config.ts';
import { readGgufAdapter } from './gguf-adapter.ts';
import { type LoadedAdapter, readPeftAdapter } from './peft-read.ts';

/** Reads an adapter for a model of this shape. Throws ADAPTER_INVALID, FILE_NOT_FOUND or what is wrong with the files. */
export function readAdapter(path: string, config: LlamaConfig): Promise<LoadedAdapter> {
  return path.endsWith('.gguf') ? readGgufAdapter(path, config) : readPeftAdapter(path, config);
}
