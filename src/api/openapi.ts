// The description at /openapi.json, made from the schemas that check the requests.
import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import { embeddingFields } from './fields/embedding-fields.ts';
import { chatFields, completionFields } from './fields/text-fields.ts';
import type { ApiEnv } from './request-context.ts';
import { detokenizeFields, tokenizeFields } from './routes/tokenize.ts';

interface Route {
  readonly method: 'get' | 'post';
  readonly path: string;
  readonly summary: string;
  readonly body?: z.ZodType;
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
  { method: 'post', path: '/v1/embeddings', summary: 'Embed texts', body: embeddingFields.schema },
  { method: 'get', path: '/v1/models', summary: 'List what is served' },
  { method: 'get', path: '/v1/models/{model}', summary: 'One of the models' },
  { method: 'post', path: '/tokenize', summary: 'Text to ids', body: tokenizeFields.schema },
  { method: 'post', path: '/detokenize', summary: 'Ids to text', body: detokenizeFields.schema },
  { method: 'get', path: '/health', summary: 'Does the process answer?' },
  { method: 'get', path: '/ready', summary: 'Does it take requests?' },
  { method: 'get', path: '/metrics', summary: 'Metrics for Prometheus' },
];

/** Tells an app's registry of the routes. */
export function registerRoutes(app: OpenAPIHono<ApiEnv>): void {
  for (const { method, path, summary, body } of routes) {
    app.openAPIRegistry.registerPath({
      method,
      path,
      summary,
      ...(body === undefined
        ? {}
        : { request: { body: { content: { 'application/json': { schema: jsonSchema(body) } } } } }),
      responses: {
        200: {
          description: 'As OpenAI’s API documents it; docs/guides/serve.md says what is more.',
        },
        default: { description: 'An error: { error: { message, type, param, code } }.' },
      },
    });
  }
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
