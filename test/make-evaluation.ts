// A made-up result of an evaluation: two multiple-choice tasks in a group, one that generates under two
// filters, and one of rolling perplexity. Numbers are a function of the seed; no model is asked.
import { random } from '../src/base/random.ts';
import type { ModelRequest, ModelResponse } from '../src/evaluate/request.ts';
import type { EvaluationResult, ItemResult, TaskResult } from '../src/evaluate/result.ts';
import type { MetricValue, TaskGroup } from '../src/evaluate/task.ts';

/** How the result is made. */
export interface MakeEvaluationOptions {
  readonly model?: string;
  readonly seed?: number;
  /** Share of right answers. */
  readonly skill?: number;
  /** Items of each multiple-choice task; the others have a fifth of it. */
  readonly items?: number;
  readonly shots?: number;
}

/** A result with four tasks and one group. */
export function makeEvaluation({
  model = 'made-up',
  seed = 1,
  skill = 0.5,
  items = 20,
  shots = 1,
}: MakeEvaluationOptions = {}): EvaluationResult {
  const few = Math.max(2, Math.floor(items / 5));
  const tasks = [
    multipleChoice('mmlu_astronomy', { seed, skill, count: items, shots }),
    multipleChoice('mmlu_virology', { seed: seed + 1, skill, count: items, shots }),
    generation({ seed, skill, count: few }),
    perplexity({ seed, skill, count: few }),
  ];
  const group: TaskGroup = {
    name: 'mmlu',
    alias: 'mmlu',
    members: ['mmlu_astronomy', 'mmlu_virology'],
    metrics: [{ metric: 'acc', filters: ['none'], weightBySize: true }],
    version: 2,
  };
  const pooled = tasks.slice(0, 2).flatMap((task) => valuesOf(task.items, 'acc,none'));
  return {
    model: {
      name: model,
      source: 'corral',
      location: `models/${model}.gguf`,
      sha256: 'ab'.repeat(32),
      quantisation: 'q4_0',
      parameters: 1_100_048_384,
      chatTemplateSha256: null,
      chatTemplate: null,
      bosPolicy: 'always',
      maxLength: 4096,
      device: 'cpu',
      bosToken: '<s>',
      eosToken: '</s>',
    },
    tasks,
    groups: [{ group, metrics: { 'acc,none': meanOf(pooled) } }],
    cost: { plannedTokens: 1000, naiveTokens: 20_000 },
    sitting: { answers: 100, kept: 0, computedTokens: 1000 },
    settings: {
      limit: null,
      shots: null,
      seed: 1234,
      bootstrapIterations: 1000,
      chatTemplate: false,
    },
    corralVersion: '0.1.0',
    startedAt: Date.UTC(2026, 10, 24, 12, 0, 0),
    endedAt: Date.UTC(2026, 10, 24, 12, 1, 30),
  };
}

interface MakeTask {
  readonly seed: number;
  readonly skill: number;
  readonly count: number;
}

function multipleChoice(name: string, made: MakeTask & { readonly shots: number }): TaskResult {
  const { seed, skill, count, shots } = made;
  const example = `What is ${name}?\nA. one\nB. two\nC. three\nD. four\nAnswer: B\n\n`;
  const preamble = `Questions about ${name}.\n\n${example.repeat(shots)}`;
  const choices = ['A', 'B', 'C', 'D'];
  const items = Array.from({ length: count }, (_, docId): ItemResult => {
    const draw = (position: number): number => random(seed, docId, position);
    const target = docId % 4;
    const right = draw(0) < skill;
    const chosen = right ? target : (target + 1 + Math.floor(draw(1) * 3)) % 4;
    const question = `Question ${docId} of ${name}: is ${Math.floor(draw(2) * 1000)} < 500 & odd?`;
    const context = `${preamble}${question}\nA. one\nB. two\nC. three\nD. four\nAnswer:`;
    return {
      docId,
      doc: { question, choices: ['one', 'two', 'three', 'four'], answer: target },
      target,
      choices,
      requests: choices.map((choice) => ({
        kind: 'loglikelihood',
        context,
        continuation: ` ${choice}`,
      })),
      responses: choices.map((_choice, index) => ({
        kind: 'loglikelihood',
        logprob: index === chosen ? -0.5 - draw(3) : -2 - 3 * draw(4 + index),
        greedy: index === chosen,
        tokens: 90,
        cut: docId % 10 === 9 ? 7 : 0,
      })),
      score: { values: { 'acc,none': right ? 1 : 0 }, filtered: { none: [chosen] } },
    };
  });
  return {
    ...head(name, items, shots),
    version: 1,
    config: { task: name, dataset_path: 'cais/mmlu', dataset_name: name, test_split: 'test' },
    metrics: { 'acc,none': meanOf(valuesOf(items, 'acc,none')) },
  };
}

