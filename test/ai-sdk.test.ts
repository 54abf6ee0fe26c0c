// The ai SDK with its provider for OpenAI-compatible servers against a server on a socket.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { embed, generateText, streamText } from 'ai';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTinyServer, type TinyServer } from './tiny-server.ts';

let tiny: TinyServer;
let provider: ReturnType<typeof createOpenAICompatible>;
beforeAll(async () => {
  tiny = await startTinyServer();
  provider = createOpenAICompatible({
    name: 'corral',
    baseURL: `${tiny.server.url}/v1`,
    includeUsage: true,
  });
});
afterAll(() => tiny[Symbol.asyncDispose]());

const ask = { prompt: 'the cat', temperature: 0.7, seed: 3, maxOutputTokens: 6, maxRetries: 0 };

it('streams what it gives whole, and counts alike', async () => {
  const model = provider('tiny');
  const whole = await generateText({ model, ...ask });
  const stream = streamText({ model, ...ask });
  let text = '';
  for await (const piece of stream.textStream) text += piece;
  expect(text).toBe(whole.text);
  expect(await stream.usage).toMatchObject({ outputTokens: whole.usage.outputTokens });
  expect(whole.usage.inputTokens).toBeGreaterThan(3);
});

it('completes and embeds', async () => {
  const { text } = await generateText({ model: provider.completionModel('tiny'), ...ask });
  expect(text).not.toBe('');
  const model = provider.embeddingModel('tiny');
  expect((await embed({ model, value: 'the cat' })).embedding).toHaveLength(64);
});

it('is told what is wrong', async () => {
  const asking = generateText({ model: provider('nope'), ...ask });
  await expect(asking).rejects.toThrow('The model nope is not served here. There are: tiny.');
});
