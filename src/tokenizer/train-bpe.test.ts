// What is learned, against Google's SentencePiece (golden/make-trained-golden.py) and by hand.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tokenizerFromSentencePiece } from './sentencepiece-model.ts';
import type { SentencePieceTokenizer } from './sentencepiece-tokenizer.ts';
import { type TrainTokenizerOptions, trainTokenizer } from './train-bpe.ts';
import { WordCounts, type WordOptions } from './word-counts.ts';
import { writeSentencePiece } from './write-sentencepiece.ts';

const folder = join(import.meta.dirname, 'golden');
const corpus = readFileSync(join(folder, 'trained-corpus.txt'), 'utf8').split('\n');
const golden = JSON.parse(readFileSync(join(folder, 'trained.json'), 'utf8')) as {
  readonly theirs: readonly string[];
  readonly theirTokens: number;
  readonly model: string;
  readonly special: Readonly<Record<'unknown' | 'bos' | 'eos' | 'size', number>>;
  readonly controls: readonly boolean[];
  readonly encoded: readonly { readonly text: string; readonly ids: readonly number[] }[];
};

function learn(
  texts: readonly string[],
  options: TrainTokenizerOptions & WordOptions,
): Promise<SentencePieceTokenizer> {
  const counts = new WordCounts(options);
  for (const text of texts) counts.add(text);
  return trainTokenizer(counts, options);
}

const like = { vocabSize: 540, coverage: 1, controls: ['<|user|>', '<|end|>'] } as const;

describe('a trained vocabulary', () => {
  it('is written as the very file that SentencePiece loaded and encoded with', async () => {
    const tokenizer = await learn(corpus, like);
    expect(Buffer.from(writeSentencePiece(tokenizer)).toString('base64')).toBe(golden.model);
    for (const { text, ids } of golden.encoded) expect(tokenizer.encode(text)).toEqual(ids);
    expect({
      unknown: tokenizer.unknown,
      bos: tokenizer.bos,
      eos: tokenizer.eos,
      size: tokenizer.size,
    }).toEqual(golden.special);
    expect([0, 1, 2, 3, 4, 5].map((id) => tokenizer.kindOf(id) === 'control')).toEqual(
      golden.controls,
    );
  });

  it('has the pieces that SentencePiece learns, but for ties, and compresses as well within 1 %', async () => {
    const tokenizer = await learn(corpus, like);
    const pieces = new Set(tokenizer.model.pieces);
    const shared = golden.theirs.filter((piece) => pieces.has(piece)).length;
    expect(shared / golden.theirs.length).toBeGreaterThan(0.98);
    const tokens = corpus.reduce((sum, line) => sum + tokenizer.encode(line).length, 0);
    expect(tokens / golden.theirTokens).toBeLessThan(1.01);
  });

  it('merges the most frequent pair first, of equals the shorter and the one that sorts first', async () => {
    // pairs: ab 3 (in aab and ab), ▁a 3, aa 1, bc 2, … ; ab comes first since a sorts before ▁
    const tokenizer = await learn(['aab ab ab'], {
      vocabSize: 3 + 3 + 2,
      byteFallback: false,
      dummyPrefix: false,
    });
    expect(tokenizer.model.pieces.slice(3)).toEqual(['ab', '▁ab', 'a', 'b', '▁']);
  });

  it('takes the leftmost of overlapping pairs, as encoding does', async () => {
    const tokenizer = await learn(['aaaaa'], {
      vocabSize: 3 + 1 + 1,
      byteFallback: false,
      dummyPrefix: false,
    });
    expect(tokenizer.encode('aaaaa').map((id) => tokenizer.piece(id))).toEqual(['aa', 'aa', 'a']);
  });

  it('never lets a piece cross a space, a digit, a newline or a script', async () => {
    const text = 'ab1 ab1 ab,ab, абab абab ab\nab ab\nab 12 12 12  x  x  x';
    const tokenizer = await learn([text], { vocabSize: 256 + 3 + 14, coverage: 1 });
    for (const piece of tokenizer.model.pieces.slice(259)) {
      if ([...piece].length > 1) expect(piece).toMatch(/^(▁?([a-z]+|[а-я]+|,+)|▁+)$/u);
    }
    expect(tokenizer.encode('12').map((id) => tokenizer.piece(id))).toEqual(['▁', '1', '2']);
    expect(tokenizer.encode('\n').map((id) => tokenizer.piece(id))).toEqual(['▁', '<0x0A>']);
  });

  it('gives rare characters to bytes, or to the unknown token where there are none', async () => {
    const texts = ['abab'.repeat(400), 'ж'];
    const bytes = await learn(texts, { vocabSize: 3 + 256 + 3 + 1, coverage: 0.999 });
    expect(bytes.encode('ж').map((id) => bytes.piece(id))).toEqual(['▁', '<0xD0>', '<0xB6>']);
    const none = await learn(texts, { vocabSize: 3 + 3 + 1, coverage: 0.999, byteFallback: false });
    expect(none.encode('ж').map((id) => none.piece(id))).toEqual(['▁', '<unk>']);
  });

  it('knows characters alone when asked, newlines among them', async () => {
    const tokenizer = await learn(['To be,\nor not'], {
      vocabSize: 'characters',
      byteFallback: false,
      dummyPrefix: false,
    });
    expect(tokenizer.size).toBe(3 + new Set('To be,\nor not').size);
    expect(tokenizer.encode('not\nbe')).toHaveLength(6);
    expect(tokenizer.decode(tokenizer.encode('not\nbe'))).toBe('not\nbe');
  });

  it('keeps symbols whole and out of other pieces', async () => {
    const symbols = ['\t\t', 'New York'];
    const text = 'in New York\t\tin New York'.repeat(3);
    const tokenizer = await learn([text], { vocabSize: 3 + 2 + 256 + 4, symbols, coverage: 1 });
    expect(tokenizer.encode(' New York').map((id) => tokenizer.piece(id))).toContain('New▁York');
    expect(tokenizer.idOf('N')).toBeUndefined();
  });

  it('says what sizes the text allows', async () => {
    await expect(learn(['abc'], { vocabSize: 261 })).rejects.toMatchObject({
      code: 'CORRAL_VOCABULARY_SIZE_INVALID',
      message: expect.stringContaining('at least 263: 259 special pieces and 4 characters'),
    });
    await expect(learn(['ab ab'], { vocabSize: 999 })).rejects.toThrow('at most 264');
    await expect(learn(['a'], { vocabSize: 300, controls: ['<s>'] })).rejects.toMatchObject({
      code: 'CORRAL_OPTION_INVALID',
    });
  });

  it('stops when asked', async () => {
    const signal = AbortSignal.abort();
    const texts = Array.from({ length: 20_000 }, (_, i) => `word${(i * 7919) % 9973}x${i}`);
    await expect(
      learn(texts, { vocabSize: 8000, splitDigits: false, signal }),
    ).rejects.toMatchObject({ code: 'CORRAL_ABORTED' });
  });
});

