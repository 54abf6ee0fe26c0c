// Scores one item of a task: from the model's answers to a value per metric and filter
// (lm_eval/api/task.py `process_results`, 0.4.13).
import { errors } from '../../base/errors.ts';
import { findHook } from '../definition/doc-fields.ts';
import { FunctionName } from '../definition/function-name.ts';
import { characterCount } from '../definition/python-text.ts';
import type { TaskConfig } from '../definition/task-config.ts';
import type { MetricHook, ResultsHook } from '../hooks/hook.ts';
import { pythonString } from '../python-values.ts';
import type { ModelResponse } from '../request.ts';
import type { ItemScore, ItemValue, ScoringTools, TaskItem } from '../task.ts';
import { argmax } from './argmax.ts';
import { exactMatch, exactMatchOptions } from './exact-match.ts';
import { makeFilters, type NamedFilter } from './filters.ts';

/** Scores items of one task. */
export type ItemScorer = (
  item: TaskItem,
  responses: readonly ModelResponse[],
  tools: ScoringTools,
) => Promise<ItemScore>;

/** What the scorer knows beside the task's file. */
export interface ScorerOptions {
  /** Did the first item have several right answers? Decides how lists are read, as in the harness. */
  readonly manyTargets: boolean;
}

const known: Readonly<Record<TaskConfig['output_type'], readonly string[]>> = {
  loglikelihood: ['acc', 'perplexity'],
  loglikelihood_rolling: ['word_perplexity', 'byte_perplexity', 'bits_per_byte'],
  multiple_choice: ['acc', 'acc_norm', 'acc_bytes', 'acc_mutual_info', 'exact_match', 'f1', 'mcc'],
  generate_until: ['exact_match'],
};

/** The scorer of a task. Throws TASK_FIELD_INVALID for metrics that are not known. */
export function makeScorer(config: TaskConfig, options: ScorerOptions): ItemScorer {
  const filters = makeFilters(config.filter_list);
  const metrics = config.metric_list.map(({ metric }) => metric);
  if (config.process_results !== undefined) {
    const hook = findHook('results', config.process_results) as ResultsHook;
    return async (item, responses) => {
      return collect(filters, responses, item, async (answers) => hook(item.doc, answers));
    };
  }
  for (const metric of metrics) {
    const allowed = known[config.output_type];
    if (typeof metric === 'string' && !allowed.includes(metric)) {
      throw errors.TASK_FIELD_INVALID({
        field: 'metric',
        found: metric,
        allowed: allowed.join(', '),
      });
    }
  }
  if (config.output_type === 'generate_until') {
    return async (item, responses, tools) => {
      return collect(filters, responses, item, ([answer]) => {
        return scoreText({ config, options, item, answer, tools });
      });
    };
  }
  const wanted = (values: Readonly<Record<string, ItemValue>>): Record<string, ItemValue> => {
    return Object.fromEntries(Object.entries(values).filter(([name]) => metrics.includes(name)));
  };
  return async (item, responses) => {
    return collect(filters, responses, item, async (answers) => {
      if (config.output_type === 'multiple_choice') {
        return wanted(scoreChoices(item, answers as readonly Likelihood[], options));
      }
      if (config.output_type === 'loglikelihood') {
        const [logprob, greedy] = answers[0] as Likelihood;
        return wanted({ perplexity: logprob, acc: Number(greedy) });
      }
      const text = item.requests[0]?.kind === 'rolling' ? item.requests[0].text : '';
      return wanted(rollingParts(answers[0] as number, text));
    });
  };
}

type Likelihood = readonly [logprob: number, greedy: boolean];

/** Runs the scoring once per filter and files the values under `metric,filter`. */
async function collect(
  filters: readonly NamedFilter[],
  responses: readonly ModelResponse[],
  item: TaskItem,
  score: (answers: readonly unknown[]) => Promise<Readonly<Record<string, ItemValue>>>,
): Promise<ItemScore> {
  const values: Record<string, ItemValue> = {};
  const filtered: Record<string, readonly unknown[]> = {};
  for (const { name, apply } of filters) {
    const texts = responses.flatMap((response) => {
      return response.kind === 'generate' ? [response.text] : [];
    });
    const answers = texts.length > 0 ? [apply(texts, item.doc)] : responses.map(likelihoodOf);
    filtered[name] = answers;
    for (const [metric, value] of Object.entries(await score(answers))) {
      values[`${metric},${name}`] = value;
    }
  }
  return { values, filtered };
}

function likelihoodOf(response: ModelResponse): number | Likelihood {
  if (response.kind === 'loglikelihood') return [response.logprob, response.greedy];
  return response.kind === 'rolling' ? response.logprob : Number.NaN;
}

function scoreChoices(
  item: TaskItem,
  answers: readonly Likelihood[],
  { manyTargets }: ScorerOptions,
): Record<string, ItemValue> {
  const choices = item.choices ?? [];
  const logprobs = answers.slice(0, choices.length).map(([logprob]) => logprob);
  const alone = answers.slice(choices.length).map(([logprob]) => logprob);
  const best = argmax(logprobs);
  const perCharacter = argmax(logprobs.map((l, i) => l / characterCount(choices[i] ?? '')));
  const encoder = new TextEncoder();
  const perByte = argmax(logprobs.map((l, i) => l / encoder.encode(choices[i]).length));
  const golds = [item.target].flat().map((gold) => {
    return typeof gold === 'number' ? gold : choices.indexOf(gold);
  });
  const right = (index: number): number => {
    return Number(manyTargets ? golds.includes(index) : golds[0] === index);
  };
  const gold = golds[0] ?? -1;
  const mutual = argmax(logprobs.map((logprob, i) => logprob - (alone[i] ?? 0)));
  return {
    acc: right(best),
    acc_norm: right(perCharacter),
    acc_bytes: right(perByte),
    acc_mutual_info: Number(mutual === gold),
    exact_match: Number(golds.some((index) => answers[index]?.[1] === true)),
    f1: [gold, best],
    mcc: [gold, best],
  };
}

function rollingParts(logprob: number, text: string): Record<string, ItemValue> {
  const words = text.split(/\s+/u).length;
  const bytes = new TextEncoder().encode(text).length;
  return {
    word_perplexity: [logprob, words],
    byte_perplexity: [logprob, bytes],
    bits_per_byte: [logprob, bytes],
  };
}

interface TextScoring {
  readonly config: TaskConfig;
  readonly options: ScorerOptions;
  readonly item: TaskItem;
  readonly answer: unknown;
  readonly tools: ScoringTools;
}

async function scoreText(scoring: TextScoring): Promise<Record<string, ItemValue>> {
  const { config, options, item, answer, tools } = scoring;
  const predictions = [answer].flat().map(pythonString);
  const values: Record<string, ItemValue> = {};
  const references = referencesOf(item, options.manyTargets);
  for (const { metric, ...entry } of config.metric_list) {
    if (metric instanceof FunctionName) {
      const hook = findHook('metric', metric) as MetricHook;
      const target = references[0] ?? '';
      const { codeRunner } = tools;
      const input = { doc: item.doc, target, predictions, options: entry, codeRunner };
      Object.assign(values, await hook(input));
    } else {
      values[metric] = exactMatch(predictions[0] ?? '', references, exactMatchOptions(entry));
    }
  }
  return values;
}

function referencesOf({ target, choices }: TaskItem, manyTargets: boolean): string[] {
  if (typeof target === 'number' && choices !== undefined) return [choices[target] ?? ''];
  if (Array.isArray(target) && manyTargets) return target.map(pythonString);
  // a list where the task has single answers is compared as Python writes it
  return [pythonString(target)];
}
