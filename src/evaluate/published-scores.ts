// Scores that others published, to stand beside ours: Llama 1, Llama 2, MPT, Falcon, GPT-3.5 and GPT-4, each
// with its source and protocol. In per cent. They are not ours: prompts of the Llama 2 paper are not public, and
// closed models were asked by others.

/** Where scores were published, and how they were made. */
export interface PublishedSource {
  readonly title: string;
  readonly url: string;
  readonly protocol: string;
  /** Made with lm-evaluation-harness, whose prompts and metrics Corral's tasks are. */
  readonly isHarness: boolean;
}

/** One published score. */
export interface PublishedScore {
  readonly model: string;
  /** Name of Corral's task or group. */
  readonly task: string;
  /** The metric ours is nearest to, as `metric,filter`. */
  readonly metric: string;
  readonly percent: number;
  /** Examples in the prompt; a text where they vary. */
  readonly shots: number | string;
  readonly source: PublishedSource;
}

const internal =
  'Meta’s own evaluation library; its prompts are not public. For MPT and Falcon the better of that and their own figures.';

const llama2 = (where: string): PublishedSource => ({
  title: `Llama 2 paper, ${where}`,
  url: 'https://arxiv.org/abs/2307.09288',
  protocol: internal,
  isHarness: false,
});

const gpt4: PublishedSource = {
  title: 'GPT-4 technical report, table 2 (as in Llama 2 paper, table 4)',
  url: 'https://arxiv.org/abs/2303.08774',
  protocol: 'OpenAI’s own evaluation; GSM8K with chain of thought.',
  isHarness: false,
};

const harness = (where: string): PublishedSource => ({
  title: `lm-evaluation-harness ${where}`,
  url: 'https://github.com/EleutherAI/lm-evaluation-harness',
  protocol: 'lm-evaluation-harness with meta-llama/Llama-2-7b-hf.',
  isHarness: true,
});

interface Table {
  readonly source: PublishedSource;
  /** Task, nearest metric, shots; one per column. */
  readonly columns: readonly (readonly [task: string, metric: string, shots: number | string])[];
  /** By model; null where the table has no figure. */
  readonly rows: Readonly<Record<string, readonly (number | null)[]>>;
}

