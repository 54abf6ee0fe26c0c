// From a document to the requests it needs: description, examples and question as one context, and what
// is asked of it (lm_eval/api/task.py `fewshot_context`, `construct_requests`, 0.4.13).
import {
  type FieldContext,
  readChoices,
  readTarget,
  readText,
  type Target,
} from '../definition/doc-fields.ts';
import { endsWithSpace } from '../definition/python-text.ts';
import type { TaskConfig } from '../definition/task-config.ts';
import { compileTemplate } from '../definition/template.ts';
import { pythonString } from '../python-values.ts';
import type { ModelRequest } from '../request.ts';
import type { Doc, TaskItem } from '../task.ts';
import type { FewShotSampler } from './few-shot.ts';
import {
  joinDelimited,
  type Message,
  questionTurns,
  renderMessages,
  type Turn,
  turnsAsMessages,
  turnsAsText,
} from './turns.ts';

/** How prompts are put together. */
export interface PromptOptions {
  readonly config: TaskConfig;
  readonly shots: number;
  readonly sampler: FewShotSampler;
  readonly columns: ReadonlySet<string>;
  /** Columns of the examples, which may come from elsewhere. */
  readonly exampleColumns: ReadonlySet<string>;
  /** Is the item itself to be left out of its examples? */
  readonly excludeItem: boolean;
  readonly renderChat: ((messages: readonly Message[]) => string) | undefined;
  readonly systemInstruction: string | undefined;
  readonly multiturn: boolean;
}

/** Tokens an answer may have where the task does not say: the harness's max_gen_toks. */
const usualMaxTokens = 256;

/** Makes items of documents, which must come in the order of the split: examples depend on it. */
export function makeItemBuilder(options: PromptOptions): (docId: number, doc: Doc) => TaskItem {
  const { config } = options;
  const hasChoices = config.doc_to_choice !== undefined;
  const context: FieldContext = { columns: options.columns, hasChoices };
  const exampleTurns = makeExampleTurns(options);
  return (docId, doc) => {
    const text = readText(config.doc_to_text, doc, context);
    const target = readTarget(config.doc_to_target, doc, context);
    const choices =
      config.doc_to_choice === undefined
        ? undefined
        : readChoices(config.doc_to_choice, doc, context);
    const prefix = readPrefix(config.gen_prefix, doc, options.columns);
    const before = [...systemTurns(options, doc), ...exampleTurns(doc)];
    const ask = (question: string, targetDelimiter: string): string => {
      const turns = questionTurns({ question, prefix, targetDelimiter, fewShotDelimiter: '' });
      return contextOf([...before, ...turns], options);
    };
    const shared = { docId, doc };
    if (typeof text === 'number') {
      // the choices are contexts, the target is the continuation they share
      const requests = (choices ?? []).map((choice) => {
        return likelihood(ask(choice, ''), delimiterOf(options) + pythonString(target));
      });
      return { ...shared, target: text, ...(choices && { choices }), requests };
    }
    const asked =
      config.output_type === 'loglikelihood_rolling' ? '' : ask(text, config.target_delimiter);
    const requests = requestsOf(options, { asked, target, choices });
    return { ...shared, target: asTarget(target, choices), ...(choices && { choices }), requests };
  };
}

function requestsOf(
  options: PromptOptions,
  {
    asked,
    target,
    choices,
  }: {
    readonly asked: string;
    readonly target: Target;
    readonly choices: readonly string[] | undefined;
  },
): ModelRequest[] {
  const { config } = options;
  switch (config.output_type) {
    case 'multiple_choice': {
      const delimiter = delimiterOf(options);
      const requests = (choices ?? []).map((choice) => likelihood(asked, delimiter + choice));
      if (!config.metric_list.some(({ metric }) => metric === 'acc_mutual_info')) return requests;
      // how likely each choice is without the question
      return [...requests, ...(choices ?? []).map((choice) => likelihood('', delimiter + choice))];
    }
    case 'loglikelihood':
      return [likelihood(asked, pythonString(target))];
    case 'loglikelihood_rolling':
      return [{ kind: 'rolling', text: pythonString(target) }];
    case 'generate_until':
      return Array.from({ length: config.repeats }, (_, seed) => generation(config, asked, seed));
  }
}

