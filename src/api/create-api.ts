// The HTTP API: middleware and routes put together. Knows no sockets, files or commands; `listen` binds it.
import { randomUUID } from 'node:crypto';
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context, MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import { errors } from '../base/errors.ts';
import { AnswerCounter } from './answer-counter.ts';
import type { ApiLogger, ApiParts } from './api-parts.ts';
import { answerError } from './error-body.ts';
import type { UsageDay, UsageQuery } from './keys/usage-store.ts';
import { logFailure } from './log-failure.ts';
import { messageError } from './messages/message-error.ts';
import { ServerMetrics } from './metrics.ts';
import type { ModelPool } from './model-pool.ts';
import { describeApi, registerRoutes } from './openapi.ts';
import {
  type AnswerRecord,
  type ApiEnv,
  anonymous,
  type Caller,
  type CallerLimits,
} from './request-context.ts';
import { chatCompletions } from './routes/chat-completions.ts';
import { completions } from './routes/completions.ts';
import { embeddings } from './routes/embeddings.ts';
import { countTokens, messages } from './routes/messages.ts';
import { listModels, oneModel } from './routes/models.ts';
import { readPage, sendPage } from './routes/page.ts';
import { detokenize, tokenize } from './routes/tokenize.ts';
import { usage } from './routes/usage.ts';
import { type ApiSettings, defaultSettings } from './settings.ts';

/** How an API is made. */
export interface ApiOptions {
  readonly models: ModelPool;
  readonly version: string;
  readonly settings?: Partial<ApiSettings>;
  readonly logger?: ApiLogger;
  /** Told at /metrics, for Prometheus and the page's activity: engines report to its observers. Default: gauges alone. */
  readonly metrics?: ServerMetrics;
  /** The built web page, served at `/`. Default: none. */
  readonly pageFolder?: string;
  /** Write one line per request? Never what was said in it. Default false. */
  readonly logRequests?: boolean;
  /** Who asks; throws what the caller should be told. Default: everybody may. */
  readonly authenticate?: (request: Request) => Caller | Promise<Caller>;
  /** Told of each answer when it has ended, however it ended; clients see its end when this has resolved. */
  readonly onAnswer?: (record: AnswerRecord) => void | Promise<void>;
  /** What answers used, for GET /v1/usage. Default: there is no such path. */
  readonly readUsage?: (query: UsageQuery) => Promise<readonly UsageDay[]>;
}

/** An API: an app that answers requests, and the two ways to end it. */
export interface Api {
  readonly app: OpenAPIHono<ApiEnv>;
  /** From now on new requests are refused; those under way go on. */
  drain(): void;
  /** Ends what is under way. */
  stop(): void;
  /** Resolves when no answer is under way, and what each used has been taken down. */
  settled(): Promise<void>;
}

// Where clients of Anthropic's ask.
const messagePath = /^\/v1\/messages(\/|$)/;

const silent: ApiLogger = { info: () => {}, error: () => {} };

/**
 * Makes an API of models.
 * @example const { app } = createApi({ models: pool, version: '0.1.0' });
 */
