// From the `data` section of a recipe to batches: tokenises what is not in the cache yet, holds a share out,
// and says what there is. The door through which training gets its data.
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { errors } from '../../base/errors.ts';
import { type Logger, silentLogger } from '../../base/log.ts';
import type { OnProgress } from '../../base/progress.ts';
import { storeFolder } from '../../store/index.ts';
import type { Tokenizer } from '../../tokenizer/index.ts';
import type { BatchSource } from '../batch.ts';
import type { DataRecipe, RecipeSource } from './data-recipe.ts';
import { exampleSource, packedSource } from './example-source.ts';
import { tokeniseSource } from './token-cache.ts';
import type { BadRow } from './token-file.ts';
import { type Part, type SequenceCounts, selectSequences, type TokenSource } from './token-set.ts';
import { consecutiveWindows, randomWindows } from './window-source.ts';

/** What data are opened with besides the recipe. */
export interface OpenDataOptions {
  readonly tokenizer: Tokenizer;
  /** `llama-2` or the source of a Jinja template; needed where the data have conversations. */
  readonly template: string | undefined;
  /** Longest sequence where the recipe does not say it: the model's context. */
  readonly context: number;
  readonly seed: number;
  /** Paths of the recipe are relative to this folder. Default: the working folder. */
  readonly folder?: string;
  readonly logger?: Logger;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/** What a source came to. */
export interface SourceSummary {
  readonly path: string;
  readonly examples: number;
  readonly tokens: number;
  readonly learned: number;
  readonly badRows: number;
  readonly firstBadRows: readonly BadRow[];
}

/** Training data as sequences. */
export interface SequenceSummary extends SequenceCounts {
  readonly count: number;
  readonly rows: number;
  /** Bins they are packed into, and the share of the bins' rows that is filled; absent where nothing is packed. */
  readonly bins?: number;
  readonly filled?: number;
}

/** Data that are open. Close them. */
export interface OpenedData {
  readonly train: BatchSource;
  /** Absent where nothing is held out. Its steps are all there is, once, in order. */
  readonly heldOut: BatchSource | undefined;
  readonly sources: readonly SourceSummary[];
  /** What `train` came to in whole sequences; undefined for windows. */
  readonly sequences: SequenceSummary | undefined;
  close(): Promise<void>;
}

/**
 * Opens the data of a recipe. Throws DATA_EMPTY, DATA_ROW_INVALID, EXAMPLE_TOO_LONG, TEMPLATE_INVALID,
 * INPUT_NOT_FOUND and what reading and writing throw.
 */
export async function openData(recipe: DataRecipe, options: OpenDataOptions): Promise<OpenedData> {
  const opened: TokenSource[] = [];
  const close = async (): Promise<void> => {
    for (const { file } of opened) await file.close();
  };
  try {
    const open = async (list: readonly RecipeSource[]): Promise<TokenSource[]> => {
      const sources: TokenSource[] = [];
      for (const source of list) {
        const one = await openSource(source, recipe, options);
        opened.push(one);
        sources.push(one);
      }
      return sources;
    };
    const train = await open(recipe.train);
    const validation = recipe.validation && (await open(recipe.validation));
    const { batches, sequences } = trainBatches(train, recipe, options);
    return {
      train: batches,
      heldOut: heldOutBatches(train, validation, recipe, options),
      sources: opened.map(summarise),
      sequences,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openSource(
  { repeat, ...source }: RecipeSource,
  recipe: DataRecipe,
  options: OpenDataOptions,
): Promise<TokenSource> {
  const { tokenizer, template, folder = '.', logger = silentLogger, onProgress, signal } = options;
  const path = resolve(folder, source.path);
  const cache = recipe.cache === undefined ? join(storeFolder(), 'tokens') : recipe.cache;
  const file = await tokeniseSource(
    { ...source, path },
    {
      tokenizer,
      template,
      system: recipe.system,
      learn: recipe.learn,
      bos: recipe.bos ?? tokenizer.addsBos,
      eos: recipe.eos,
      badRows: recipe.badRows,
      folder: resolve(folder, cache),
      logger,
      onProgress,
      signal,
    },
  );
  return { path: source.path, file, repeat };
}

function trainBatches(
  sources: readonly TokenSource[],
  recipe: DataRecipe,
  options: OpenDataOptions,
): Pick<OpenedData, 'sequences'> & { readonly batches: BatchSource } {
  const { layout, heldOut, batch, microRows, bucketing, overlong } = recipe;
  const { seed } = options;
  const context = recipe.context ?? options.context;
  const part: Part = { of: 'train', share: heldOut };
  const hash = hashOf(sources, {
    layout,
    heldOut,
    batch,
    microRows,
    bucketing,
    overlong,
    context,
    seed,
  });
  const shared = { context, batch, microRows, seed, hash };
  if (layout === 'windows')
    return { batches: randomWindows(sources, { ...shared, part }), sequences: undefined };
  const set = selectSequences(sources, { context, overlong, part, repeats: true });
  if (set.count === 0) {
    const path = sources.map((source) => source.path).join(', ');
    throw errors.DATA_EMPTY({ path, reason: `no example fits the context of ${context} tokens` });
  }
  const rows = set.rows.reduce((sum, own) => sum + own, 0);
  const summary = { ...set.counts, count: set.count, rows };
  if (layout === 'examples') {
    return { batches: exampleSource(set, { ...shared, bucketing }), sequences: summary };
  }
  const { source, bins } = packedSource(set, shared);
  return { batches: source, sequences: { ...summary, bins, filled: rows / (bins * context) } };
}

function heldOutBatches(
  train: readonly TokenSource[],
  validation: readonly TokenSource[] | undefined,
  recipe: DataRecipe,
  options: OpenDataOptions,
): BatchSource | undefined {
  const { layout, heldOut, overlong } = recipe;
  if (validation === undefined && heldOut === 0) return undefined;
  const sources = validation ?? train;
  const part: Part = validation ? { of: 'all' } : { of: 'heldOut', share: heldOut };
  const context = recipe.context ?? options.context;
  const microRows = Math.max(recipe.microRows, context);
  // one pass a step
  const batch = Math.max(1, Math.floor(microRows / context));
  const hash = hashOf(sources, { layout, part, overlong, context });
  const shared = { context, batch, microRows, hash };
  if (layout === 'windows') return consecutiveWindows(sources, { ...shared, part });
  const set = selectSequences(sources, { context, overlong, part, repeats: false });
  if (set.count === 0) {
    const path = sources.map((source) => source.path).join(', ');
    throw errors.DATA_EMPTY({ path, reason: 'nothing is left to hold out' });
  }
  return packedSource(set, shared).source;
}

function hashOf(sources: readonly TokenSource[], parts: unknown): string {
  const contents = sources.map(({ file, repeat }) => [file.facts.hash, repeat]);
  return createHash('sha256')
    .update(JSON.stringify([contents, parts]))
    .digest('hex');
}

function summarise({ path, file }: TokenSource): SourceSummary {
  const { examples, tokens, learned, badRows, firstBadRows } = file.facts;
  return { path, examples, tokens, learned, badRows, firstBadRows };
}
