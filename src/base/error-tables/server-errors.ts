// Errors of the HTTP server: requests it cannot take, models it does not serve, places it may not listen at.

/** Rows of errors.ts. */
export const serverErrors = {
  BODY_INVALID: {
    status: 400,
    message: (e: { reason: string }): string => `The body of the request ${e.reason}.`,
    hint: 'Send one JSON object as UTF-8, with content-type application/json.',
  },
  BODY_TOO_LARGE: {
    status: 413,
    message: (e: { limit: number }): string =>
      `The body of the request is larger than ${e.limit} bytes.`,
    hint: 'Send less at once, or start the server with a larger --max-body.',
  },
  FIELD_UNKNOWN: {
    status: 400,
    message: (e: { field: string; guess: string; allowed: string }): string =>
      `There is no field ${e.field} in this request.${e.guess} Fields are: ${e.allowed}.`,
    hint: 'Correct its name or leave it out: nothing is ignored silently.',
  },
  FIELD_UNSUPPORTED: {
    status: 400,
    message: (e: { field: string; reason: string }): string =>
      `${e.field} is not supported: ${e.reason}.`,
    hint: 'Leave it out: nothing is ignored silently.',
  },
  FIELD_INVALID: {
    status: 400,
    message: (e: { field: string; found: string; allowed: string }): string =>
      `${e.field} is ${e.found}; allowed: ${e.allowed}.`,
    hint: 'Correct the field.',
  },
  ROUTE_UNKNOWN: {
    status: 404,
    message: (e: { method: string; path: string }): string =>
      `There is nothing at ${e.method} ${e.path}.`,
    hint: '/openapi.json lists what there is.',
  },
  MODEL_NOT_SERVED: {
    status: 404,
    message: (e: { name: string; have: string }): string =>
      `The model ${e.name} is not served here. There are: ${e.have}.`,
    hint: 'Name one of them as `model`; GET /v1/models lists them.',
  },
  MODEL_LOAD_FAILED: {
    status: 500,
    message: (e: { name: string }): string => `The model ${e.name} could not be loaded.`,
    hint: 'The log of the server says why.',
  },
  MODEL_MEMORY_EXCEEDED: {
    status: 507,
    message: (e: { name: string; bytes: number; limit: number }): string =>
      `The model ${e.name} needs ${e.bytes} bytes; models together may take ${e.limit}.`,
    hint: 'Start the server with more --memory, a smaller --context, fewer --sequences, or a smaller model.',
  },
  MODELS_BUSY: {
    status: 503,
    message: (e: { name: string }): string =>
      `There is no room for the model ${e.name} now: those in memory are all in use.`,
    hint: 'Try again in a few seconds, or start the server with more --memory.',
  },
  SERVER_DRAINING: {
    status: 503,
    message: (): string => 'The server is going down and takes no new requests.',
    hint: 'Try again in a few seconds.',
  },
  TOOLS_UNSUPPORTED: {
    status: 400,
    message: (e: { model: string }): string =>
      `The chat template of ${e.model} has no place for tools.`,
    hint: 'Leave `tools` out, or serve a model whose template knows them.',
  },
  SERVER_UNPROTECTED: {
    status: 400,
    message: (e: { host: string }): string =>
      `${e.host} can be reached by others, and anybody who can reach it could use the models.`,
    hint: 'Make a key (`corral key create --name NAME`): then only its holders may ask. Or listen on 127.0.0.1, or let everybody in with --allow-anonymous.',
  },
  KEY_MISSING: {
    status: 401,
    message: (): string => 'This server answers only those who have a key; the request has none.',
    hint: 'Send one as `Authorization: Bearer KEY` or as `x-api-key: KEY`.',
  },
  KEY_INVALID: {
    status: 401,
    message: (): string => 'The key of the request is none of this server, or was revoked.',
    hint: 'Send the whole key as it was shown, or ask for a new one (`corral key create` makes it).',
  },
  KEY_FORBIDDEN: {
    status: 403,
    message: (e: { reason: string }): string => `This key may not do that: ${e.reason}.`,
    hint: 'Ask for what is its own, or use another key.',
  },
  REQUESTS_EXCEEDED: {
    status: 429,
    message: (e: { allowed: number; retrySeconds: number }): string =>
      `This key may make ${e.allowed} requests in a minute, and has made them.`,
    hint: (e: { retrySeconds: number }): string => `Try again in ${e.retrySeconds} s.`,
  },
  TOKENS_EXCEEDED: {
    status: 429,
    message: (e: { used: number; allowed: number; retrySeconds: number }): string =>
      `This key has used ${e.used} tokens today; a day has ${e.allowed}.`,
    hint: (e: { retrySeconds: number }): string =>
      `Try again after midnight UTC, in ${e.retrySeconds} s.`,
  },
  LEDGER_BEHIND: {
    status: 503,
    message: (e: { rows: number }): string =>
      `What ${e.rows} answers used could not be written yet; no more are given before it is.`,
    hint: 'Try again later; the log of the server says what is wrong with its disk.',
  },
  KEY_EXISTS: {
    status: 409,
    message: (e: { name: string }): string => `There is a key ${JSON.stringify(e.name)} already.`,
    hint: 'Choose another --name, or revoke that key first: `corral key list` shows them.',
  },
  KEY_NOT_FOUND: {
    status: 404,
    message: (e: { given: string; have: string }): string =>
      `There is no key ${JSON.stringify(e.given)}. There are: ${e.have}.`,
    hint: 'Give a name or an id that `corral key list` shows.',
  },
  ADDRESS_UNAVAILABLE: {
    status: 409,
    message: (e: { address: string; reason: string }): string =>
      `The server cannot listen at ${e.address}: ${e.reason}.`,
    hint: 'Choose another --port (0 takes a free one) or --host.',
  },
} as const;
