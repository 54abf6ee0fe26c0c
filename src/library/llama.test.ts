import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTinyModel } from '../../test/make-tiny-model.ts';
import { tinyTokenizer } from '../../test/tiny-llama.ts';
import { writeSentencePiece } from '../tokenizer/index.ts';
import type { Llama } from './llama.ts';
import { load } from './load.ts';

const template =
  "{% for m in messages %}{{ bos_token + m['role'] + ': ' + m['content'] + eos_token }}{% endfor %}";

describe('Llama', () => {
  let folder = '';
  let path = '';
  let llama: Llama;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'corral-library-'));
    path = join(folder, 'tiny.gguf');
    await makeTinyModel(path);
    llama = await load(path, { chatTemplate: template });
  });
  afterAll(async () => {
    await llama.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('streams the pieces that its result puts together', async () => {
    const options = { temperature: 0.8, seed: 5, maxTokens: 12 };
    const generation = llama.complete('the cat', options);
    const pieces: string[] = [];
    for await (const piece of generation) pieces.push(piece);
    const { text, tokens, promptTokens } = await generation.result();
    expect(pieces.join('')).toBe(text);
    expect(tokens.length).toBeLessThanOrEqual(12);
    expect(promptTokens).toBe(llama.tokenizer.encode('the cat', { bos: true }).length);
    expect(await llama.complete('the cat', options).text()).toBe(text);
  });

  it('refuses a second iteration of one generation', async () => {
    const generation = llama.complete('a', { maxTokens: 2 });
    await generation.result();
    await expect(generation[Symbol.asyncIterator]().next()).rejects.toThrow(/iterated before/);
  });

  it('answers a conversation in the tokens of its template', async () => {
    const messages = [{ role: 'user', content: 'hello' }] as const;
    const { promptTokens } = await llama.chat(messages, { maxTokens: 3, temperature: 0 }).result();
    const alone = llama.tokenizer.encode('user: hello').length;
    expect(promptTokens).toBe(alone + 2);
  });

  it('treats an option that is undefined as one that was not given', async () => {
    const plain = await llama.complete('the', { seed: 3, maxTokens: 6 }).result();
    const options = { seed: 3, maxTokens: 6, temperature: undefined, topP: undefined };
    const same = await llama.complete('the', options as object).result();
    expect(same.tokens).toEqual(plain.tokens);
  });

  it('scores a text as the likelihood of its tokens after BOS', async () => {
    const { logprobs, tokens } = await llama.score('the cat was');
    expect(tokens).toEqual(llama.tokenizer.encode('the cat was'));
    expect(logprobs).toHaveLength(tokens.length);
    for (const logprob of logprobs) expect(logprob).toBeLessThan(0);
  });

  it('measures perplexity over disjoint windows, or sliding ones that see more', async () => {
    const text = 'the cat was in the hat and the hat was on the cat '.repeat(8);
    const ids = llama.tokenizer.encode(text);
    const bos = llama.tokenizer.bos as number;
    const size = llama.context - 1;
    expect(ids.length).toBeGreaterThan(size);
    let nats = 0;
    for (let start = 0; start < ids.length; start += size) {
      const { logprobs } = await llama.score([bos, ...ids.slice(start, start + size)]);
      nats -= logprobs.reduce((a, b) => a + b, 0);
    }
    const disjoint = await llama.perplexity(text);
    expect(disjoint.tokens).toBe(ids.length);
    expect(disjoint.perplexity).toBeCloseTo(Math.exp(nats / ids.length), 6);
    expect(disjoint.bitsPerByte).toBeCloseTo(nats / Math.LN2 / text.length, 6);

    const stride = 40;
    let sliding = 0;
    for (let start = 0, scored = 0; scored < ids.length; start += stride) {
      const window = [bos, ...ids.slice(start, start + size)];
      const { logprobs } = await llama.score(window);
      sliding -= logprobs.slice(scored - start).reduce((a, b) => a + b, 0);
      scored = Math.min(start + size, ids.length);
    }
    const slid = await llama.perplexity(text, { stride });
    expect(slid.perplexity).toBeCloseTo(Math.exp(sliding / ids.length), 6);
    await expect(llama.perplexity(text, { stride: 0 })).rejects.toThrow(/stride is 0; allowed/);
  });

  it('keeps what was said when a signal ends the answer', async () => {
    const controller = new AbortController();
    const generation = llama.complete('a', { temperature: 0, signal: controller.signal });
    let said = '';
    for await (const piece of generation) {
      said += piece;
      controller.abort();
    }
    const result = await generation.result();
    expect(result.finishReason).toBe('abort');
    expect(result.text).toBe(said);
  });

  it('refuses the tokenizer of a larger model, and says both sizes', async () => {
    const tokenizer = join(folder, 'large.model');
    writeFileSync(tokenizer, writeSentencePiece(tinyTokenizer(400)));
    await expect(load(path, { tokenizer })).rejects.toThrow(
      'The tokenizer has 400 tokens; the model knows 288.',
    );
  });

  it('names what it was given where that is no model', async () => {
    await expect(load(join(folder, 'absent.gguf'))).rejects.toThrow(/no file or folder/);
    await expect(load(undefined as unknown as string)).rejects.toThrow(/model is undefined/);
    await expect(load(path, { device: 'gpu' })).rejects.toThrow(/no device gpu. Allowed: cpu, ref/);
    await expect(load(path, { context: 129 })).rejects.toThrow(/allowed: 1 to 128/);
  });

  it('answers nothing after it was closed, and closes twice', async () => {
    const other = await load(path);
    await other.close();
    await other.close();
    await expect(other.complete('a').result()).rejects.toThrow(/was closed/);
  });
});
