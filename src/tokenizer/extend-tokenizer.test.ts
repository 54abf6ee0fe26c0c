// A vocabulary with new pieces, against Google's SentencePiece (golden/make-trained-golden.py) and by its
// promises: old ids stay, old text stays, new pieces are what the old ones spelt.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extendTokenizer, wordCountsFor } from './extend-tokenizer.ts';
import { tokenizerFromSentencePiece } from './sentencepiece-model.ts';
import { SentencePieceTokenizer } from './sentencepiece-tokenizer.ts';
import { writeSentencePiece } from './write-sentencepiece.ts';

const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, 'golden', 'trained.json'), 'utf8'),
) as {
  readonly model: string;
  readonly extra: readonly string[];
  readonly extendedModel: string;
  readonly extended: readonly { readonly text: string; readonly ids: readonly number[] }[];
};

const base = tokenizerFromSentencePiece(Buffer.from(golden.model, 'base64'), 'trained.model');

async function extend(
  texts: readonly string[],
  pieces: number,
): ReturnType<typeof extendTokenizer> {
  const counts = wordCountsFor(base);
  for (const text of texts) counts.add(text);
  return extendTokenizer(base, counts, { pieces });
}

describe('an extended vocabulary', () => {
  it('is the very file that SentencePiece loaded and encoded with', async () => {
    const { tokenizer } = await extend(golden.extra, 60);
    expect(Buffer.from(writeSentencePiece(tokenizer)).toString('base64')).toBe(
      golden.extendedModel,
    );
    for (const { text, ids } of golden.extended) expect(tokenizer.encode(text)).toEqual(ids);
  });

  it('keeps every old id, piece and score, and the ids of texts of the old kind', async () => {
    const { tokenizer, parts } = await extend(golden.extra.slice(0, 3), 30);
    expect(tokenizer.size).toBe(base.size + 30);
    expect(parts).toHaveLength(30);
    for (let id = 0; id < base.size; id++) {
      expect([tokenizer.piece(id), tokenizer.score(id), tokenizer.kindOf(id)]).toEqual([
        base.piece(id),
        base.score(id),
        base.kindOf(id),
      ]);
    }
    for (const text of ['the llama walked', 'лама идёт', 'un-happy 12']) {
      expect(tokenizer.encode(text)).toEqual(base.encode(text));
    }
  });

  it('says which old tokens each new piece was written with', async () => {
    const { tokenizer, parts } = await extend(golden.extra, 60);
    for (const [at, ids] of parts.entries()) {
      const piece = tokenizer.piece(base.size + at);
      const text = base.decode([base.bos as number, ...ids], { control: 'show' });
      expect(text).toBe(`<s>${piece.replaceAll('▁', ' ')}`);
      expect(ids.length).toBeGreaterThan(1);
    }
  });

  it('never needs more tokens than before, and gives every text back', async () => {
    const { tokenizer } = await extend(golden.extra, 60);
    const words = fc.constantFrom(
      ...golden.extra.join(' ').split(' '),
      'llama',
      'ψ',
      '12',
      'stick',
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 12 }), (some) => {
        const text = some.join(' ');
        const ids = tokenizer.encode(text);
        expect(ids.length).toBeLessThanOrEqual(base.encode(text).length);
        expect(tokenizer.decode(ids)).toBe(text);
      }),
    );
  });

  it('adds fewer where the text has no more to offer', async () => {
    const { tokenizer, parts } = await extend(['ψψ ψψ'], 500);
    // ▁ψ and ▁ψψ in whichever order, and ψ itself
    expect(parts.length).toBeLessThanOrEqual(3);
    expect(tokenizer.size).toBe(base.size + parts.length);
    expect(tokenizer.encode('ψψ').map((id) => tokenizer.piece(id))).toEqual(['▁ψψ']);
  });

  it('keeps scores apart where they are far from zero', async () => {
    if (!(base instanceof SentencePieceTokenizer)) throw new Error('unexpected kind');
    const far = new SentencePieceTokenizer({
      ...base.model,
      scores: base.model.scores.map((score, id) =>
        base.model.kinds[id] === 'normal' ? score - 1e9 : score,
      ),
    });
    const counts = wordCountsFor(far);
    for (const text of golden.extra) counts.add(text);
    const { tokenizer } = await extendTokenizer(far, counts, { pieces: 60 });
    const scores = Array.from({ length: 60 }, (_, at) => tokenizer.score(base.size + at));
    expect(new Set(scores).size).toBe(60);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
  });

  it('is refused for tokenizers that are not merged by scores', async () => {
    const counts = wordCountsFor(base);
    counts.add('ψψ');
    const listed = new SentencePieceTokenizer({
      ...(base as SentencePieceTokenizer).model,
      merges: [['a', 'b']],
    });
    await expect(extendTokenizer(listed, counts, { pieces: 1 })).rejects.toMatchObject({
      code: 'CORRAL_FORMAT_UNSUPPORTED',
    });
  });
});
