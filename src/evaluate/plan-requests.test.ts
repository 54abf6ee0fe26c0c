import { describe, expect, it } from 'vitest';
import { hasSharedData, sharedData } from '../../test/shared-data.ts';
import { tinyTokenizer } from '../../test/tiny-llama.ts';
import { openTokenizer } from '../formats/index.ts';
import { RequestEncoder } from './encode-request.ts';
import { loadTasks } from './load-task.ts';
import { type Plan, planRequests } from './plan-requests.ts';
import type { ModelRequest } from './request.ts';

const encoder = new RequestEncoder({ tokenizer: tinyTokenizer(288), bos: true, control: 'plain' });
const plan = (requests: readonly ModelRequest[]): Promise<Plan> =>
  planRequests(requests, { encoder, maxLength: 200 });
const pair = (context: string, continuation: string): ModelRequest => ({
  kind: 'loglikelihood',
  context,
  continuation,
});

describe('planning', () => {
  it('makes one piece of work of equal requests, and of one-token continuations of one context', async () => {
    const requests = [
      pair('a question:', 'e'),
      pair('a question:', 't'),
      pair('a question:', 'e'),
      pair('a question:', 'to the end'),
      pair('a question:', 'to the end'),
    ];
    const { work, naiveTokens } = await plan(requests);
    expect(work.map(({ work: { kind } }) => kind).sort()).toEqual(['choices', 'score']);
    const [choices] = work.flatMap(({ work: each }) => (each.kind === 'choices' ? [each] : []));
    const uses = [...(choices?.choices.values() ?? [])].map((list) => list.map((u) => u.request));
    expect(uses).toEqual([[0, 2], [1]]);
    const [context, whole] = [
      encoder.encode('a question:').length,
      encoder.encode('a question:to the end').length,
    ];
    expect(naiveTokens).toBe(3 * context + 2 * (whole - 1));
  });

  it('says which item has a continuation that no context can hold', async () => {
    const requests = [pair('a', 'b'), pair('a', 'c'.repeat(300))];
    const planned = planRequests(requests, {
      encoder,
      maxLength: 200,
      describe: (index) => `item ${index} of long`,
    });
    await expect(planned).rejects.toMatchObject({
      code: 'CORRAL_ITEM_UNANSWERABLE',
      message:
        'The model cannot be asked item 1 of long. The request needs 300 tokens; the context holds 200.',
    });
  });

  it('puts what begins alike side by side, long work first, and counts whole shared pages once', async () => {
    const preamble = 'x'.repeat(40);
    const texts = [
      `${preamble}1`,
      'short',
      `${preamble}${'y'.repeat(60)}2`,
      'z'.repeat(70),
      `${preamble}3`,
    ];
    const { work } = await plan(texts.map((text) => pair(text, 'e')));
    const order = work.map(({ work: { tokens } }) => tokens.length);
    const lengthOf = (index: number): number => encoder.encode(texts[index] as string).length;
    // The cluster of the preamble has the longest text; of its members no order is asked for.
    expect(order.slice(0, 3).sort()).toEqual([0, 2, 4].map(lengthOf).sort());
    expect(order.slice(3)).toEqual([3, 1].map(lengthOf));
    const expected = work.reduce((sum, each) => sum + each.expectedTokens, 0);
    // Two of three compute all but the first five pages of 8.
    expect(expected).toBe(texts.reduce((sum, _, i) => sum + lengthOf(i), 0) - 2 * 40);
  });
});

describe.skipIf(!hasSharedData)('planning 5-shot MMLU with the Llama 2 tokenizer', () => {
  it('leaves a fifteenth of what a run computes that shares nothing', async () => {
    const { tasks } = await loadTasks(['mmlu_local'], {
      dataDir: sharedData(),
      shots: 5,
      limit: 10,
    });
    const tokenizer = await openTokenizer(sharedData('llama2-tokenizer', 'tokenizer.model'));
    const requests = tasks.flatMap(({ items }) => items.flatMap((item) => item.requests));
    expect(requests).toHaveLength(57 * 10 * 4);
    const { work, naiveTokens } = await planRequests(requests, {
      encoder: new RequestEncoder({ tokenizer, bos: true, control: 'plain' }),
      maxLength: 4096,
    });
    const computed = work.reduce((sum, { expectedTokens }) => sum + expectedTokens, 0);
    // With ten items a subject; the more there are, the less its preamble weighs.
    expect(naiveTokens / computed).toBeGreaterThan(15);
  }, 60_000);
});
