// The models that `corral serve` was told to serve: their names, their files, and how each is loaded.
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { ModelSource, ServerMetrics } from '../api/index.ts';
import { errors } from '../base/errors.ts';
import type { PageStore } from '../engine/index.ts';
import { dropUndefined, type ModelOptions, toLoadOptions } from './command-options.ts';
import { type Context, makeLogger } from './context.ts';
import { resolveModelArgument } from './model-argument.ts';

/** Flags of `corral serve`. */
export interface ServeFlags extends ModelOptions {
  readonly host: string;
  readonly port: number;
  readonly alias?: readonly string[];
  readonly lora?: readonly string[];
  readonly sequences?: number;
  readonly maxWaiting: number;
  readonly allowAnonymous?: boolean;
  readonly apiKeysRequired?: boolean;
  readonly unloadAfter?: number;
  readonly memory?: number;
  readonly prefixCache?: string;
  readonly prefixCacheSize?: number;
  readonly maxBody?: number;
  readonly answerTimeout?: number;
  readonly cors?: readonly string[];
  readonly logRequests?: boolean;
}

/** What sources need of the server: where engines report, and where their pages are kept. */
export interface Served extends Context {
  readonly metrics: ServerMetrics;
  readonly pageStore: PageStore | undefined;
}

/** Every model to serve under its name. Paths are found now: what is missing shows before anybody asks. */
export async function findSources(
  given: readonly string[],
  options: ServeFlags,
  context: Served,
): Promise<ModelSource[]> {
  const named = (options.alias ?? []).map((text) => {
    const [name, model] = splitName('--alias', 'NAME=MODEL', text);
    return { name, model: model as string | undefined };
  });
  const adapters = new Map<string, string>();
  for (const text of options.lora ?? []) {
    const [name, path] = splitName('--lora', 'NAME=PATH', text);
    if (adapters.has(name)) throw sameName(name);
    adapters.set(name, path);
  }
  const plain = given.map((model) => ({ name: nameOf(model), model: model as string | undefined }));
  if (named.length + plain.length === 0) plain.push({ name: 'cria-chat', model: undefined });
  if (adapters.size > 0 && plain.length + named.length > 1) {
    const found = `${plain.length + named.length} models`;
    throw errors.OPTION_INVALID({ option: '--lora', found, allowed: 'one model beside it' });
  }
  const speculate = await locateDrafter(options.speculate, context);
  const found = { ...options, ...dropUndefined({ speculate }) };
  const sources: ModelSource[] = [];
  for (const { name, model } of [...plain, ...named]) {
    if (sources.some((source) => source.name === name) || adapters.has(name)) {
      throw sameName(name);
    }
    const path = await resolveModelArgument(model, context);
    // The model is loaded when it is asked for; what is wrong with an adapter shows now.
    if (adapters.size > 0) {
      await context.library.checkAdapters(path, toLoadOptions(options), adapters);
    }
    sources.push(sourceOf({ name, path, adapters }, found, context));
  }
  return sources;
}

async function locateDrafter(
  speculate: ModelOptions['speculate'],
  context: Served,
): Promise<ModelOptions['speculate']> {
  if (speculate?.startsWith('draft:') !== true) return speculate;
  const path = await resolveModelArgument(speculate.slice('draft:'.length), context);
  return `draft:${path}`;
}

function sameName(found: string): Error {
  const allowed = 'each name once; give others with --alias NAME=MODEL, or --lora NAME=PATH';
  return errors.OPTION_INVALID({ option: 'The name', found, allowed });
}

function splitName(option: string, allowed: string, text: string): [string, string] {
  const [name = '', ...rest] = text.split('=');
  if (name !== '' && rest.length > 0) return [name, rest.join('=')];
  throw errors.OPTION_INVALID({ option, found: text, allowed });
}

function sourceOf(
  given: {
    readonly name: string;
    readonly path: string;
    readonly adapters: ReadonlyMap<string, string>;
  },
  options: ServeFlags,
  { library, io, metrics, pageStore }: Served,
): ModelSource {
  const { name, path, adapters } = given;
  const load = {
    ...toLoadOptions(options),
    ...dropUndefined({ sequences: options.sequences, pageStore }),
    maxWaiting: options.maxWaiting,
  };
  return {
    name,
    createdAt: statSync(path).mtime,
    adapters: [...adapters.keys()],
    measure: async () => (await import('./measure-model.ts')).measureModel(path, load, library),
    load: () => {
      const logger = makeLogger(io, options.verbose);
      const observer = metrics.observer(name);
      return library.loadForServing(path, { ...load, logger, observer }, adapters);
    },
  };
}

// A file by its name without the ending, a name in the store as it is.
function nameOf(model: string): string {
  return /^(\.{0,2}|~)\//.test(model) || model.endsWith('.gguf')
    ? basename(model).replace(/\.(gguf|bin|pth?|safetensors)$/i, '')
    : model;
}