const tables: readonly Table[] = [
  {
    source: llama2('table 19'),
    columns: [
      ['mmlu', 'acc,none', 5],
      ['mmlu_humanities', 'acc,none', 5],
      ['mmlu_stem', 'acc,none', 5],
      ['mmlu_social_sciences', 'acc,none', 5],
      ['mmlu_other', 'acc,none', 5],
    ],
    rows: {
      'MPT 7B': [26.8, 26.7, 25.3, 27.1, 28.2],
      'MPT 30B': [46.9, 44.5, 39.0, 52.8, 52.9],
      'Falcon 7B': [26.2, 26.4, 26.2, 24.7, 27.4],
      'Falcon 40B': [55.4, 49.3, 45.5, 65.4, 65.0],
      'Llama 1 7B': [35.1, 34.0, 30.5, 38.3, 38.1],
      'Llama 1 13B': [46.9, 45.0, 35.8, 53.8, 53.3],
      'Llama 1 33B': [57.8, 55.8, 46.0, 66.7, 63.4],
      'Llama 1 65B': [63.4, 61.8, 51.7, 72.9, 67.4],
      'Llama 2 7B': [45.3, 42.9, 36.4, 51.2, 52.2],
      'Llama 2 13B': [54.8, 52.8, 44.1, 62.6, 61.1],
      'Llama 2 34B': [62.6, 59.4, 52.1, 71.8, 69.2],
      'Llama 2 70B': [68.9, 65.0, 58.0, 80.3, 74.6],
    },
  },
  {
    source: llama2('table 20'),
    columns: [
      ['boolq', 'acc,none', 0],
      ['piqa', 'acc_norm,none', 0],
      ['siqa', 'acc,none', 0],
      ['hellaswag', 'acc_norm,none', 0],
      ['winogrande', 'acc,none', 0],
      ['arc_easy', 'acc_norm,none', 0],
      ['arc_challenge', 'acc_norm,none', 0],
      ['openbookqa', 'acc_norm,none', 0],
      ['commonsense_qa', 'acc,none', 7],
    ],
    rows: {
      'MPT 7B': [75.0, 80.6, 48.5, 76.4, 68.3, 70.2, 42.6, 51.4, 21.3],
      'MPT 30B': [79.0, 81.9, 48.9, 79.9, 71.0, 76.5, 50.6, 52.0, 58.2],
      'Falcon 7B': [67.5, 76.7, 47.2, 74.1, 66.3, 70.0, 42.4, 51.6, 20.8],
      'Falcon 40B': [83.1, 82.4, 50.1, 83.6, 76.9, 79.2, 54.5, 56.6, 70.4],
      'Llama 1 7B': [76.5, 79.8, 48.9, 76.1, 70.1, 72.8, 47.6, 57.2, 33.6],
      'Llama 1 13B': [78.1, 80.1, 50.4, 79.2, 73.0, 74.8, 52.7, 56.4, 62.0],
      'Llama 1 33B': [83.1, 82.3, 50.4, 82.8, 76.0, 80.0, 57.8, 58.6, 72.5],
      'Llama 1 65B': [85.3, 82.8, 52.3, 84.2, 77.0, 78.9, 56.0, 60.2, 74.0],
      'Llama 2 7B': [77.4, 78.8, 48.3, 77.2, 69.2, 75.2, 45.9, 58.6, 57.8],
      'Llama 2 13B': [81.7, 80.5, 50.3, 80.7, 72.8, 77.3, 49.4, 57.0, 67.3],
      'Llama 2 34B': [83.7, 81.9, 50.9, 83.3, 76.7, 79.4, 54.5, 58.2, 74.3],
      'Llama 2 70B': [85.0, 82.8, 50.7, 85.3, 80.2, 80.2, 57.4, 60.2, 78.5],
    },
  },
  {
    source: llama2('table 21: pass@1 at temperature 0.1 and top-p 0.95'),
    columns: [
      ['humaneval', 'pass@1,create_test', 0],
      ['mbpp', 'pass_at_1,none', 3],
    ],
    rows: {
      'MPT 7B': [18.3, 22.6],
      'MPT 30B': [25.0, 32.8],
      'Falcon 7B': [0.0, 11.2],
      'Falcon 40B': [0.6, 29.8],
      'Llama 1 7B': [10.5, 17.7],
      'Llama 1 13B': [15.8, 22.0],
      'Llama 1 33B': [21.7, 30.2],
      'Llama 1 65B': [23.7, 37.7],
      'Llama 2 7B': [12.8, 20.8],
      'Llama 2 13B': [18.3, 30.6],
      'Llama 2 34B': [22.6, 33.0],
      'Llama 2 70B': [29.9, 45.0],
    },
  },
  {
    source: llama2('table 22, Wiki validation set'),
    columns: [['triviaqa', 'exact_match,remove_whitespace', 5]],
    rows: {
      'MPT 7B': [61.2],
      'MPT 30B': [73.3],
      'Falcon 7B': [64.6],
      'Falcon 40B': [79.9],
      'Llama 1 7B': [70.4],
      'Llama 1 13B': [77.1],
      'Llama 1 33B': [83.8],
      'Llama 1 65B': [85.9],
      'Llama 2 7B': [72.1],
      'Llama 2 13B': [79.6],
      'Llama 2 34B': [84.5],
      'Llama 2 70B': [87.6],
    },
  },
  {
    source: llama2('tables 3 and 25: maj1@1 for GSM8K and MATH'),
    columns: [
      ['bbh', 'exact_match,get-answer', 3],
      ['agieval_en', 'acc,none', '3–5'],
      ['gsm8k', 'exact_match,flexible-extract', 8],
      ['math', 'exact_match,none', 4],
    ],
    rows: {
      'MPT 7B': [31.0, 23.5, 6.8, 3.0],
      'MPT 30B': [38.0, 33.8, 15.2, 3.1],
      'Falcon 7B': [28.0, 21.2, 6.8, 2.3],
      'Falcon 40B': [37.1, 37.0, 19.6, 5.5],
      'Llama 1 7B': [30.3, 23.9, 11.0, 2.9],
      'Llama 1 13B': [37.0, 33.9, 17.8, 3.9],
      'Llama 1 33B': [39.8, 41.7, 35.6, 7.1],
      'Llama 1 65B': [43.5, 47.6, 50.9, 10.6],
      'Llama 2 7B': [32.6, 29.3, 14.6, 2.5],
      'Llama 2 13B': [39.4, 39.1, 28.7, 3.9],
      'Llama 2 34B': [44.1, 43.4, 42.2, 6.24],
      'Llama 2 70B': [51.2, 54.2, 56.8, 13.5],
    },
  },
  {
    source: gpt4,
    columns: [
      ['mmlu', 'acc,none', 5],
      ['hellaswag', 'acc_norm,none', 10],
      ['arc_challenge', 'acc_norm,none', 25],
      ['humaneval', 'pass@1,create_test', 0],
      ['gsm8k', 'exact_match,flexible-extract', 5],
    ],
    rows: {
      'GPT-3.5': [70.0, 85.5, 85.2, 48.1, 57.1],
      'GPT-4': [86.4, 95.3, 96.3, 67.0, 92.0],
    },
  },
  {
    source: harness('#805'),
    columns: [
      ['arc_challenge', 'acc_norm,none', 0],
      ['arc_easy', 'acc_norm,none', 0],
      ['boolq', 'acc,none', 0],
    ],
    rows: { 'Llama 2 7B (lm-eval)': [46.25, 74.66, 77.74] },
  },
];

/** All of them, in the order of their tables. */
export const publishedScores: readonly PublishedScore[] = tables.flatMap(
  ({ source, columns, rows }) =>
    Object.entries(rows).flatMap(([model, row]) =>
      columns.flatMap(([task, metric, shots], index) => {
        const percent = row[index];
        return percent === null || percent === undefined
          ? []
          : [{ model, task, metric, percent, shots, source }];
      }),
    ),
);
