// A model for a caller: one that is served, and that this caller may use.
import { errors } from '../base/errors.ts';
import type { ModelLease, ModelPool } from './model-pool.ts';
import type { Caller, RequestContext } from './request-context.ts';

/** May this caller know of the model? */
export function mayUse({ models }: Caller, name: string): boolean {
  return models?.includes(name) ?? true;
}

/** A lease of the model. One that the caller may not use is not served to them: neither is told from a name that means nothing. */
export function useModel(
  name: string,
  { caller }: RequestContext,
  pool: ModelPool,
): Promise<ModelLease> {
  const have = pool.list().filter((state) => mayUse(caller, state.name));
  if (!have.some((state) => state.name === name)) {
    throw errors.MODEL_NOT_SERVED({
      name: name.slice(0, 200),
      have: have.map((state) => state.name).join(', '),
    });
  }
  return pool.use(name);
}
