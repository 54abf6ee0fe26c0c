// What a MODEL argument means: a file or folder if there is one, else a name in the local store, else a
// model that ships with Corral.
import { existsSync } from 'node:fs';
import { errors } from '../base/errors.ts';
import { findModel, findShippedModel, resolveModel } from '../store/index.ts';

/**
 * The path of a model. A text that looks like a path but is none, and a name the store does not have,
 * are FILE_NOT_FOUND and MODEL_NOT_FOUND.
 */
export async function locateModel(model: string): Promise<string> {
  if (existsSync(model)) return model;
  if (looksLikePath(model)) {
    const stored = await findModel(model);
    if (stored === undefined) throw errors.FILE_NOT_FOUND({ path: model });
    return stored.path;
  }
  const stored = await findModel(model);
  return stored?.path ?? findShippedModel(model) ?? (await resolveModel(model)).path;
}

/** Is this text meant as a path? It begins like one or ends like a file of weights. */
export function looksLikePath(text: string): boolean {
  return /^(\.{0,2}|~)[/\\]|^[A-Za-z]:\\|\.(gguf|safetensors|bin|pth?|json|model)$/.test(text);
}
