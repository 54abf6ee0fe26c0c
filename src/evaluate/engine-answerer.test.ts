import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { choiceTask, generateTask, rollingTask } from '../../test/evaluation-tasks.ts';
import { makeTinyModel } from '../../test/make-tiny-model.ts';
import { naiveLogits } from '../../test/naive-llama.ts';
import type { Checkpoint } from '../formats/checkpoint.ts';
import { openCheckpoint } from '../formats/index.ts';
import { type Llama, load } from '../index.ts';
import type { Answerer, AnswerReport } from './answerer.ts';
import { openEngineAnswerer } from './engine-answerer.ts';
import { openEvaluationDatabase } from './evaluation-database.ts';
import type { ModelRequest, ModelResponse } from './request.ts';

const path = join(mkdtempSync(join(tmpdir(), 'corral-answerer-')), 'tiny.gguf');

async function answerAll(
  answerer: Answerer,
  requests: readonly ModelRequest[],
  options: Omit<Parameters<Answerer['answer']>[1], 'onAnswer'> = {},
): Promise<{ responses: ModelResponse[]; cost: AnswerReport }> {
  const responses: ModelResponse[] = [];
  const cost = await answerer.answer(requests, {
    ...options,
    onAnswer: (index, response) => {
      expect(responses[index]).toBeUndefined();
      responses[index] = response;
    },
  });
  return { responses, cost };
}

// Σ log-probabilities of tokens[from..] from float64 logits of the plain implementation.
async function naiveScore(
  checkpoint: Checkpoint,
  tokens: readonly number[],
  from: number,
): Promise<{ logprob: number; greedy: boolean }> {
  const logits = await naiveLogits(checkpoint, tokens.slice(0, -1));
  let logprob = 0;
  let greedy = true;
  for (let i = from; i < tokens.length; i++) {
    const row = logits[i - 1] as number[];
    const highest = Math.max(...row);
    const mass = Math.log(row.reduce((sum, x) => sum + Math.exp(x - highest), 0)) + highest;
    logprob += (row[tokens[i] as number] as number) - mass;
    greedy &&= row.indexOf(highest) === tokens[i];
  }
  return { logprob, greedy };
}

