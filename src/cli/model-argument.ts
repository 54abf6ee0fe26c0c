// What MODEL means: a file, a folder, a name in the local store, or nothing. And what a single
// positional of `run` is: a model if it is one, an error if it looks like a path, else the prompt.
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { errors } from '../base/errors.ts';
import type { ShippedPurpose } from '../store/index.ts';
import type { Context } from './context.ts';

const modelEndings = /\.(gguf|bin|pt|pth|safetensors|model|json)$/i;

/**
 * The path to open for MODEL; where none is named, that of the model that ships for the purpose. Throws
 * MODEL_NEEDED, FILE_NOT_FOUND, MODEL_NOT_FOUND or MODEL_AMBIGUOUS.
 */
export async function resolveModelArgument(
  model: string | undefined,
  context: Context,
  purpose: ShippedPurpose = 'chat',
): Promise<string> {
  if (model === undefined || model === '') {
    const shipped = await findDefaultModel(purpose, context);
    if (shipped === undefined) throw errors.MODEL_NEEDED({ found: '' });
    return shipped;
  }
  const found = await findModelArgument(model, context);
  if (found !== undefined) return found;
  const store = await context.library.store();
  if (store.readModelName(model) !== undefined && !modelEndings.test(model)) {
    return (await store.resolveModel(model, storeOf(context, store))).path;
  }
  throw errors.FILE_NOT_FOUND({ path: model });
}

/** The path to open for MODEL when there is such a model; undefined when there is none. */
export async function findModelArgument(
  model: string,
  context: Context,
): Promise<string | undefined> {
  if (model === '' || model.includes('\0')) return undefined;
  const path = expandHome(model);
  if (existsSync(path)) return path;
  const store = await context.library.store();
  const stored = await store.findModel(model, storeOf(context, store));
  return stored?.path ?? store.findShippedModel(model);
}

async function findDefaultModel(
  purpose: ShippedPurpose,
  { library }: Context,
): Promise<string | undefined> {
  const { findShippedModel, shippedModels } = await library.store();
  return findShippedModel(shippedModels[purpose]);
}

/** Which store this command line works on. */
export function storeOf(
  { io }: Context,
  store: Pick<typeof import('../store/index.ts'), 'storeFolder'>,
): { readonly store: string } {
  return { store: store.storeFolder(io.env) };
}

/** Does this text look like a path or a store name, rather than like a prompt? */
export function looksLikePath(text: string): boolean {
  if (/[\r\n]/.test(text)) return false;
  if (/^(\.{1,2}|~)[/\\]/.test(text) || /^[A-Za-z]:\\/.test(text)) return true;
  return modelEndings.test(text) || (/[/\\]/.test(text) && !/\s/.test(text));
}

/** MODEL and PROMPT of `run` from what was given on the command line. */
export async function readRunArguments(
  first: string | undefined,
  second: string | undefined,
  context: Context,
): Promise<{ readonly path: string; readonly prompt: string | undefined }> {
  if (first === undefined || second !== undefined) {
    return { path: await resolveModelArgument(first, context, 'base'), prompt: second };
  }
  const path = await findModelArgument(first, context);
  if (path !== undefined) return { path, prompt: undefined };
  if (looksLikePath(first))
    return { path: await resolveModelArgument(first, context), prompt: undefined };
  const shipped = await findDefaultModel('base', context);
  if (shipped === undefined) throw errors.MODEL_NEEDED({ found: JSON.stringify(first) });
  return { path: shipped, prompt: first };
}

// The shell expands ~ only where it stands alone, not in --flag=~/x or in quotes.
function expandHome(path: string): string {
  return path.startsWith('~/') ? homedir() + path.slice(1) : path;
}
