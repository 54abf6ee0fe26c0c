// Whom `corral eval` asks: models on this machine, and models behind endpoints.
import { errors } from '../base/errors.ts';
import type { OnProgress } from '../base/progress.ts';
import type { Answerer } from '../evaluate/index.ts';
import type { Database } from '../store/index.ts';
import { toLoadOptions } from './command-options.ts';
import { type Context, makeLogger } from './context.ts';
import type { EvalOptions } from './eval.ts';
import { resolveModelArgument } from './model-argument.ts';

/** A model to evaluate, found but not opened. */
export type EvaluatedName = { readonly kind: 'local'; readonly path: string };

/** All models that were named, those on this machine first. Throws USAGE_INVALID where there is none. */
export async function resolveEvaluated(
  models: readonly string[],
  _options: EvalOptions,
  context: Context,
): Promise<readonly EvaluatedName[]> {
  if (models.length === 0) throw errors.MODEL_NEEDED({ found: '' });
  const named: EvaluatedName[] = [];
  for (const model of models) {
    named.push({ kind: 'local', path: await resolveModelArgument(model, context) });
  }
  return named;
}

/** Opens a model to ask it. */
export async function openEvaluated(
  named: EvaluatedName,
  run: {
    readonly options: EvalOptions;
    readonly context: Context;
    readonly database: Database;
    readonly signal: AbortSignal;
    readonly onProgress: OnProgress;
  },
): Promise<Answerer> {
  const { options, context, database, signal, onProgress } = run;
  const { io, library } = context;
  const evaluation = await library.evaluation();
  const model = await library.loadForEvaluation(named.path, {
    ...toLoadOptions(options),
    sharePrefixes: options.prefixSharing,
    signal,
    onProgress,
    logger: makeLogger(io, options.verbose),
  });
  try {
    const { tokenizer, config } = options;
    return await evaluation.openEngineAnswerer(model, {
      database,
      usesChatTemplate: options.chatTemplate === true,
      checkpoint: {
        ...(tokenizer === undefined ? {} : { tokenizer }),
        ...(config === undefined ? {} : { config }),
      },
      onProgress,
      signal,
    });
  } catch (error) {
    await model.close();
    throw error;
  }
}