function likelihood(context: string, continuation: string): ModelRequest {
  return { kind: 'loglikelihood', context, continuation };
}

function generation(config: TaskConfig, context: string, seed: number): ModelRequest {
  const { until, max_gen_toks, do_sample, temperature, top_p } = config.generation_kwargs ?? {};
  // `do_sample: false` is greedy whatever the temperature says; alone, a temperature samples
  const samples = do_sample ?? (temperature ?? 0) > 0;
  return {
    kind: 'generate',
    context,
    until: [until ?? config.fewshot_delimiter].flat().filter((stop) => stop !== ''),
    maxTokens: max_gen_toks ?? usualMaxTokens,
    temperature: samples ? (temperature ?? 1) : 0,
    topP: top_p ?? 1,
    seed,
  };
}

/** Chat templates end in the place for the answer, so nothing stands before it. */
function delimiterOf({ config, renderChat }: PromptOptions): string {
  if (renderChat === undefined) return config.target_delimiter;
  return config.gen_prefix && !endsWithSpace(config.gen_prefix) ? config.target_delimiter : '';
}

function contextOf(turns: readonly Turn[], options: PromptOptions): string {
  if (options.renderChat === undefined) return turnsAsText(turns);
  return renderMessages(turnsAsMessages(turns, options.multiturn), options.renderChat);
}

function systemTurns(options: PromptOptions, doc: Doc): Turn[] {
  const { description, fewshot_delimiter } = options.config;
  const described = description === '' ? '' : compileTemplate(description).text(doc);
  const content = joinDelimited(options.systemInstruction, described, fewshot_delimiter);
  return content === '' ? [] : [{ role: 'system', content, delimiter: '' }];
}

/** The examples' turns for an item. What an example looks like is worked out once. */
function makeExampleTurns(options: PromptOptions): (doc: Doc) => Turn[] {
  const { config, shots, sampler, excludeItem } = options;
  const example = config.fewshot_config ?? {};
  const choiceField = example.doc_to_choice ?? config.doc_to_choice;
  const context: FieldContext = {
    columns: options.exampleColumns,
    hasChoices: config.doc_to_choice !== undefined,
  };
  const made = new Map<Doc, readonly Turn[]>();
  const make = (doc: Doc): readonly Turn[] => {
    const choices = choiceField && readChoices(choiceField, doc, context);
    const text = readText(example.doc_to_text ?? config.doc_to_text, doc, context);
    const target = readTarget(example.doc_to_target ?? config.doc_to_target, doc, context);
    const first = Array.isArray(target)
      ? (target[0] as string | number)
      : (target as string | number);
    return questionTurns({
      question: typeof text === 'number' ? (choices?.[text] ?? '') : text,
      // of several right answers the first, which in a list is never an index
      answer: typeof target === 'number' && choices ? (choices[target] ?? '') : pythonString(first),
      prefix: readPrefix(example.gen_prefix ?? config.gen_prefix, doc, options.exampleColumns),
      targetDelimiter: example.target_delimiter ?? config.target_delimiter,
      fewShotDelimiter: example.fewshot_delimiter ?? config.fewshot_delimiter,
    });
  };
  return (doc) => {
    if (shots === 0) return [];
    return sampler.sample(shots, excludeItem ? doc : undefined).flatMap((chosen) => {
      const turns = made.get(chosen) ?? make(chosen);
      made.set(chosen, turns);
      return turns;
    });
  };
}

function readPrefix(
  prefix: string | undefined,
  doc: Doc,
  columns: ReadonlySet<string>,
): string | undefined {
  if (prefix === undefined) return undefined;
  return columns.has(prefix) ? pythonString(doc[prefix]) : compileTemplate(prefix).text(doc);
}

/** Of several right choices the texts, so that a list never mixes texts and indices. */
function asTarget(target: Target, choices: readonly string[] | undefined): TaskItem['target'] {
  if (!Array.isArray(target)) return target as string | number;
  return target.map((each) => {
    return typeof each === 'number' && choices ? (choices[each] ?? '') : pythonString(each);
  });
}
