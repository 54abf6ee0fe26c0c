// Opens what a recipe names: device, base or new model, tokenizer, data, and what of it all is trained.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { errors } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { OnProgress } from '../../base/progress.ts';
import type { Device } from '../../device/device.ts';
import { openDevice } from '../../device/open.ts';
import { type Checkpoint, openCheckpoint, openTokenizer } from '../../formats/index.ts';
import { isTokenizerFile } from '../../formats/tokenizer-files.ts';
import { resolveModel } from '../../store/index.ts';
import { dtypes } from '../../tensor/dtype.ts';
import { defaultChatTemplate } from '../../tokenizer/chat.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { ModelFacts } from '../checkpoint/device-checkpoint.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { initialiseModel, loadBase, newConfig } from './load-model.ts';
import { decayGroups, type LoadedModel, type Trainee, trainAdapter, trainAll } from './trainee.ts';

/** What a run may be given from outside. */
export interface OpenRunOptions {
  /** Folder of the local store, for bases that are named. */
  readonly store: string;
  readonly logger: Logger;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A model ready to be trained. */
export interface OpenRun {
  readonly device: Device;
  readonly trainee: Trainee;
  readonly tokenizer: Tokenizer;
  /** The base of an adapter, open for reading; absent: the run makes a whole model. */
  readonly base: Checkpoint | undefined;
  /** Frees device and files. */
  close(): Promise<void>;
}

/** Opens everything but the data. Throws what is wrong with any of it, and then leaves nothing open. */
export async function openRun(recipe: Recipe, options: OpenRunOptions): Promise<OpenRun> {
  const { threads } = recipe;
  const { logger } = options;
  const device = openDevice(recipe.device, {
    logger,
    ...(threads === undefined ? {} : { threads }),
  });
  try {
    return recipe.model.base === undefined
      ? await openNew(recipe, device)
      : await openBased(recipe, recipe.model.base, device, options);
  } catch (error) {
    await device.close();
    throw error;
  }
}

async function openNew(recipe: Recipe, device: Device): Promise<OpenRun> {
  const path = recipe.data.tokenizer;
  if (path === undefined) throw errors.TOKENIZER_NEEDED({ path: 'A recipe for a new model' });
  const tokenizer = await openTokenizer(path);
  const config = newConfig(recipe.model, tokenizer.size);
  const facts: ModelFacts = {
    name: nameOf(recipe),
    config,
    chatTemplate: await readTemplate(recipe.data.template),
    generation: { endTokens: tokenizer.eos === undefined ? [] : [tokenizer.eos] },
    licence: undefined,
    files: isTokenizerFile(path) ? [path] : [],
    tokenizer: async () => tokenizer,
  };
  const weights = await initialiseModel(device, config, recipe.seed);
  const model: LoadedModel = { device, facts, weights, base: undefined };
  const trainee = trainAll(model, decayGroups(recipe.optimizer));
  return { device, trainee, tokenizer, base: undefined, close: () => device.close() };
}

async function openBased(
  recipe: Recipe,
  base: string,
  device: Device,
  options: OpenRunOptions,
): Promise<OpenRun> {
  const path = existsSync(base) ? base : (await resolveModel(base, options)).path;
  const { tokenizer: other, template } = recipe.data;
  const checkpoint = await openCheckpoint(path, other === undefined ? {} : { tokenizer: other });
  const close = async (): Promise<void> => {
    await device.close();
    await checkpoint.close();
  };
  try {
    const tokenizer = await checkpoint.tokenizer();
    if (tokenizer === undefined) throw errors.TOKENIZER_NEEDED({ path });
    const { vocab } = checkpoint.config;
    if (tokenizer.size > vocab) throw errors.TOKENIZER_MISMATCH({ tokens: tokenizer.size, vocab });
    const given = await readTemplate(template);
    const facts = factsOf(recipe, checkpoint, tokenizer, given);
    const { method } = recipe;
    if (method.kind === 'qlora' && method.quantise === undefined) checkQuantised(checkpoint);
    const { onProgress, signal } = options;
    const as = method.kind === 'full' ? 'f32' : (method.quantise ?? 'as-is');
    const weights = await loadBase(checkpoint, device, { as, onProgress, signal });
    const model: LoadedModel = { device, facts, weights, base };
    const decay = decayGroups(recipe.optimizer);
    if (method.kind === 'full') {
      return { device, trainee: trainAll(model, decay), tokenizer, base: undefined, close };
    }
    const trainee = await trainAdapter(model, { method, decay, seed: recipe.seed });
    return { device, trainee, tokenizer, base: checkpoint, close };
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

function factsOf(
  recipe: Recipe,
  checkpoint: Checkpoint,
  tokenizer: Tokenizer,
  given: string | undefined,
): ModelFacts {
  const { config, chatTemplate, generation, licence } = checkpoint;
  // A template of the recipe takes the place of those in the base's files.
  const isReplaced = (file: string): boolean =>
    given !== undefined && /(_config\.json|\.jinja)$/.test(file);
  const files = checkpoint.files.filter((file) => isTokenizerFile(file) && !isReplaced(file));
  return {
    name: nameOf(recipe),
    config,
    chatTemplate: given ?? defaultChatTemplate({ chatTemplate, tokenizer }),
    generation,
    licence,
    files,
    tokenizer: async () => tokenizer,
  };
}

/** What `corral runs` calls the run, and the model it makes. */
export function nameOf(recipe: Recipe): string {
  return recipe.name ?? (recipe.output.split(/[\\/]/).filter(Boolean).at(-1) as string);
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