describe('learning by increments', () => {
  const words = fc.array(
    fc.array(fc.constantFrom('a', 'b', 'c', ' '), { minLength: 1, maxLength: 12 }),
    { minLength: 1, maxLength: 12 },
  );

  it('goes on until no allowed pair of the encoded text occurs twice, and the file encodes the same', async () => {
    await fc.assert(
      fc.asyncProperty(words, async (parts) => {
        const text = parts.map((part) => part.join('')).join(' ');
        const size = 3 + new Set(` ${text}`).size;
        // the most merges this text allows, found by asking for too many
        const most = await learn([text], {
          vocabSize: size + 999,
          byteFallback: false,
          coverage: 1,
        })
          .then(() => 0)
          .catch((error: Error) => Number(/at most (\d+)/.exec(error.message)?.[1]));
        const tokenizer = await learn([text], {
          vocabSize: most,
          byteFallback: false,
          coverage: 1,
        });
        // no pair of neighbours that occurs twice is left to merge, as counted on the encoded text
        const pieces = tokenizer.encode(text).map((id) => tokenizer.piece(id));
        expect(pieces.join('')).toBe(`▁${text.replaceAll(' ', '▁')}`);
        const again = tokenizerFromSentencePiece(writeSentencePiece(tokenizer), 'x');
        expect(again.encode(text)).toEqual(tokenizer.encode(text));
        const pairs = new Map<string, number>();
        for (const [at, piece] of pieces.entries()) {
          const pair = `${pieces[at - 1] ?? '▁'}${piece}`;
          if (at === 0 || /[^▁]▁|▁▁+[^▁]/u.test(pair) || [...pair].length > 16) continue;
          pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
        }
        for (const [pair, count] of pairs) {
          if (tokenizer.idOf(pair) === undefined) expect([pair, count]).toEqual([pair, 1]);
        }
      }),
      { numRuns: 60 },
    );
  });
});
