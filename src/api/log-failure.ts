// What goes into the log when the server itself failed: where, never what was said. Messages of unknown
// errors are left out, since they may hold part of a request.
import { CorralError } from '../base/define-errors.ts';
import type { ApiLogger } from './api-parts.ts';
import type { RequestContext } from './request-context.ts';

/** Logs an error that became a 5xx. */
export function logFailure(
  logger: ApiLogger,
  request: Pick<RequestContext, 'id' | 'path'> | undefined,
  error: unknown,
): void {
  logger.error(
    { request: request?.id, path: request?.path, error: describe(error) },
    'a request failed',
  );
}

function describe(error: unknown): object {
  if (!(error instanceof Error)) return { name: typeof error };
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const known = CorralError.isInstance(error) ? { code: error.code } : {};
  const cause = error.cause === undefined ? {} : { cause: describe(error.cause) };
  return { name: error.name, ...known, at: frames.map((line) => line.trim()), ...cause };
}
