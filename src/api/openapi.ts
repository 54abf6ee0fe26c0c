// The description at /openapi.json, made from the schemas that check the requests.
import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import { embeddingFields } from './fields/embedding-fields.ts';
import type { Fields } from './fields/fields.ts';
import { countTokensFields, messageFields } from './fields/message-fields.ts';
import { chatFields, completionFields } from './fields/text-fields.ts';
import type { ApiEnv } from './request-context.ts';
import { detokenizeFields, tokenizeFields } from './routes/tokenize.ts';
import { usageFields } from './routes/usage.ts';

interface Route {
  readonly method: 'get' | 'post';
  readonly path: string;
  readonly summary: string;
  readonly body?: z.ZodType;
  readonly query?: Fields<unknown>;
  /** Does it answer callers without a key even where one is required? */
  readonly isOpen?: boolean;
}

const routes: readonly Route[] = [
  {
    method: 'post',
    path: '/v1/chat/completions',
    summary: 'Answer a conversation',
    body: chatFields.schema,
  },
  {
    method: 'post',
    path: '/v1/completions',
    summary: 'Continue texts',
    body: completionFields.schema,
  },
  {
    method: 'post',
    path: '/v1/messages',
    summary: 'Answer a conversation, in Anthropic’s shape',
    body: messageFields.schema,
  },
  {
    method: 'post',
    path: '/v1/messages/count_tokens',
    summary: 'Count the tokens of a conversation',
    body: countTokensFields.schema,
  },
  { method: 'post', path: '/v1/embeddings', summary: 'Embed texts', body: embeddingFields.schema },
  { method: 'get', path: '/v1/models', summary: 'List what is served' },
  { method: 'get', path: '/v1/models/{model}', summary: 'One of the models' },
  { method: 'post', path: '/tokenize', summary: 'Text to ids', body: tokenizeFields.schema },
  { method: 'post', path: '/detokenize', summary: 'Ids to text', body: detokenizeFields.schema },
  {
    method: 'get',
    path: '/v1/usage',
    summary: 'What the key has used, by day and model',
    query: usageFields,
  },
  { method: 'get', path: '/health', summary: 'Does the process answer?', isOpen: true },
  { method: 'get', path: '/ready', summary: 'Does it take requests?', isOpen: true },
  { method: 'get', path: '/metrics', summary: 'Metrics for Prometheus' },
];

// A type, not an interface: it must fit one with an index signature.
type QueryParameter = {
  readonly name: string;
  readonly in: 'query';
  readonly description: string;
  readonly schema: { readonly type: 'string' };
};

/** Tells an app's registry of the routes. */
export function registerRoutes(app: OpenAPIHono<ApiEnv>): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'key', {
    type: 'http',
    scheme: 'bearer',
    description: 'Wanted where the server requires keys; `x-api-key` does as well.',
  });
  for (const { method, path, summary, body, query, isOpen = false } of routes) {
    app.openAPIRegistry.registerPath({
      method,
      path,
      summary,
      // An empty requirement beside the key: many servers require none.
      security: isOpen ? [] : [{ key: [] }, {}],
      ...(query === undefined ? {} : { parameters: parametersOf(query) }),
      ...(body === undefined
        ? {}
        : { request: { body: { content: { 'application/json': { schema: jsonSchema(body) } } } } }),
      responses: {
        200: {
          description:
            'As OpenAI’s or Anthropic’s API documents it; docs/guides/serve.md says what is more.',
        },
        default: { description: 'An error: { error: { message, type, param, code } }.' },
      },
    });
  }
}

function parametersOf({ docs }: Fields<unknown>): QueryParameter[] {
  return docs.map(({ name, text }) => ({
    name,
    in: 'query',
    description: text,
    schema: { type: 'string' },
  }));
}

// Zod's own: it knows all of its kinds. What it gives is what OpenAPI 3.1 calls a schema.
function jsonSchema(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}

/** The document of an app. */
export function describeApi(app: OpenAPIHono<ApiEnv>, version: string): object {
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'Corral', version, description: 'Llama models in OpenAI’s shape.' },
  });
}
