// Does a GGUF that Corral wrote open in llama.cpp, and does it say the same greedy words there?
// usage: npm --prefix bench run interop -- MODEL [--tokenizer FILE] [--count 64]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  type ConvertType,
  convertCheckpoint,
  convertTypes,
  openCheckpoint,
} from '../src/formats/index.ts';
import { load } from '../src/index.ts';
import { openRival } from './llama-cpp.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { tokenizer: { type: 'string' }, count: { type: 'string', default: '64' } },
});
// npm --prefix runs here, the user's paths are relative to where npm was called.
const from = (path: string): string => resolve(process.env['INIT_CWD'] ?? '.', path);
const [model] = positionals;
if (model === undefined) throw new Error('usage: npm --prefix bench run interop -- MODEL');

const count = Number(values.count);
const folder = await mkdtemp(join(tmpdir(), 'corral-interop-'));
const types = Object.keys(convertTypes) as ConvertType[];
const floatTypes: ReadonlySet<string> = new Set(['f32', 'f16', 'bf16']);
let different = 0;
try {
  const checkpoint = await openCheckpoint(
    from(model),
    values.tokenizer === undefined ? {} : { tokenizer: from(values.tokenizer) },
  );
  console.log('| type | same greedy tokens as llama.cpp | of |\n|---|---:|---:|');
  for (const type of types) {
    const path = join(folder, `${type}.gguf`);
    await convertCheckpoint(checkpoint, path, { type });
    const llama = await load(path);
    const { bos } = llama.tokenizer;
    const prompt = [bos ?? 1, ...llama.tokenizer.encode('Once upon a time')];
    const maxTokens = Math.min(count, llama.context - prompt.length);
    const { tokens } = await llama.complete(prompt, { temperature: 0, maxTokens }).result();
    const rival = await openRival(path, llama.context);
    const theirs = await rival.greedy(prompt, maxTokens);
    const differs = tokens.findIndex((id, i) => id !== theirs[i]);
    const same = differs < 0 ? Math.min(tokens.length, theirs.length) : differs;
    // llama.cpp rounds activations to int8 for quantised weights, so only float weights must agree to the end.
    if (same < tokens.length && floatTypes.has(type)) different++;
    console.log(`| ${type} | ${same} | ${tokens.length} |`);
    await llama.close();
    await rival.close();
  }
  await checkpoint.close();
} finally {
  await rm(folder, { recursive: true });
}
process.exitCode = different > 0 ? 1 : 0;
