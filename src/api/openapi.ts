// The description at /openapi.json, made from the schemas that check the requests.
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { ApiEnv } from './request-context.ts';

/** The document of an app. */
export function describeApi(app: OpenAPIHono<ApiEnv>, version: string): object {
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'Corral', version, description: 'Llama models in OpenAI’s shape.' },
  });
}
