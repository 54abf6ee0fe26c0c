// Errors as OpenAI's clients expect them: which of Corral's codes clients may see, with which status, type
// and code. Whatever is not in the table is our fault: a 500 that carries the code and nothing else.
import { CorralError } from '../base/define-errors.ts';

/** An error in OpenAI's shape. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    /** The field it is about. */
    readonly param: string | null;
    /** Stable. */
    readonly code: string | null;
  };
}

/** How an error is answered. */
export interface ErrorAnswer {
  readonly status: number;
  readonly body: ErrorBody;
  readonly headers: Readonly<Record<string, string>>;
}

interface Row {
  readonly status: number;
  readonly code: string;
  readonly param?: string;
  /** In place of the error's own hint, where that speaks of the command line. */
  readonly hint?: string;
  readonly retryAfterSeconds?: number;
}

const rows: Readonly<Record<string, Row>> = {
  BODY_INVALID: { status: 400, code: 'invalid_body' },
  BODY_TOO_LARGE: { status: 413, code: 'request_too_large' },
  FIELD_UNKNOWN: { status: 400, code: 'unknown_parameter' },
  FIELD_UNSUPPORTED: { status: 400, code: 'unsupported_parameter' },
  FIELD_INVALID: { status: 400, code: 'invalid_value' },
  OPTION_INVALID: { status: 400, code: 'invalid_value', hint: 'Correct the field.' },
  INPUT_INVALID: { status: 400, code: 'invalid_value' },
  TOKEN_UNKNOWN: { status: 400, code: 'invalid_value' },
  CONTEXT_OVERFLOW: {
    status: 400,
    code: 'context_length_exceeded',
    hint: 'Shorten the prompt or ask for fewer tokens.',
  },
  CHAT_INVALID: { status: 400, code: 'invalid_messages', param: 'messages' },
  TEMPLATE_INVALID: {
    status: 400,
    code: 'template_failed',
    param: 'messages',
    hint: 'Send messages as the template of this model expects them.',
  },
  CHAT_TEMPLATE_MISSING: {
    status: 400,
    code: 'no_chat_template',
    param: 'messages',
    hint: 'Use /v1/completions with this model.',
  },
  CONSTRAINT_UNSUPPORTED: { status: 400, code: 'constraint_unsupported' },
  CONSTRAINT_INVALID: { status: 400, code: 'constraint_invalid' },
  CONSTRAINT_TOO_LARGE: { status: 400, code: 'constraint_too_large' },
  CONSTRAINT_TOO_LONG: { status: 400, code: 'constraint_too_long' },
  KEY_MISSING: { status: 401, code: 'missing_api_key' },
  KEY_INVALID: {
    status: 401,
    code: 'invalid_api_key',
    hint: 'Send the whole key as it was shown.',
  },
  KEY_FORBIDDEN: { status: 403, code: 'permission_denied' },
  REQUESTS_EXCEEDED: { status: 429, code: 'rate_limit_exceeded' },
  TOKENS_EXCEEDED: { status: 429, code: 'token_limit_exceeded' },
  LEDGER_BEHIND: { status: 503, code: 'usage_unwritten', retryAfterSeconds: 5 },
  ENGINE_BUSY: { status: 429, code: 'engine_busy', hint: 'Try again later.' },
  TOOLS_UNSUPPORTED: { status: 400, code: 'tools_unsupported', param: 'tools' },
  ROUTE_UNKNOWN: { status: 404, code: 'unknown_url' },
  MODEL_NOT_SERVED: { status: 404, code: 'model_not_found', param: 'model' },
  MODELS_BUSY: { status: 503, code: 'models_busy', retryAfterSeconds: 5 },
  MODEL_LOAD_FAILED: { status: 500, code: 'model_load_failed' },
  MODEL_MEMORY_EXCEEDED: { status: 507, code: 'model_memory_exceeded' },
  MODEL_CLOSED: { status: 503, code: 'server_draining', retryAfterSeconds: 5 },
  // Only an answer that was stopped from outside ends so; nobody reads this but those it was stopped for.
  ABORTED: { status: 503, code: 'aborted', retryAfterSeconds: 1 },
  SERVER_DRAINING: { status: 503, code: 'server_draining', retryAfterSeconds: 5 },
};

const types: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  429: 'rate_limit_error',
};

/** The status, body and headers for anything that was thrown. */
export function answerError(error: unknown): ErrorAnswer {
  const known = CorralError.isInstance(error) ? error : undefined;
  const name = known?.code.replace(/^CORRAL_/, '') ?? '';
  const row = rows[name];
  if (known === undefined || row === undefined) {
    const code = known === undefined ? 'internal_error' : name.toLowerCase();
    const message = `The server failed (${code}). Its log says more under the request's id.`;
    return { status: 500, body: shape(message, 500, { code, param: null }), headers: {} };
  }
  const { status, code } = row;
  const retryAfterSeconds = known.data['retrySeconds'] ?? row.retryAfterSeconds;
  const headers: Record<string, string> = {};
  if (retryAfterSeconds !== undefined) headers['retry-after'] = String(retryAfterSeconds);
  // RFC 9110, 11.6.1: a 401 says how to do better.
  if (status === 401) headers['www-authenticate'] = 'Bearer realm="corral"';
  const message = `${messageOf(known)} ${row.hint ?? known.hint}`.trim();
  return {
    status,
    body: shape(message, status, { code, param: paramOf(known) ?? row.param ?? null }),
    headers,
  };
}

function shape(
  message: string,
  status: number,
  { code, param }: { readonly code: string; readonly param: string | null },
): ErrorBody {
  const type = types[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error');
  return { error: { message, type, param, code } };
}

// Options of the engine have other names than the fields they came from: topK is top_k.
function paramOf({ data }: CorralError): string | undefined {
  const { field, option } = data;
  if (typeof field === 'string') return field;
  return typeof option === 'string' ? fieldName(option) : undefined;
}

function messageOf({ code, message, data }: CorralError): string {
  if (code !== 'CORRAL_OPTION_INVALID') return message;
  return `${fieldName(String(data['option']))} is ${data['found']}; allowed: ${data['allowed']}.`;
}

function fieldName(option: string): string {
  return option.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
