// Opens the model a recipe names or describes, without its weights: shape, tokenizer, chat template.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errors } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { OnProgress } from '../../base/progress.ts';
import { type Checkpoint, openCheckpoint, openTokenizer } from '../../formats/index.ts';
import { isTokenizerFile } from '../../formats/tokenizer-files.ts';
import { findShippedModel, resolveModel } from '../../store/index.ts';
import { dtypes } from '../../tensor/dtype.ts';
import { defaultChatTemplate } from '../../tokenizer/chat.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { ModelFacts } from '../checkpoint/device-checkpoint.ts';
import { type OpenedData, openData } from '../data/open-data.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { newConfig } from './load-model.ts';

/** What a run may be given from outside. */
export interface RunSurroundings {
  /** Folder of the local store: bases by name, tokenised data, the table of runs. */
  readonly store: string;
  readonly logger: Logger;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A model without weights. */
export interface OpenModel {
  readonly facts: ModelFacts;
  readonly tokenizer: Tokenizer;
  /** The base, open for reading; absent: a new model. */
  readonly checkpoint: Checkpoint | undefined;
  close(): Promise<void>;
}

/** What `corral runs` calls the run, and the model it makes. */
export function nameOf(recipe: Recipe): string {
  return recipe.name ?? (recipe.output.split(/[\\/]/).filter(Boolean).at(-1) as string);
}

/** Opens the model. Throws TOKENIZER_NEEDED, TOKENIZER_MISMATCH, OPTION_INVALID, or what is wrong with the files. */
export async function openModel(recipe: Recipe, options: RunSurroundings): Promise<OpenModel> {
  const { base } = recipe.model;
  if (base === undefined) return openNew(recipe);
  const path = existsSync(base)
    ? base
    : (findShippedModel(base) ?? (await resolveModel(base, options)).path);
  const { tokenizer: other } = recipe.data;
  const checkpoint = await openCheckpoint(path, other === undefined ? {} : { tokenizer: other });
  try {
    return await openBased(recipe, checkpoint);
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

/** Opens the data of a recipe for a model; tokens are kept in the store's folder. */
export function openRunData(
  recipe: Recipe,
  { facts, tokenizer }: Pick<OpenModel, 'facts' | 'tokenizer'>,
  { store, logger, onProgress, signal }: RunSurroundings,
): Promise<OpenedData> {
  const cache = recipe.data.cache ?? join(store, 'tokens');
  return openData(
    { ...recipe.data, cache },
    {
      tokenizer,
      template: facts.chatTemplate,
      context: facts.config.context,
      seed: recipe.seed,
      logger,
      ...(onProgress === undefined ? {} : { onProgress }),
      ...(signal === undefined ? {} : { signal }),
    },
  );
}

async function openNew(recipe: Recipe): Promise<OpenModel> {
  const { tokenizer: path, template } = recipe.data;
  if (path === undefined) throw errors.TOKENIZER_NEEDED({ path: 'A recipe for a new model' });
  const tokenizer = await openTokenizer(path);
  const facts: ModelFacts = {
    name: nameOf(recipe),
    config: newConfig(recipe.model, tokenizer.size),
    chatTemplate: await readTemplate(template),
    generation: { endTokens: tokenizer.eos === undefined ? [] : [tokenizer.eos] },
    licence: undefined,
    files: isTokenizerFile(path) ? [path] : [],
    tokenizer: async () => tokenizer,
  };
  return { facts, tokenizer, checkpoint: undefined, close: async () => {} };
}

async function openBased(recipe: Recipe, checkpoint: Checkpoint): Promise<OpenModel> {
  const { config, chatTemplate, generation, licence, path } = checkpoint;
  const tokenizer = await checkpoint.tokenizer();
  if (tokenizer === undefined) throw errors.TOKENIZER_NEEDED({ path });
  if (tokenizer.size > config.vocab) {
    throw errors.TOKENIZER_MISMATCH({ tokens: tokenizer.size, vocab: config.vocab });
  }
  const { kind, quantise } = recipe.method;
  if (kind === 'qlora' && quantise === undefined) checkQuantised(checkpoint);
  const given = await readTemplate(recipe.data.template);
  // A template of the recipe takes the place of those in the base's files.
  const isReplaced = (file: string): boolean =>
    given !== undefined && /(_config\.json|\.jinja)$/.test(file);
  const facts: ModelFacts = {
    name: nameOf(recipe),
    config,
    chatTemplate: given ?? defaultChatTemplate({ chatTemplate, tokenizer }),
    generation,
    licence,
    files: checkpoint.files.filter((file) => isTokenizerFile(file) && !isReplaced(file)),
    tokenizer: async () => tokenizer,
  };
  return { facts, tokenizer, checkpoint, close: () => checkpoint.close() };
}

/** `llama-2`, or the Jinja source of a template's file. */
async function readTemplate(template: string | undefined): Promise<string | undefined> {
  if (template === undefined || template === 'llama-2') return template;
  return readFile(template, 'utf8').catch((cause) => {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') {
      throw errors.INPUT_NOT_FOUND({ path: template }, { cause });
    }
    throw errors.FILE_UNREADABLE({ path: template, reason: (cause as Error).message }, { cause });
  });
}

function checkQuantised({ tensors, path }: Checkpoint): void {
  for (const { dtype, shape } of tensors.values()) {
    if (shape.length > 1 && dtypes[dtype].blockSize > 1) return;
  }
  throw errors.OPTION_INVALID({
    option: 'method.kind',
    found: `qlora over ${path}, whose matrices are not quantised`,
    allowed: 'a quantised base, `method.quantise` with a type, or `kind: lora`',
  });
}
