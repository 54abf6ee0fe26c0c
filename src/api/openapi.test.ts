import { expect, it } from 'vitest';
import { createApi } from './create-api.ts';
import { chatFields } from './fields/text-fields.ts';
import { ModelPool } from './model-pool.ts';

it('describes every route there is, and every field of a chat', async () => {
  const { app } = createApi({ models: new ModelPool({ sources: [] }), version: '9.9.9' });
  // What the next lines read of it is what they check.
  const document = JSON.parse(await (await app.request('/openapi.json')).text());
  expect(document).toMatchObject({ openapi: '3.1.0', info: { version: '9.9.9' } });
  const described = Object.keys(document.paths).map((path) => path.replace('{model}', '*'));
  const routed = app.routes
    .filter(({ method, path }) => method !== 'ALL' && path !== '/openapi.json')
    .map(({ path }) => path);
  expect(described.sort()).toEqual([...new Set(routed)].sort());
  const { schema } =
    document.paths['/v1/chat/completions'].post.requestBody.content['application/json'];
  expect(Object.keys(schema.properties).sort()).toEqual(
    chatFields.docs.map(({ name }) => name).sort(),
  );
  expect(schema.required.sort()).toEqual(['messages', 'model']);
});
