// Labels for bars.
import { expect, it } from 'vitest';
import { shortNames } from './short-names.ts';

it.each([
  [['stories260K'], ['stories260K']],
  [['tiny.gguf'], ['tiny']],
  [
    ['llama-2-7b.Q4_K_M.gguf', 'llama-2-7b-medical-lora'],
    ['…7b.Q4_K_M', '…7b-medi…l-lora'],
  ],
  [
    ['model-a', 'model-a-tuned'],
    ['model-a', 'model-a-tuned'],
  ],
  [['a-model-with-a-very-long-name-indeed'], ['a-model-…indeed']],
])('shortens %j to %j', (names, short) => {
  expect(shortNames(names)).toEqual(short);
});