function generation({ seed, skill, count }: MakeTask): TaskResult {
  const items = Array.from({ length: count }, (_, docId): ItemResult => {
    const strict = random(seed, docId, 50) < skill * 0.5 ? 1 : 0;
    const flexible = strict === 1 || random(seed, docId, 51) < skill * 0.5 ? 1 : 0;
    const answer = flexible === 1 ? docId * 3 : docId * 3 + 1;
    const request: ModelRequest = {
      kind: 'generate',
      context: `Question: what is three times ${docId}?\nAnswer:`,
      until: ['Question:'],
      maxTokens: 256,
      temperature: 0,
      topP: 1,
      seed: 0,
    };
    const response: ModelResponse = {
      kind: 'generate',
      text: ` <b>${answer}</b>${strict === 1 ? `\n#### ${answer}` : ''}`,
      promptTokens: 20,
      tokens: 12,
      finish: 'stop',
      cut: 0,
    };
    return {
      docId,
      doc: { question: `what is three times ${docId}?`, answer: `#### ${docId * 3}` },
      target: `#### ${docId * 3}`,
      requests: [request],
      responses: [response],
      score: {
        values: { 'exact_match,strict-match': strict, 'exact_match,flexible-extract': flexible },
        filtered: {
          'strict-match': [strict === 1 ? `${answer}` : '[invalid]'],
          'flexible-extract': [`${answer}`],
        },
      },
    };
  });
  return {
    ...head('gsm8k', items, 5),
    version: 3,
    config: {
      task: 'gsm8k',
      dataset_path: 'openai/gsm8k',
      dataset_name: 'main',
      test_split: 'test',
    },
    metrics: {
      'exact_match,strict-match': meanOf(valuesOf(items, 'exact_match,strict-match')),
      'exact_match,flexible-extract': meanOf(valuesOf(items, 'exact_match,flexible-extract')),
    },
  };
}

function perplexity({ seed, skill, count }: MakeTask): TaskResult {
  const items = Array.from({ length: count }, (_, docId): ItemResult => {
    const words = 20 + Math.floor(random(seed, docId, 60) * 40);
    const logprob = -words * (3 + random(seed, docId, 61) - skill);
    const values = {
      'word_perplexity,none': [logprob, words],
      'bits_per_byte,none': [logprob, words * 5],
    } as const;
    return {
      docId,
      doc: { page: `Page ${docId}` },
      target: `Page ${docId}`,
      requests: [{ kind: 'rolling', text: `Page ${docId}` }],
      responses: [{ kind: 'rolling', logprob, tokens: words * 2 }],
      score: { values, filtered: { none: [logprob] } },
    };
  });
  const sum = (key: string, part: 0 | 1): number =>
    items.reduce(
      (total, { score }) => total + ((score.values[key] as [number, number])[part] ?? 0),
      0,
    );
  const ratio = (key: string): number => -sum(key, 0) / sum(key, 1);
  return {
    ...head('wikitext', items, 0),
    version: 2,
    notComparable: 'It is a tokenised copy.',
    config: { task: 'wikitext', dataset_path: 'wikitext' },
    metrics: {
      'word_perplexity,none': {
        value: Math.exp(ratio('word_perplexity,none')),
        higherIsBetter: false,
      },
      'bits_per_byte,none': {
        value: ratio('bits_per_byte,none') / Math.LN2,
        higherIsBetter: false,
      },
    },
  };
}

function head(
  name: string,
  items: readonly ItemResult[],
  shots: number,
): Pick<TaskResult, 'name' | 'alias' | 'shots' | 'originalCount' | 'items'> {
  return { name, alias: name.replace('mmlu_', ''), shots, originalCount: items.length, items };
}

function valuesOf(items: readonly ItemResult[], key: string): number[] {
  return items.map(({ score }) => score.values[key] as number);
}

function meanOf(values: readonly number[]): MetricValue {
  const value = values.reduce((sum, one) => sum + one, 0) / values.length;
  const squares = values.reduce((sum, one) => sum + (one - value) ** 2, 0);
  const stderr = Math.sqrt(squares / (values.length - 1) / values.length);
  return { value, stderr, higherIsBetter: true };
}