describe('engine answerer', () => {
  const database = openEvaluationDatabase(':memory:');
  let checkpoint: Checkpoint;
  let llama: Llama;
  let answerer: Answerer;
  beforeAll(async () => {
    await makeTinyModel(path);
    checkpoint = await openCheckpoint(path);
    llama = await load(path, { cache: 'f32', sequences: 8 });
    answerer = await openEngineAnswerer(llama, { database });
  });
  afterAll(async () => {
    await answerer.close();
    await checkpoint.close();
    database.close();
  });

  it('describes the model by the sha256 of its file, its type and its policy for BOS', () => {
    expect(answerer.description).toMatchObject({
      source: 'corral',
      sha256: createHash('sha256').update(readFileSync(path)).digest('hex'),
      quantisation: 'f16',
      bosPolicy: 'always',
      maxLength: 128,
      chatTemplate: null,
    });
    expect(answerer.description.parameters).toBe(
      2 * 288 * 64 + 64 + 2 * (2 * 64 * 64 + 2 * 32 * 64 + 3 * 64 * 96 + 2 * 64),
    );
  });

  it('gives the log-likelihoods that the formulas give, for one token and for several', async () => {
    const requests: ModelRequest[] = [
      { kind: 'loglikelihood', context: 'the rain in', continuation: ' a' },
      { kind: 'loglikelihood', context: 'the rain in', continuation: ' the' },
      { kind: 'loglikelihood', context: 'the rain in ', continuation: 'the hat' },
      { kind: 'loglikelihood', context: '', continuation: 'no context' },
    ];
    const { responses } = await answerAll(answerer, requests);
    const encode = (text: string): number[] => [1, ...llama.tokenizer.encode(text)];
    const context = encode('the rain in').length;
    const expected = [
      await naiveScore(checkpoint, encode('the rain in a'), context),
      await naiveScore(checkpoint, encode('the rain in the'), context),
      await naiveScore(checkpoint, encode('the rain in the hat'), context),
      await naiveScore(checkpoint, encode('no context'), 1),
    ];
    for (const [i, { logprob, greedy }] of expected.entries()) {
      expect(responses[i]).toMatchObject({ kind: 'loglikelihood', greedy, cut: 0 });
      expect((responses[i] as { logprob: number }).logprob).toBeCloseTo(logprob, 3);
    }
  });

  it('cuts a context that is too long on the left, and says by how much', async () => {
    const context = 'abcdefgh'.repeat(30);
    const { responses } = await answerAll(answerer, [
      { kind: 'loglikelihood', context, continuation: 'xyz' },
    ]);
    const tokens = [1, ...llama.tokenizer.encode(`${context}xyz`)];
    const from = 129 - 3;
    const { logprob } = await naiveScore(checkpoint, tokens.slice(-129), from);
    expect(responses[0]).toMatchObject({ tokens: tokens.length, cut: tokens.length - 129 });
    expect((responses[0] as { logprob: number }).logprob).toBeCloseTo(logprob, 3);
  });

  it('cuts a prompt that leaves no room for its answer on the left, and goes on', async () => {
    const context = 'abcdefgh'.repeat(30);
    const settings = { maxTokens: 8, temperature: 0, topP: 1, seed: 0 } as const;
    const { responses } = await answerAll(answerer, [
      { kind: 'generate', context, until: [], ...settings },
    ]);
    const tokens = [1, ...llama.tokenizer.encode(context)];
    let text = '';
    for await (const event of llama.engine.generate({ prompt: tokens.slice(-120), ...settings })) {
      text += event.text;
    }
    expect(responses[0]).toMatchObject({
      text,
      promptTokens: tokens.length,
      cut: tokens.length - (128 - 8),
    });
  });

  it('adds up windows of a text longer than the context', async () => {
    const text = 'There was a wind in the morning. '.repeat(12);
    const { responses } = await answerAll(answerer, [{ kind: 'rolling', text }]);
    const ids = llama.tokenizer.encode(text);
    expect(ids.length).toBeGreaterThan(2 * 128);
    let sum = 0;
    for (let end = 128; ; end += 128) {
      const last = end >= ids.length;
      const until = Math.min(end, ids.length);
      const all = [1, ...ids].slice(until - 128, until + 1);
      const { logprob } = await naiveScore(checkpoint, all, all.length - (until - (end - 128)));
      sum += logprob;
      if (last) break;
    }
    expect(responses[0]).toMatchObject({ kind: 'rolling', tokens: ids.length });
    expect((responses[0] as { logprob: number }).logprob).toBeCloseTo(sum, 2);
  });

  it('writes what the engine writes, up to a stop string, and repeats it for the same seed', async () => {
    const base = { kind: 'generate', context: 'Once', maxTokens: 20, topP: 1, seed: 5 } as const;
    const requests: ModelRequest[] = [
      { ...base, temperature: 0, until: [] },
      { ...base, temperature: 1, until: [''] },
      { ...base, temperature: 1, until: [], seed: 6 },
    ];
    const { responses } = await answerAll(answerer, requests);
    const again = await answerAll(answerer, requests.toReversed());
    expect(again.responses.toReversed()).toEqual(responses);
    const [greedy, sampled, other] = responses.map((each) => (each as { text: string }).text);
    const { text } = await llama.complete('Once', { temperature: 0, maxTokens: 20 }).result();
    expect(greedy).toBe(text);
    expect(sampled).not.toBe(other);
    const stop = (sampled as string).slice(3, 5);
    const stopped = await answerAll(answerer, [{ ...base, temperature: 1, until: [stop] }]);
    expect(stopped.responses[0]).toMatchObject({
      text: sampled?.slice(0, sampled.indexOf(stop)),
      finish: 'stop',
    });
  });

  it('answers a mixture in any order alike, and computes choices of one context once', async () => {
    const requests = [choiceTask(12), rollingTask(), generateTask(4)].flatMap(({ items }) =>
      items.flatMap((item) => item.requests),
    );
    const progress: { done: number; total: number }[] = [];
    const { responses, cost } = await answerAll(answerer, requests, {
      onProgress: (each) => progress.push(each),
    });
    expect(responses).toHaveLength(requests.length);
    const shuffled = requests.map((_, i) => (i * 37) % requests.length);
    const other = await answerAll(
      answerer,
      shuffled.map((i) => requests[i] as ModelRequest),
    );
    expect(shuffled.map((i) => responses[i])).toEqual(other.responses);
    expect(cost.computedTokens).toBeLessThan(cost.naiveTokens / 2);
    expect(progress.at(-1)?.done).toBe(progress.at(-1)?.total);
  });

  it.each([true, false])(
    'computes what it planned, and tells the time left in it (sharing beginnings: %s)',
    async (sharesPrefixes) => {
      const requests = [choiceTask(12), rollingTask(), generateTask(4)].flatMap(({ items }) =>
        items.flatMap((item) => item.requests),
      );
      const open = async (): Promise<Answerer> => {
        const fresh = await load(path, {
          cache: 'f32',
          sequences: 8,
          sharePrefixes: sharesPrefixes,
        });
        return openEngineAnswerer(fresh, { database, sharesPrefixes });
      };
      await using whole = await open();
      let total = 0;
      const { responses, cost } = await answerAll(whole, requests, {
        onProgress: (each) => {
          total = each.total;
        },
      });
      expect(cost.computedTokens).toBe(cost.plannedTokens);
      const written = responses.flatMap((each) => (each.kind === 'generate' ? [each.tokens] : []));
      const most = 8 * written.length;
      expect(total - most).toBe(
        cost.plannedTokens - written.reduce((sum, count) => sum + Math.max(0, count - 1), 0),
      );
      // Resumed with some choices of a question, some windows' texts and some answers there.
      await using resumed = await open();
      const known = responses.map((each, index) => (index % 3 === 0 ? undefined : each));
      const rest = await answerAll(resumed, requests, { known });
      expect(rest.responses.filter(() => true)).toEqual(
        responses.filter((_, index) => index % 3 === 0),
      );
      expect(rest.cost).toMatchObject({
        plannedTokens: cost.plannedTokens,
        naiveTokens: cost.naiveTokens,
      });
      expect(rest.cost.computedTokens).toBeLessThan(cost.computedTokens);
      await using told = await open();
      const nothing = await answerAll(told, requests, { known: responses });
      expect(nothing).toEqual({ responses: [], cost: { ...cost, computedTokens: 0 } });
    },
  );

  it('stops at the signal, also while it plans', async () => {
    const requests = choiceTask(200).items.flatMap((item) => item.requests);
    const stop = new AbortController();
    let count = 0;
    const run = answerer.answer(requests, {
      signal: stop.signal,
      onAnswer: () => {
        count++;
        stop.abort();
      },
    });
    await expect(run).rejects.toThrow('Evaluation was aborted.');
    expect(count).toBeLessThan(requests.length / 2);
    const early = answerAll(answerer, requests, { signal: AbortSignal.abort() });
    await expect(early).rejects.toThrow('Evaluation was aborted.');
  });

  it('refuses answers that would leave no room for a prompt', () => {
    expect(answerer.refusal('generate', 127)).toBeUndefined();
    expect(answerer.refusal('generate', 128)).toMatch(/up to 128 tokens .* context of 128/);
  });

  it('says that there is no chat template, and writes conversations with the one there is', async () => {
    const messages = [{ role: 'user', content: 'Hi' }] as const;
    expect(() => answerer.renderChat(messages)).toThrow(/has no chat template/);
    const chatty = Object.create(llama, { chatTemplate: { value: 'llama-2' } }) as Llama;
    const chat = await openEngineAnswerer(
      { ...describable(llama), chatTemplate: chatty.chatTemplate },
      { database, usesChatTemplate: true },
    );
    expect(chat.renderChat(messages)).toContain('[INST] Hi [/INST]');
    expect(chat.description).toMatchObject({ bosPolicy: 'template', chatTemplate: 'llama-2' });
  });
});

function describable(llama: Llama): Parameters<typeof openEngineAnswerer>[0] {
  const { name, path: file, engine, tokenizer, device, chatTemplate } = llama;
  return { name, path: file, engine, tokenizer, device, chatTemplate, close: () => llama.close() };
}
