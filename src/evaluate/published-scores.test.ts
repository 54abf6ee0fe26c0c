// The published figures against sums and orders that the papers state elsewhere.
import { expect, it } from 'vitest';
import { publishedScores } from './published-scores.ts';

function percentOf(model: string, task: string): number {
  const found = publishedScores.find((score) => score.model === model && score.task === task);
  return found?.percent ?? Number.NaN;
}

const bases = [
  'MPT 7B',
  'MPT 30B',
  'Falcon 7B',
  'Falcon 40B',
  'Llama 1 7B',
  'Llama 2 13B',
  'Llama 2 70B',
];

it('has Llama 2 70B below GPT-3.5 on MMLU', () => {
  expect(percentOf('Llama 2 70B', 'mmlu')).toBe(68.9);
  expect(percentOf('GPT-3.5', 'mmlu')).toBe(70.0);
  expect(percentOf('GPT-4', 'mmlu')).toBe(86.4);
});

it.each([
  // table 3: Code is the mean of HumanEval and MBPP
  ['MPT 7B', ['humaneval', 'mbpp'], 20.5],
  ['MPT 30B', ['humaneval', 'mbpp'], 28.9],
  ['Falcon 7B', ['humaneval', 'mbpp'], 5.6],
  ['Falcon 40B', ['humaneval', 'mbpp'], 15.2],
  ['Llama 1 13B', ['humaneval', 'mbpp'], 18.9],
  ['Llama 1 65B', ['humaneval', 'mbpp'], 30.7],
  ['Llama 2 7B', ['humaneval', 'mbpp'], 16.8],
  ['Llama 2 70B', ['humaneval', 'mbpp'], 37.5],
  // Math is the mean of GSM8K and MATH
  ['MPT 7B', ['gsm8k', 'math'], 4.9],
  ['Falcon 40B', ['gsm8k', 'math'], 12.6],
  ['Llama 1 65B', ['gsm8k', 'math'], 30.8],
  ['Llama 2 34B', ['gsm8k', 'math'], 24.2],
  ['Llama 2 70B', ['gsm8k', 'math'], 35.2],
] as const)('agrees for %s on %j with the mean of table 3', (model, tasks, mean) => {
  const sum = tasks.reduce((total, task) => total + percentOf(model, task), 0);
  expect(Math.abs(sum / tasks.length - mean)).toBeLessThan(0.11);
});

it.each([
  ['MPT 7B', 57.4],
  ['MPT 30B', 64.9],
  ['Falcon 7B', 56.1],
  ['Falcon 40B', 69.2],
  ['Llama 1 7B', 60.8],
  ['Llama 1 33B', 70.0],
  ['Llama 1 65B', 70.7],
  ['Llama 2 7B', 63.9],
  ['Llama 2 13B', 66.9],
  ['Llama 2 34B', 69.9],
  ['Llama 2 70B', 71.9],
])('agrees for %s with the commonsense mean of table 3', (model, mean) => {
  const tasks = [
    'piqa',
    'siqa',
    'hellaswag',
    'winogrande',
    'arc_easy',
    'arc_challenge',
    'openbookqa',
    'commonsense_qa',
  ];
  const sum = tasks.reduce((total, task) => total + percentOf(model, task), 0);
  expect(Math.abs(sum / tasks.length - mean)).toBeLessThan(0.11);
});

it.each(bases)('has for %s an MMLU average between its four parts', (model) => {
  const parts = ['humanities', 'stem', 'social_sciences', 'other'].map((part) =>
    percentOf(model, `mmlu_${part}`),
  );
  expect(percentOf(model, 'mmlu')).toBeGreaterThan(Math.min(...parts));
  expect(percentOf(model, 'mmlu')).toBeLessThan(Math.max(...parts));
});
