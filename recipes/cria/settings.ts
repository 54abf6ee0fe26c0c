// How large a Cria is made: the real one, and a miniature that walks the same road in about a minute.

/** Everything that decides the outcome, beside the recipes and the code of the corpus. */
export interface Settings {
  /** Where the work is kept. */
  readonly folder: string;
  /** Where the finished models go. */
  readonly models: string;
  readonly corpus: {
    readonly seed: number;
    readonly documents: number;
    readonly dialogues: number;
    readonly chats: number;
    readonly validation: number;
  };
  /** Pieces of the tokenizer. */
  readonly vocabulary: number;
  /** Fields of the recipes that are changed. */
  readonly overrides: { readonly train: readonly string[]; readonly tune: readonly string[] };
  readonly evaluation: { readonly size: number; readonly seed: number };
}

/** Cria. */
export const full: Settings = {
  folder: 'runs/cria',
  models: 'models',
  corpus: { seed: 1, documents: 16_000, dialogues: 20_000, chats: 36_000, validation: 300 },
  vocabulary: 2048,
  overrides: { train: [], tune: [] },
  evaluation: { size: 300, seed: 20_261_125 },
};

/** A Cria that can do nothing, but was made in the same way. */
export const miniature: Settings = makeMiniature('runs/cria-miniature');

/** The miniature, in a folder of choice. */
export function makeMiniature(folder: string): Settings {
  const data = (validation: string, ...names: string[]): string[] => [
    `data.train=[${names.map((name) => `${folder}/corpus/${name}.jsonl`).join(', ')}]`,
    `data.validation=${folder}/corpus/${validation}-validation.jsonl`,
    `data.cache=${folder}/tokens`,
    'data.context=256',
    'data.batch=4',
    'data.microRows=1024',
    'samples.maxTokens=20',
    'evaluation.every=20',
  ];
  return {
    folder,
    models: `${folder}/models`,
    corpus: { seed: 1, documents: 250, dialogues: 150, chats: 200, validation: 20 },
    vocabulary: 512,
    overrides: {
      train: [
        ...data('documents', 'documents', 'dialogues'),
        `output=${folder}/base`,
        `data.tokenizer=${folder}/tokenizer.model`,
        'model.dim=64',
        'model.layers=2',
        'model.heads=2',
        'model.kvHeads=1',
        'model.feedForward=128',
        'model.context=512',
        'schedule.warmup=5',
      ],
      tune: [
        ...data('chats', 'chats'),
        `output=${folder}/chat`,
        `model.base=${folder}/base/model`,
        'schedule.warmup=2',
      ],
    },
    evaluation: { size: 4, seed: 7 },
  };
}