export function createApi(options: ApiOptions): Api {
  const stop = new AbortController();
  let draining = false;
  const parts: ApiParts = {
    models: options.models,
    version: options.version,
    settings: { ...defaultSettings, ...options.settings },
    logger: options.logger ?? silent,
    authenticate: options.authenticate ?? (() => anonymous),
    answers: new AnswerCounter(options.onAnswer ?? (() => {})),
    readUsage: options.readUsage,
    stop: stop.signal,
    isDraining: () => draining,
  };
  const app = new OpenAPIHono<ApiEnv>();
  app.onError((error, c) => {
    const answer = answerError(error);
    const { status, body, headers } = answer;
    if (status >= 500 && status !== 503) logFailure(parts.logger, c.var.request, error);
    for (const [name, value] of Object.entries(headers)) c.header(name, value);
    const requestId = c.res.headers.get('x-request-id') ?? '';
    const shaped = messagePath.test(c.req.path) ? messageError(answer, requestId) : body;
    return c.json(shaped, status as 400);
  });
  app.notFound(({ req: { method, path } }) => {
    throw errors.ROUTE_UNKNOWN({ method, path: path.slice(0, 200) });
  });
  app.use(safeHeaders);
  const { origins } = parts.settings;
  if (origins.length > 0) app.use(cors({ origin: [...origins] }));
  if (options.logRequests === true) app.use(logRequests(parts.logger));
  app.get('/health', (c) => c.json({ status: 'ok' }));
  app.get('/ready', (c) =>
    draining ? c.json({ status: 'draining' }, 503) : c.json({ status: 'ready' }),
  );
  const metrics = options.metrics ?? new ServerMetrics();
  metrics.watch(options.models);
  app.get('/metrics', async (c) => {
    const { models } = await parts.authenticate(c.req.raw);
    const { text, contentType } = await metrics.render(models);
    return c.body(text, 200, { 'content-type': contentType });
  });
  registerRoutes(app);
  app.get('/openapi.json', (c) => c.json(describeApi(app, parts.version)));
  for (const [path, file] of readPage(options.pageFolder)) app.get(path, (c) => sendPage(c, file));
  app.use(openRequest(parts));
  app.get('/v1/models', (c) => listModels(c, parts));
  app.get('/v1/models/*', (c) => oneModel(c, parts));
  app.post('/v1/chat/completions', (c) => chatCompletions(c, parts));
  app.post('/v1/completions', (c) => completions(c, parts));
  app.post('/v1/messages', (c) => messages(c, parts));
  app.post('/v1/messages/count_tokens', (c) => countTokens(c, parts));
  app.post('/v1/embeddings', (c) => embeddings(c, parts));
  app.get('/v1/usage', (c) => usage(c, parts));
  app.post('/tokenize', (c) => tokenize(c, parts));
  app.post('/detokenize', (c) => detokenize(c, parts));
  return {
    app,
    drain: () => (draining = true),
    stop: () => stop.abort(),
    settled: () => parts.answers.none(),
  };
}

// Nothing here is to be framed, sniffed, cached or run by a browser.
const safeHeaders: MiddlewareHandler<ApiEnv> = async (c, next) => {
  c.header('x-content-type-options', 'nosniff');
  c.header('x-frame-options', 'DENY');
  c.header('referrer-policy', 'no-referrer');
  c.header('cross-origin-resource-policy', 'same-origin');
  c.header('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
  c.header('cache-control', 'no-store');
  const id = requestId(c.req.header('x-request-id'));
  c.header('x-request-id', id);
  // Anthropic's clients look for it under this name.
  if (messagePath.test(c.req.path)) c.header('request-id', id);
  await next();
};

/** The client's id for a request where it gave a decent one. */
function requestId(given: string | undefined): string {
  return given !== undefined && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
}

/** Lets a request in: not while going down, and only with a caller. */
function openRequest(parts: ApiParts): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    if (parts.isDraining()) throw errors.SERVER_DRAINING();
    const { path } = c.req;
    const id = c.res.headers.get('x-request-id') ?? '';
    const caller = await parts.authenticate(c.req.raw);
    if (caller.limits !== undefined) admit(c, caller.limits);
    const signal = AbortSignal.any([c.req.raw.signal, parts.stop]);
    c.set('request', {
      id,
      path,
      caller,
      signal,
      answerTimeoutMs: parts.settings.answerTimeoutMs,
      meter: () => parts.answers.meter({ requestId: id, caller, path }),
    });
    await next();
  };
}

// Looking at what there is counts for nothing: limits are for what models are asked.
function admit(c: Context<ApiEnv>, limits: CallerLimits): void {
  try {
    if (c.req.method === 'POST') limits.admit();
  } finally {
    for (const [name, value] of Object.entries(limits.headers())) c.header(name, value);
  }
}

function logRequests(logger: ApiLogger): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const startAt = performance.now();
    await next();
    const { method, path } = c.req;
    const request = c.res.headers.get('x-request-id');
    const ms = Math.round(performance.now() - startAt);
    const key = c.var.request?.caller.key;
    logger.info({ request, method, path, status: c.res.status, ms, key }, 'request');
  };
}
