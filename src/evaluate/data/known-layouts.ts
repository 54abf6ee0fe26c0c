// Where original data sets lie in their authors' repositories and in the folders that collect them, as
// opposed to the hub's layout: paths below the data folder, by data set, name and split.
import type { Doc } from '../task.ts';

/** A file that holds a split, alone or among others. */
export interface KnownFile {
  readonly file: string;
  /** Which member of a JSON file with several lists. */
  readonly member?: string;
  /** Which rows are the split's, where the file holds more. */
  readonly rows?: (row: Doc) => boolean;
}

type Splits = Readonly<Record<string, KnownFile | string>>;

const taskIds = (first: number, last: number) => (row: Doc) => {
  const id = Number(row['task_id']);
  return id >= first && id <= last;
};

const mbpp = 'mbpp/mbpp.jsonl';

// By data set, or by data set and name; `{name}` stands for the name.
const layouts: Readonly<Record<string, Splits>> = {
  'openai/gsm8k': { train: 'gsm8k/train.jsonl', test: 'gsm8k/test.jsonl' },
  'openai/openai_humaneval': { test: 'humaneval/HumanEval.jsonl.gz' },
  'nuprl/MultiPL-E:humaneval-ts': { test: 'humaneval/humaneval-ts.jsonl' },
  'nuprl/MultiPL-E:humaneval-js': { test: 'humaneval/humaneval-js.jsonl' },
  // the splits of Austin et al. 2021, section 2.1, by task_id
  'google-research-datasets/mbpp': {
    prompt: { file: mbpp, rows: taskIds(1, 10) },
    test: { file: mbpp, rows: taskIds(11, 510) },
    validation: { file: mbpp, rows: taskIds(511, 600) },
    train: { file: mbpp, rows: taskIds(601, 974) },
  },
  'SaylorTwift/bbh': { test: { file: 'bbh/{name}.json', member: 'examples' } },
  'local/mmlu': { dev: 'mmlu/dev/{name}_dev.csv', test: 'mmlu/test/{name}_test.csv' },
  'local/hellaswag': {
    validation: { file: 'hellaswag/hellaswag-abstainqa.json', member: 'dev' },
    test: { file: 'hellaswag/hellaswag-abstainqa.json', member: 'test' },
  },
  'local/truthfulqa': { validation: 'truthfulqa/TruthfulQA.csv' },
  'local/agieval': { test: 'agieval/{name}.jsonl' },
  'local/wikitext': { test: 'wikitext2/test.txt', validation: 'wikitext2/valid.txt' },
  'local/gauntlet': { test: 'llm-foundry-gauntlet/{name}.jsonl' },
};

/** Where a split may lie besides the hub's layout. */
export function knownFile({
  path,
  name,
  split,
}: {
  readonly path: string;
  readonly name: string | undefined;
  readonly split: string;
}): KnownFile | undefined {
  const found = (layouts[`${path}:${name}`] ?? layouts[path])?.[split];
  if (found === undefined) return undefined;
  const known = typeof found === 'string' ? { file: found } : found;
  return { ...known, file: known.file.replace('{name}', name ?? '') };
}
