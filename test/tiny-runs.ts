// Small runs for tests: a text, a base model as a GGUF, and recipes over them that take a second.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { convertCheckpoint } from '../src/formats/index.ts';
import { writeSentencePiece } from '../src/tokenizer/write-sentencepiece.ts';
import { readRecipe } from '../src/train/recipe/read-recipe.ts';
import type { Recipe } from '../src/train/recipe/recipe.ts';
import { tinyCheckpoint, tinyConfig, tinyTokenizer } from './tiny-llama.ts';

const sentences = [
  'the llama eats the hat.',
  'a hat is in the tent.',
  'no llama eats a tent.',
  'the tent is near the hat and the llama.',
];

/** Lays out text.txt, chat.jsonl, tokenizer.model and base.gguf (f32) and base-q8_0.gguf in a folder. */
export async function makeRunFolder(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const documents = Array.from({ length: 60 }, (_, i) => sentences[(i * 7) % 4]);
  writeFileSync(join(folder, 'text.txt'), documents.join('\n\n'));
  writeFileSync(join(folder, 'tokenizer.model'), writeSentencePiece(tinyTokenizer(288)));
  const shape = { dim: 32, layers: 1, heads: 4, kvHeads: 2, feedForward: 64, context: 64 };
  const config = tinyConfig(shape);
  const checkpoint = tinyCheckpoint(config);
  for (const type of ['f32', 'q8_0']) {
    const path = join(folder, type === 'f32' ? 'base.gguf' : `base-${type}.gguf`);
    await convertCheckpoint(checkpoint, path, { type, force: true });
  }
}

/** A recipe over such a folder: packed documents, a few steps, the fastest device here. */
export function tinyRecipe(folder: string, changes: readonly string[] = []): Recipe {
  const data = JSON.stringify({
    train: [{ path: join(folder, 'text.txt'), separator: '\n\n' }],
    heldOut: 0.1,
    context: 48,
    batch: 2,
    microRows: 48,
    cache: join(folder, 'tokens'),
  });
  const text = `
output: ${JSON.stringify(join(folder, 'out'))}
steps: 12
model: {}
data: ${data}
optimizer: {learningRate: 1e-2}
evaluation: {every: 4}
checkpoints: {every: 3}
`;
  return readRecipe(text, 'tiny.yaml', changes);
}

/** Changes that make the recipe one for a new model. */
export function newModel(folder: string): string[] {
  return [
    'model={dim: 32, layers: 1, heads: 4, kvHeads: 2, feedForward: 64, context: 64}',
    `data.tokenizer=${join(folder, 'tokenizer.model')}`,
  ];
}
