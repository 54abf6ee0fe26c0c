// Whom `corral eval` asks: models on this machine, and models behind endpoints, whose cost is shown before
// anything is asked.
import { errors } from '../base/errors.ts';
import type { OnProgress } from '../base/progress.ts';
import type { Answerer, EndpointPrices, ModelRequest } from '../evaluate/index.ts';
import type { Database } from '../store/index.ts';
import { dropUndefined, toLoadOptions } from './command-options.ts';
import { type Context, makeLogger } from './context.ts';
import type { EvalOptions } from './eval.ts';
import { forTerminal, tell } from './io.ts';
import { resolveModelArgument } from './model-argument.ts';

/** A model to evaluate, found but not opened. */
export type EvaluatedName =
  | { readonly kind: 'local'; readonly path: string }
  | { readonly kind: 'endpoint'; readonly model: string; readonly baseUrl: string };

/** A model that can be asked. `confirm` lets the user stop before it costs money. */
export interface EvaluatedAnswerer extends AsyncDisposable {
  readonly answerer: Answerer;
  confirm(requests: readonly ModelRequest[]): Promise<void>;
}

interface OpenRun {
  readonly options: EvalOptions;
  readonly context: Context;
  readonly database: Database;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
}

const prefix = 'openai:';

/** All models that were named, those on this machine first. Throws where there is none. */
export async function resolveEvaluated(
  models: readonly string[],
  { model: endpoints = [], baseUrl }: EvalOptions,
  context: Context,
): Promise<readonly EvaluatedName[]> {
  if (models.length + endpoints.length === 0) throw errors.MODEL_NEEDED({ found: '' });
  const named: EvaluatedName[] = [];
  for (const model of models) {
    named.push({ kind: 'local', path: await resolveModelArgument(model, context) });
  }
  for (const endpoint of endpoints) {
    const model = endpoint.startsWith(prefix) ? endpoint.slice(prefix.length) : '';
    if (model === '') {
      const allowed = 'openai:NAME; a model on this machine is named without --model';
      throw errors.OPTION_INVALID({ option: '--model', found: endpoint, allowed });
    }
    if (baseUrl === undefined) {
      const reason = `Where ${model} answers was not said: give --base-url URL, such as https://api.openai.com/v1.`;
      throw errors.USAGE_INVALID({ reason, command: 'corral eval' });
    }
    named.push({ kind: 'endpoint', model, baseUrl });
  }
  return named;
}

/** Two prices per million tokens, with a comma between. */
export function readPrices(text: string): EndpointPrices {
  const prices = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const [inputPerMillion = Number.NaN, outputPerMillion = Number.NaN] = prices;
  if (prices.length === 2 && inputPerMillion >= 0 && outputPerMillion >= 0) {
    return { inputPerMillion, outputPerMillion };
  }
  const allowed = 'two prices per million tokens, in and out, such as 0.15,0.60';
  throw errors.OPTION_INVALID({ option: '--prices', found: text, allowed });
}

/** Opens a model to ask it. */
export async function openEvaluated(
  named: EvaluatedName,
  run: OpenRun,
): Promise<EvaluatedAnswerer> {
  return named.kind === 'local' ? openLocal(named.path, run) : openEndpoint(named, run);
}

async function openLocal(path: string, run: OpenRun): Promise<EvaluatedAnswerer> {
  const { options, context, database, signal, onProgress } = run;
  const { io, library } = context;
  const evaluation = await library.evaluation();
  const model = await library.loadForEvaluation(path, {
    ...toLoadOptions(options),
    sharePrefixes: options.prefixSharing,
    signal,
    onProgress,
    logger: makeLogger(io, options.verbose),
  });
  try {
    const { tokenizer, config } = options;
    const answerer = await evaluation.openEngineAnswerer(model, {
      database,
      usesChatTemplate: options.chatTemplate === true,
      sharesPrefixes: options.prefixSharing,
      checkpoint: dropUndefined({ tokenizer, config }),
      onProgress,
      signal,
    });
    return {
      answerer,
      confirm: async () => {},
      [Symbol.asyncDispose]: () => answerer.close(),
    };
  } catch (error) {
    await model.close();
    throw error;
  }
}

async function openEndpoint(
  { model, baseUrl }: Extract<EvaluatedName, { kind: 'endpoint' }>,
  { options, context, signal }: OpenRun,
): Promise<EvaluatedAnswerer> {
  const { io, library } = context;
  const evaluation = await library.evaluation();
  const { concurrency, context: maxLength, prices, tokenizer } = options;
  const answerer = await evaluation.openOpenAiAnswerer({
    model,
    baseUrl,
    usesChatTemplate: options.chatTemplate === true,
    ...dropUndefined({
      apiKey: io.env['OPENAI_API_KEY'],
      concurrency,
      maxLength,
      prices,
      tokenizer: tokenizer === undefined ? undefined : await library.openTokenizer(tokenizer),
    }),
    signal,
  });
  return {
    answerer,
    confirm: async (requests) => {
      const cost = describeCost(model, answerer.estimate(requests));
      if (options.yes === true) {
        if (options.json !== true) await tell(io, `${cost}\n`);
        return;
      }
      if (!io.isTerminal.stdin || !io.isTerminal.stderr) {
        const reason = `${cost} Nothing was asked: give --yes to go ahead.`;
        throw errors.USAGE_INVALID({ reason, command: 'corral eval' });
      }
      await tell(io, `${cost}\n`);
      if (!(await library.confirm('Go ahead?'))) throw errors.ABORTED({ what: 'Evaluation' });
    },
    [Symbol.asyncDispose]: () => answerer.close(),
  };
}

function describeCost(
  model: string,
  estimate: {
    readonly requests: number;
    readonly inputTokens: number;
    readonly outputTokensAtMost: number;
    readonly isGuess: boolean;
    readonly costAtMost?: number;
  },
): string {
  const { requests, inputTokens, outputTokensAtMost, isGuess, costAtMost } = estimate;
  const show = (count: number): string => count.toLocaleString('en-US');
  const about = isGuess ? 'about ' : '';
  const money =
    costAtMost === undefined
      ? 'the price is not known (--prices)'
      : `at most ${costAtMost.toFixed(2)} by --prices`;
  const name = forTerminal(model);
  return `${name} will be asked ${show(requests)} times: ${about}${show(inputTokens)} tokens in, at most ${show(outputTokensAtMost)} out, ${money}; less for what it answered before.`;
}
