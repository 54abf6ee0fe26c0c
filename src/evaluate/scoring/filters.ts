// Filters: what is taken from the answers before they are compared (lm_eval/filters, 0.4.13). A filter
// sees the repeated answers to one item.
import { z } from 'zod';
import { errors } from '../../base/errors.ts';
import { findHook } from '../definition/doc-fields.ts';
import { FunctionName } from '../definition/function-name.ts';
import { pythonFindAll, pythonRegex } from '../definition/python-regex.ts';
import { strip } from '../definition/python-text.ts';
import type { FilterEntry, TaskConfig } from '../definition/task-config.ts';
import type { FilterHook } from '../hooks/hook.ts';
import type { Doc } from '../task.ts';
import { choiceLetterFilter } from './choice-letter-filter.ts';

/** Turns the answers to an item into what is scored: a list, or after `take_first` one answer. */
export type AnswerFilter = (answers: readonly string[], doc: Doc) => unknown;

/** A chain of filters with the name its scores carry. */
export interface NamedFilter {
  readonly name: string;
  readonly apply: AnswerFilter;
}

const regexOptions = z.object({
  regex_pattern: z.string().default('#### (\\-?[0-9\\.\\,]+)'),
  group_select: z.int().default(0),
  fallback: z.string().default('[invalid]'),
});

type Step = (answers: readonly unknown[], doc: Doc) => unknown;

const each = (change: (answer: string) => unknown): Step => {
  return (answers) => answers.map((answer) => change(String(answer)));
};

const steps: Readonly<Record<string, (options: FilterEntry) => Step>> = {
  take_first: () => (answers) => answers[0],
  take_first_k:
    ({ k }) =>
    (answers) =>
      answers.slice(0, Number(k)),
  majority_vote: () => (answers) => [mostCommon(answers)],
  remove_whitespace: () => each((answer) => strip(answer)),
  lowercase: () => each((answer) => answer.toLowerCase()),
  uppercase: () => each((answer) => answer.toUpperCase()),
  map: ({ mapping_dict, default_value = null }) => {
    const mapping = Object(mapping_dict) as Readonly<Record<string, unknown>>;
    return each((answer) => (Object.hasOwn(mapping, answer) ? mapping[answer] : default_value));
  },
  regex: (options) => {
    const { regex_pattern, group_select, fallback } = regexOptions.parse(options);
    const regex = pythonRegex(regex_pattern);
    return each((answer) => selectMatch(answer, regex, group_select) ?? fallback);
  },
  multi_choice_regex: choiceLetterFilter,
  custom: ({ filter_fn }) => {
    const hook = findHook('filter', filter_fn as FunctionName) as FilterHook;
    return (answers, doc) => hook(answers as readonly string[], doc);
  },
};

/** The match of a pattern that is asked for, its first group that took part; undefined where none is. */
export function selectMatch(text: string, regex: RegExp, select: number): string | undefined {
  const match = pythonFindAll(text, regex).at(select);
  if (match === undefined) return undefined;
  const found = typeof match === 'string' ? match : match.find((group) => group !== '');
  return found === undefined ? undefined : strip(found);
}

/** The chains of a task; where it names none, the first answer under the name `none`. */
export function makeFilters(list: TaskConfig['filter_list']): readonly NamedFilter[] {
  const entries = list ?? [{ name: 'none', filter: [{ function: 'take_first' }] }];
  return entries.map(({ name, filter }) => {
    const chain = filter.map((entry) => {
      const make = steps[entry.function];
      if (make === undefined || (entry.function === 'custom' && !isHook(entry['filter_fn']))) {
        const allowed = Object.keys(steps).join(', ');
        throw errors.TASK_FIELD_INVALID({ field: 'filter_list', found: entry.function, allowed });
      }
      return make(entry);
    });
    const apply: AnswerFilter = (answers, doc) => {
      return chain.reduce<unknown>(
        (value, step) => step(value as readonly unknown[], doc),
        answers,
      );
    };
    return { name, apply };
  });
}

function isHook(value: unknown): boolean {
  return value instanceof FunctionName;
}

/** The most frequent answer, the first met of equals. */
function mostCommon(answers: readonly unknown[]): unknown {
  const counts = new Map<unknown, number>();
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  return Array.from(counts).sort(([, a], [, b]) => b - a)[0]?.[0];
}
