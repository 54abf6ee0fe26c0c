// Errors as Anthropic's clients expect them. Which error it is, and what is said of it, is the affair of
// error-body.ts.
import type { ErrorAnswer } from '../error-body.ts';

const types: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
};

/** The body of an error of the request with this id. */
export function messageError({ status, body }: ErrorAnswer, requestId: string): object {
  const type = types[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error');
  return { type: 'error', error: { type, message: body.error.message }, request_id: requestId };
}
