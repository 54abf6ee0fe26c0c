import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { naiveLogits } from '../../test/naive-llama.ts';
import { tinyCheckpoint, tinyConfig } from '../../test/tiny-llama.ts';
import { type Device, deviceNames } from '../device/device.ts';
import { openDevice } from '../device/open.ts';
import type { Checkpoint } from '../formats/checkpoint.ts';
import type { Tap } from '../model/llama.ts';
import { loadWeights } from '../model/weights.ts';
import { append } from '../tensor/ops.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { Engine } from './engine.ts';
import type { EngineOptions } from './engine-options.ts';
import type { GenerationEvent, TokenDelta } from './generate-job.ts';
import type { GenerateRequest } from './generate-request.ts';

async function openEngine(
  device: Device,
  checkpoint: Checkpoint,
  options: Partial<EngineOptions> = {},
): Promise<Engine> {
  const weights = await loadWeights(checkpoint, device);
  const tokenizer = await checkpoint.tokenizer();
  const { config } = checkpoint;
  return Engine.open({ config, device, weights, ...(tokenizer && { tokenizer }), ...options });
}

async function collect(events: AsyncIterable<GenerationEvent>): Promise<GenerationEvent[]> {
  const all: GenerationEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

function idsOf(events: readonly GenerationEvent[]): number[] {
  return events.filter((event) => event.type === 'token-delta').map((event) => event.id);
}

function textOf(events: readonly GenerationEvent[]): string {
  return events.map((event) => event.text).join('');
}

const prompt = [1, 262, 270, 265, 280, 261];

// Log-probabilities of tokens[1..] from a row of logits each.
function logprobsFrom(logits: readonly number[][], tokens: readonly number[]): number[] {
  return tokens.slice(1).map((id, row) => {
    const values = logits[row] as number[];
    const highest = Math.max(...values);
    const mass = Math.log(values.reduce((sum, x) => sum + Math.exp(x - highest), 0)) + highest;
    return (values[id] as number) - mass;
  });
}

describe.each(deviceNames)('engine on %s', (deviceName) => {
  let device: Device;
  let engine: Engine;
  const checkpoint = tinyCheckpoint();
  const greedy = (changes: Partial<GenerateRequest> = {}): Promise<GenerationEvent[]> =>
    collect(engine.generate({ prompt, temperature: 0, maxTokens: 12, endTokens: [], ...changes }));

  beforeAll(async () => {
    device = openDevice(deviceName);
    engine = await openEngine(device, checkpoint, { cache: 'f32', sequences: 4 });
  });
  afterAll(async () => {
    await engine.close();
    await device.close();
  });

  it.each([
    ['plain', {}],
    ['with a sliding window', { slidingWindow: 5 }],
    ['with tied embeddings', { tiedEmbeddings: true }],
    ['with one key head', { kvHeads: 1 }],
    ['with as many key heads as heads and wide heads', { kvHeads: 6, headDim: 10 }],
  ])('computes what the formulas say, %s', async (_, changes) => {
    const model = tinyCheckpoint(tinyConfig(changes), { seed: 3 });
    const other = await openEngine(device, model, { cache: 'f32', sequences: 1 });
    const tokens = Array.from({ length: 40 }, (__, i) => 1 + ((i * 37) % 280));
    const { logprobs } = await other.score(tokens);
    const expected = logprobsFrom(await naiveLogits(model, tokens), tokens);
    for (const [i, logprob] of logprobs.entries())
      expect(logprob).toBeCloseTo(expected[i] as number, 4);
    await other.close();
  });

  it('generates the tokens that scoring calls likeliest', async () => {
    const ids = idsOf(await greedy());
    expect(ids).toHaveLength(12);
    const { greedy: likeliest } = await engine.score([...prompt, ...ids], { from: prompt.length });
    expect(likeliest).toEqual(ids.map(() => true));
  });

  it('gives several requests at once the tokens each gets alone', async () => {
    const requests: GenerateRequest[] = Array.from({ length: 7 }, (_, i) => ({
      prompt: [1, ...Array.from({ length: 1 + i * 9 }, (__, j) => 3 + ((i * 31 + j * 17) % 280))],
      maxTokens: 10,
      temperature: i % 3 === 0 ? 0 : 0.9,
      topP: i % 2 === 0 ? 1 : 0.8,
      repetitionPenalty: i === 4 ? 1.3 : 1,
      seed: i,
      endTokens: [],
    }));
    const alone: number[][] = [];
    for (const request of requests) alone.push(idsOf(await collect(engine.generate(request))));
    const together = await Promise.all(
      requests.map((request) => collect(engine.generate(request))),
    );
    expect(together.map(idsOf)).toEqual(alone);
  });

  it('reports log-probabilities that agree with scoring, with penalties too', async () => {
    const events = await greedy({
      logprobs: 3,
      frequencyPenalty: 0.5,
      logitBias: new Map([[5, 2]]),
    });
    const tokens = events.filter((event): event is TokenDelta => event.type === 'token-delta');
    const { logprobs } = await engine.score([...prompt, ...idsOf(events)], { from: prompt.length });
    for (const [i, token] of tokens.entries()) {
      expect(token.logprob).toBeCloseTo(logprobs[i] as number, 4);
      expect(token.topLogprobs).toHaveLength(3);
    }
  });

  it('never says a banned token and always a pushed one', async () => {
    const [first] = idsOf(await greedy()) as [number];
    const banned = idsOf(await greedy({ logitBias: new Map([[first, Number.NEGATIVE_INFINITY]]) }));
    expect(banned).not.toContain(first);
    expect(idsOf(await greedy({ maxTokens: 3, logitBias: new Map([[77, 1000]]) }))).toEqual([
      77, 77, 77,
    ]);
  });

  it('ends at an end token without saying it, and at a stop string without its text', async () => {
    const events = await greedy();
    const ids = idsOf(events);
    const ended = await greedy({ endTokens: [ids[4] as number] });
    expect(idsOf(ended)).toEqual(ids.slice(0, ids.indexOf(ids[4] as number)));
    expect(ended.at(-1)).toMatchObject({ type: 'request-end', finishReason: 'stop' });
    const text = textOf(events);
    const stop = text.slice(5, 8);
    const stopped = await greedy({ stop: [stop] });
    expect(textOf(stopped)).toBe(text.slice(0, text.indexOf(stop)));
    expect(stopped.at(-1)).toMatchObject({ finishReason: 'stop', stop });
  });

  it('refuses what does not fit the context, naming both numbers', () => {
    expect(() => engine.generate({ prompt, maxTokens: 123 })).toThrow(
      'The request needs 129 tokens; the context holds 128.',
    );
    expect(() => engine.generate({ prompt: [1, 288] })).toThrow(/no token 288/);
    expect(() => engine.generate({ prompt: [] })).toThrow(/at least one token/);
  });

  it('takes one stop string and a plain object of biases, and refuses what is neither', async () => {
    const text = textOf(await greedy());
    expect(textOf(await greedy({ stop: text.slice(4, 7) }))).toBe(
      text.slice(0, text.indexOf(text.slice(4, 7))),
    );
    expect(idsOf(await greedy({ maxTokens: 2, logitBias: { 77: 1000 } }))).toEqual([77, 77]);
    const wrong =
      (changes: object): (() => unknown) =>
      () =>
        engine.generate({ prompt, ...changes } as GenerateRequest);
    expect(wrong({ stop: 5 })).toThrow(/stop is 5; allowed: a string/);
    expect(wrong({ temperature: '0' })).toThrow(/temperature is 0; allowed: a number/);
    expect(wrong({ logitBias: { 5000: 1 } })).toThrow(/no token 5000/);
    expect(wrong({ prompt: undefined })).toThrow(/prompt is undefined/);
    await expect(openEngine(device, checkpoint, { sequences: 0 })).rejects.toThrow(
      /sequences is 0/,
    );
  });

  it('draws the likeliest token at the smallest temperatures and refuses a ban of everything', async () => {
    const ids = idsOf(await greedy({ maxTokens: 4 }));
    expect(idsOf(await greedy({ maxTokens: 4, temperature: 1e-30 }))).toEqual(ids);
    const all = new Map(Array.from({ length: 288 }, (_, id) => [id, Number.NEGATIVE_INFINITY]));
    await expect(greedy({ temperature: 0.7, logitBias: all })).rejects.toThrow(
      /ban of every token/,
    );
    await expect(greedy({ logitBias: all })).rejects.toThrow(/ban of every token/);
  });

  it('fills the context to its last token when nothing else ends an answer', async () => {
    const events = await greedy({ maxTokens: 122 });
    expect(idsOf(events)).toHaveLength(122);
    expect(events.at(-1)).toMatchObject({ finishReason: 'length' });
  });

  it('ends an aborted answer with what it has and goes on with the others', async () => {
    const controller = new AbortController();
    const other = greedy({ maxTokens: 30 });
    const events: GenerationEvent[] = [];
    for await (const event of engine.generate({
      prompt,
      temperature: 0,
      endTokens: [],
      signal: controller.signal,
    })) {
      events.push(event);
      if (idsOf(events).length === 3) controller.abort();
    }
    expect(events.at(-1)).toMatchObject({ type: 'request-end', finishReason: 'abort' });
    expect(idsOf(events).length).toBeGreaterThanOrEqual(3);
    expect(idsOf(await other)).toHaveLength(30);
  });

  it('frees the place of a consumer that leaves, so that others get it', async () => {
    for (let i = 0; i < 20; i++) {
      for await (const _ of engine.generate({ prompt, temperature: 0, endTokens: [] })) break;
    }
    expect(idsOf(await greedy())).toHaveLength(12);
  });

  it('keeps answers nearly the same with a rounded cache', async () => {
    const tokens = Array.from({ length: 60 }, (_, i) => 1 + ((i * 53) % 280));
    const exact = await engine.score(tokens);
    const mean = (xs: readonly number[]): number => xs.reduce((a, b) => a + b) / xs.length;
    const half = await openEngine(device, checkpoint, { cache: 'f16', sequences: 1 });
    const { logprobs } = await half.score(tokens);
    expect(Math.abs(mean(logprobs) / mean(exact.logprobs) - 1)).toBeLessThan(1e-4);
    await half.close();
  });

  it('lets a tap change the forward pass: with silent blocks only the embedding speaks', async () => {
    const silence: Tap = (builder, value) => append(builder, 'scale', [value], { factor: 0 });
    const names = [0, 1].flatMap((i) => [`blocks.${i}.hook_attn_out`, `blocks.${i}.hook_mlp_out`]);
    const taps = new Map(names.map((name) => [name, silence]));
    const tapped = await openEngine(device, checkpoint, { cache: 'f32', sequences: 1, taps });
    const tokens = [1, 20, 30, 40, 50];
    const { logprobs } = await tapped.score(tokens);
    const muted = { ...checkpoint, config: { ...checkpoint.config, layers: 0 } };
    const expected = logprobsFrom(await naiveLogits(muted, tokens), tokens);
    for (const [i, logprob] of logprobs.entries()) {
      expect(logprob).toBeCloseTo(expected[i] as number, 4);
    }
    await tapped.close();
    const unknown = new Map([['blocks.9.hook_attn_out', silence]]);
    await expect(openEngine(device, checkpoint, { taps: unknown })).rejects.toThrow(
      /no tap blocks.9/,
    );
  });

  it('adds the bias after the repetition penalty, as documented', async () => {
    // A token of the prompt whose logit is known from its log-probability relative to another's.
    const changes = { repetitionPenalty: 2, logitBias: new Map([[262, 5]]), logprobs: 0 };
    const [token] = (await greedy({ maxTokens: 1, ...changes })).filter(
      (event): event is TokenDelta => event.type === 'token-delta',
    );
    const rows = await naiveLogits(checkpoint, prompt);
    const logits = rows.at(-1) as number[];
    const seen = new Set(prompt);
    const adjusted = logits.map((logit, id) => {
      const penalised = seen.has(id) ? (logit > 0 ? logit / 2 : logit * 2) : logit;
      return id === 262 ? penalised + 5 : penalised;
    });
    expect(token?.id).toBe(adjusted.indexOf(Math.max(...adjusted)));
  });

  it('says so when weights make no numbers, instead of answering', async () => {
    const damaged: Checkpoint = {
      ...checkpoint,
      read: async (name, offset, length) => {
        const bytes = await checkpoint.read(name, offset, length);
        if (name === 'output_norm.weight') bytes.fill(0xff, 0, 4);
        return bytes;
      },
    };
    const other = await openEngine(device, damaged, { sequences: 1 });
    await expect(other.score(prompt)).rejects.toThrow(/no numbers/);
    await expect(collect(other.generate({ prompt, temperature: 0 }))).rejects.toThrow(/no numbers/);
    await expect(collect(other.generate({ prompt, seed: 1 }))).rejects.toThrow(/no numbers/);
    await other.close();
  });

  it('keeps the failure of one request from the others', async () => {
    const tokenizer = (await checkpoint.tokenizer()) as Tokenizer;
    let broken = true;
    const flawed: Tokenizer = Object.create(tokenizer, {
      detokenizer: {
        value: () => {
          const isBroken = broken;
          broken = false;
          const inner = tokenizer.detokenizer();
          if (!isBroken) return inner;
          return {
            ...inner,
            push: () => {
              throw new Error('boom');
            },
          };
        },
      },
    });
    const other = await openEngine(device, checkpoint, { sequences: 2, tokenizer: flawed });
    const ask = (): Promise<GenerationEvent[]> =>
      collect(other.generate({ prompt, temperature: 0, maxTokens: 5, endTokens: [] }));
    const [first, second] = await Promise.allSettled([ask(), ask()]);
    expect(first).toMatchObject({ status: 'rejected', reason: { message: 'boom' } });
    expect(second.status === 'fulfilled' && idsOf(second.value).length).toBe(5);
    await other.close();
  });

  it('may be closed twice at once while it answers, and the device before it', async () => {
    const own = openDevice(deviceName);
    const other = await openEngine(own, checkpoint, { sequences: 1 });
    const running = collect(other.generate({ prompt, temperature: 0, endTokens: [] }));
    await Promise.all([other.close(), other.close()]);
    expect((await running).at(-1)).toMatchObject({ finishReason: 'abort' });
    const last = await openEngine(own, checkpoint, { sequences: 1 });
    await own.close();
    await last.close();
  });

  it('refuses work after close, and closing twice does nothing', async () => {
    const other = await openEngine(device, checkpoint, { sequences: 1 });
    const running = collect(other.generate({ prompt, temperature: 0, endTokens: [] }));
    await other.close();
    await other.close();
    expect((await running).at(-1)).toMatchObject({ finishReason: 'abort' });
    expect(() => other.generate({ prompt })).toThrow(/closed/);
  });
});
