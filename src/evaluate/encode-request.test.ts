import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { hasSharedData, sharedData } from '../../test/shared-data.ts';
import { tinyTokenizer } from '../../test/tiny-llama.ts';
import { openTokenizer } from '../formats/index.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { RequestEncoder, rollingWindows, truncatePrompt } from './encode-request.ts';

describe.skipIf(!hasSharedData)('pairs with the Llama 2 tokenizer', () => {
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    tokenizer = await openTokenizer(sharedData('llama2-tokenizer', 'tokenizer.model'));
  });

  it('are split where SentencePiece and the rule of the harness split them', () => {
    const golden = JSON.parse(
      readFileSync(join(import.meta.dirname, 'golden', 'pairs.json'), 'utf8'),
    ) as { context: string; continuation: string; head: number[]; tail: number[] }[];
    const encoder = new RequestEncoder({ tokenizer, bos: true, control: 'plain' });
    for (const { head, tail, ...request } of golden) {
      expect(encoder.encodePair(request, 4096)).toEqual({
        tokens: [...head, ...tail],
        from: head.length,
        cut: 0,
      });
    }
  });

  it('never begin with two BOS when a chat template wrote the first', () => {
    const encoder = new RequestEncoder({ tokenizer, bos: true, control: 'parse' });
    const { tokens } = encoder.encodePair(
      { context: '<s>[INST] Hi [/INST]', continuation: ' Yes' },
      99,
    );
    expect(tokens.filter((id) => id === tokenizer.bos)).toEqual([1]);
    const plain = new RequestEncoder({ tokenizer, bos: true, control: 'plain' });
    expect(plain.encode('<s>Hi').length).toBeGreaterThan(encoder.encode('<s>Hi').length);
    expect(plain.encode('<s>Hi')[0]).toBe(1);
  });
});

describe('encoding', () => {
  const encoder = new RequestEncoder({
    tokenizer: tinyTokenizer(288),
    bos: true,
    control: 'plain',
  });

  it('cuts on the left to one token more than the context and counts what it cut', () => {
    const request = { context: 'abcdefghij', continuation: 'klm' };
    const whole = encoder.encodePair(request, 100);
    const { tokens, from, cut } = encoder.encodePair(request, 7);
    expect(tokens).toEqual(whole.tokens.slice(-8));
    expect(cut).toBe(whole.tokens.length - 8);
    expect(from).toBe(whole.from - cut);
  });

  it('refuses continuations of no tokens and those longer than the context', () => {
    expect(() => encoder.encodePair({ context: 'a', continuation: '' }, 9)).toThrow(
      /continuation is ""/,
    );
    expect(() => encoder.encodePair({ context: 'a', continuation: 'b'.repeat(20) }, 9)).toThrow(
      /the context holds 9/,
    );
  });

  it('keeps the end of a prompt that leaves too little room for its answer', () => {
    const room = { maxLength: 10, prefix: () => 1 };
    expect(truncatePrompt([1, 2, 3, 4, 5, 6], { maxTokens: 6 }, room)).toEqual({
      tokens: [3, 4, 5, 6],
      cut: 2,
    });
    expect(truncatePrompt([], { maxTokens: 6 }, room).tokens).toEqual([1]);
    expect(() => truncatePrompt([1], { maxTokens: 10 }, room)).toThrow(/needs 11 tokens/);
  });
});

describe('rolling windows', () => {
  const windows = (count: number, maxLength: number): [number[], number[]][] =>
    rollingWindows(
      Array.from({ length: count }, (_, i) => i),
      { prefix: -1, maxLength },
    ).map(({ tokens, from }) => [tokens.slice(0, from), tokens.slice(from)]);

  it('are disjoint, condition each window on one token, and let the last one reach back', () => {
    // By hand from get_rolling_token_windows with context_len 1, then make_disjoint_window.
    expect(windows(9, 3)).toEqual([
      [[-1], [0, 1, 2]],
      [[2], [3, 4, 5]],
      [[5], [6, 7, 8]],
    ]);
    expect(windows(7, 3)).toEqual([
      [[-1], [0, 1, 2]],
      [[2], [3, 4, 5]],
      [[3, 4, 5], [6]],
    ]);
    expect(windows(2, 3)).toEqual([[[-1], [0, 1]]]);
    expect(windows(0, 3)).toEqual([]);
  });
});
