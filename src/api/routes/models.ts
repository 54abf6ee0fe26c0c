// GET /v1/models and /v1/models/{model}: what is served, as OpenAI lists it, with what else is known.
import type { Context } from 'hono';
import { errors } from '../../base/errors.ts';
import type { ApiParts } from '../api-parts.ts';
import type { ModelState } from '../model-pool.ts';
import type { ApiEnv } from '../request-context.ts';
import { mayUse } from '../use-model.ts';

/** The list. */
export function listModels(c: Context<ApiEnv>, { models }: ApiParts): Response {
  const { caller } = c.var.request;
  const data = models.list().filter(({ name }) => mayUse(caller, name));
  return c.json({ object: 'list', data: data.map(describeModel) });
}

/** One of them. Throws MODEL_NOT_SERVED. */
export function oneModel(c: Context<ApiEnv>, { models }: ApiParts): Response {
  // Names of models may hold slashes, as those of the store do.
  const name = decodePath(c.req.path.slice('/v1/models/'.length));
  const { caller } = c.var.request;
  const have = models.list().filter((state) => mayUse(caller, state.name));
  const state = have.find((one) => one.name === name);
  if (state !== undefined) return c.json(describeModel(state));
  throw errors.MODEL_NOT_SERVED({
    name: name.slice(0, 200),
    have: have.map((one) => one.name).join(', '),
  });
}

function describeModel({ name, createdAt, state, model }: ModelState): object {
  const facts =
    model === undefined
      ? {}
      : {
          max_model_len: model.engine.context,
          vocabulary: model.config.vocab,
          chat: model.chatTemplate !== undefined,
        };
  return {
    id: name,
    object: 'model',
    created: Math.floor(createdAt.getTime() / 1000),
    owned_by: 'corral',
    state,
    ...facts,
  };
}

function decodePath(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
