// The binary tokenizer files: what they give, what they refuse, and that no damage does more than a Corral error.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasSharedData, sharedData } from '../../test/shared-data.ts';
import { CorralError } from '../base/define-errors.ts';
import { tokenizerFromLlama2c } from './llama2c-tokenizer.ts';
import { readCharsMap } from './precompiled-charsmap.ts';
import { MessageWriter, readFields } from './protobuf.ts';
import { tokenizerFromSentencePiece } from './sentencepiece-model.ts';
import { writeSentencePiece } from './write-sentencepiece.ts';

/** A llama2.c file of these pieces, written by its layout. */
function llama2cFile(pieces: readonly (readonly [string, number])[], longest = 16): Uint8Array {
  const chunks = [Buffer.alloc(4)];
  chunks[0]?.writeInt32LE(longest, 0);
  for (const [piece, score] of pieces) {
    const bytes = Buffer.from(piece);
    const head = Buffer.alloc(8);
    head.writeFloatLE(score, 0);
    head.writeInt32LE(bytes.length, 4);
    chunks.push(head, bytes);
  }
  return Buffer.concat(chunks);
}

const small = llama2cFile([
  ['<unk>', 0],
  ['\n<s>\n', 0],
  ['\n</s>\n', 0],
  [' ', -3],
  ['a', -4],
  ['b', -5],
  [' a', -1],
  [' ab', -2],
]);

describe('a llama2.c tokenizer', () => {
  it('takes its spaces for U+2581 and its decorated special tokens for <s> and </s>', () => {
    const tokenizer = tokenizerFromLlama2c(small, 'small.bin');
    expect(tokenizer.size).toBe(8);
    expect([0, 1, 2, 3, 6].map((id) => tokenizer.piece(id))).toEqual([
      '<unk>',
      '<s>',
      '</s>',
      '▁',
      '▁a',
    ]);
    expect(tokenizer.encode('ab a', { bos: true })).toEqual([1, 7, 6]);
    expect(tokenizer.score(6)).toBe(-1);
  });

  it('names the byte where a file is cut or lies', () => {
    const cut = (length: number) => () =>
      tokenizerFromLlama2c(small.subarray(0, length), 'cut.bin');
    expect(cut(3)).toThrow(/damaged at byte 0/);
    expect(cut(9)).toThrow(/damaged at byte 4/);
    expect(cut(15)).toThrow(/damaged at byte 8/);
    expect(() => tokenizerFromLlama2c(llama2cFile([['<unk>', 0]]), 'one.bin')).toThrow(/1 pieces/);
    expect(() => tokenizerFromLlama2c(llama2cFile([['<unk>', Number.NaN]]), 'nan.bin')).toThrow(
      /NaN/,
    );
    expect(() => tokenizerFromLlama2c(llama2cFile([['long piece', 0]], 4), 'l.bin')).toThrow(
      /a length of 0 to 4, found 10/,
    );
  });

  it('goes through a SentencePiece file unchanged', () => {
    const tokenizer = tokenizerFromLlama2c(small, 'small.bin');
    const again = tokenizerFromSentencePiece(writeSentencePiece(tokenizer), 'again.model');
    expect([again.bos, again.eos, again.unknown, again.size]).toEqual([1, 2, 0, 8]);
    for (let id = 0; id < 8; id++) {
      expect([again.piece(id), again.score(id), again.kindOf(id)]).toEqual([
        tokenizer.piece(id),
        tokenizer.score(id),
        tokenizer.kindOf(id),
      ]);
    }
    expect(again.encode('ab ba')).toEqual(tokenizer.encode('ab ba'));
  });
});

/** A SentencePiece file with these pieces and settings. */
function modelFile(
  pieces: readonly (readonly [string, number])[],
  { modelType = 2, spec = [] as readonly (readonly [number, number])[] } = {},
): Uint8Array {
  const file = new MessageWriter();
  for (const [piece, type] of pieces) {
    file.bytes(1, new MessageWriter().string(1, piece).float(2, -1).varint(3, type).finish());
  }
  const trainer = new MessageWriter().varint(3, modelType).varint(43, -1);
  const normalizer = new MessageWriter().string(1, 'identity');
  for (const [field, value] of spec) normalizer.varint(field, value);
  return file.bytes(2, trainer.finish()).bytes(3, normalizer.finish()).finish();
}

const pieces = [
  ['<unk>', 2],
  ['<s>', 3],
  ['</s>', 3],
  ['\u2581', 1],
  ['a', 1],
  ['\u2581a', 1],
] as const;

describe('a SentencePiece file', () => {
  it('is honoured in its settings of spaces', () => {
    const read = (spec: readonly (readonly [number, number])[]) =>
      tokenizerFromSentencePiece(modelFile(pieces, { spec }), 'm.model');
    // by the defaults of the format extra spaces go
    expect(read([]).encode('  a   a ')).toEqual([5, 5]);
    expect(read([[4, 0]]).encode('  a')).toEqual([3, 3, 5]);
    expect(
      read([
        [4, 0],
        [3, 0],
      ]).encode('a a'),
    ).toEqual([4, 5]);
    expect(
      read([
        [4, 0],
        [3, 0],
      ]).decode([5, 5]),
    ).toBe(' a a');
    expect(read([]).pad).toBe(undefined);
  });

  it('of another type than bpe is refused by name', () => {
    for (const [modelType, name] of [
      [1, 'unigram'],
      [3, 'word'],
      [4, 'char'],
    ] as const) {
      expect(() => tokenizerFromSentencePiece(modelFile(pieces, { modelType }), 'u.model')).toThrow(
        new RegExp(`type ${name}`),
      );
    }
  });

  it('names the byte where it is damaged', () => {
    const good = modelFile(pieces);
    expect(() => tokenizerFromSentencePiece(good.subarray(0, 10), 'cut.model')).toThrow(
      /damaged at byte 0: expected at most 8 bytes, found a length of \d+/,
    );
    expect(() => tokenizerFromSentencePiece(new Uint8Array(0), 'empty.model')).toThrow(/no pieces/);
    expect(() => tokenizerFromSentencePiece(modelFile([['x', 9]]), 't.model')).toThrow(
      /a piece type from 1 to 6, found 9/,
    );
    expect(() => tokenizerFromSentencePiece(modelFile([['', 1]]), 'e.model')).toThrow(/empty/);
    expect(() => tokenizerFromSentencePiece(modelFile([['zz', 6]]), 'b.model')).toThrow(/<0x0A>/);
    expect(() => tokenizerFromSentencePiece(Uint8Array.of(0x0a, 0xff, 0xff), 'v.model')).toThrow(
      /a whole varint/,
    );
  });

  it('mutated at random gives a tokenizer or a Corral error, never anything else', () => {
    const original = modelFile([...pieces, ['<0x0A>', 6], ['USER', 4], ['aa', 5]]);
    const mutation = fc.record({ at: fc.nat(original.length - 1), byte: fc.nat(255) });
    fc.assert(
      fc.property(
        fc.array(mutation, { minLength: 1, maxLength: 6 }),
        fc.nat(original.length),
        fc.string({ unit: 'grapheme', maxLength: 20 }),
        (mutations, length, text) => {
          const bytes = original.slice(0, length % 3 === 0 ? length : original.length);
          for (const { at, byte } of mutations) if (at < bytes.length) bytes[at] = byte;
          try {
            const tokenizer = tokenizerFromSentencePiece(bytes, 'fuzz.model');
            tokenizer.decode(tokenizer.encode(text));
          } catch (error) {
            expect(CorralError.isInstance(error), String(error)).toBe(true);
          }
        },
      ),
      { numRuns: 3000, seed: 20230718 },
    );
  });

  it('llama2.c files mutated at random likewise', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ at: fc.nat(small.length - 1), byte: fc.nat(255) }), {
          minLength: 1,
          maxLength: 4,
        }),
        (mutations) => {
          const bytes = small.slice();
          for (const { at, byte } of mutations) bytes[at] = byte;
          try {
            const tokenizer = tokenizerFromLlama2c(bytes, 'fuzz.bin');
            tokenizer.decode(tokenizer.encode('a b\u2581'));
          } catch (error) {
            expect(CorralError.isInstance(error), String(error)).toBe(true);
          }
        },
      ),
      { numRuns: 2000, seed: 20230719 },
    );
  });
});

describe.skipIf(!hasSharedData)('real files (need ../shared/data)', () => {
  it('tokenizer.bin gives the ids of tokenizer.model', () => {
    const read = (name: string) => readFileSync(sharedData('llama2-tokenizer', name));
    const bin = tokenizerFromLlama2c(read('tokenizer.bin'), 'tokenizer.bin');
    const model = tokenizerFromSentencePiece(read('tokenizer.model'), 'tokenizer.model');
    expect(bin.size).toBe(32000);
    const text = readFileSync(sharedData('wikitext2', 'valid.txt'), 'utf8').slice(0, 200_000);
    expect(bin.encode(text)).toEqual(model.encode(text));
    expect(bin.encode('\u2581 </s>\n')).toEqual(model.encode('\u2581 </s>\n'));
  });

  it('the trained checkpoints’ tokenizers have their sizes', () => {
    const tok512 = readFileSync(sharedData('stories260K', 'tok512.bin'));
    expect(tokenizerFromLlama2c(tok512, 'tok512.bin').size).toBe(512);
    const model = tokenizerFromSentencePiece(
      readFileSync(sharedData('babyllama105', 'tok105.model')),
      'tok105.model',
    );
    const bin = tokenizerFromLlama2c(
      readFileSync(sharedData('babyllama105', 'derived', 'tok105.bin')),
      'tok105.bin',
    );
    expect([model.size, bin.size]).toEqual([105, 105]);
    const story = 'Once upon a time, there was a girl.';
    expect(bin.encode(story)).toEqual(model.encode(story));
  });

  it('tokenizer.model goes through our writer with the same ids', () => {
    const bytes = readFileSync(sharedData('llama2-tokenizer', 'tokenizer.model'));
    const model = tokenizerFromSentencePiece(bytes, 'tokenizer.model');
    const again = tokenizerFromSentencePiece(writeSentencePiece(model), 'again.model');
    const text = readFileSync(sharedData('tinystories', 'tinystories_sample.txt'), 'utf8');
    expect(again.encode(text.slice(0, 100_000))).toEqual(model.encode(text.slice(0, 100_000)));
  });

  it('a unigram model is refused, and its compiled normaliser is NFKC', () => {
    const bytes = readFileSync(sharedData('torchtune-tiny-llama2', 'm.model'));
    expect(() => tokenizerFromSentencePiece(bytes, 'm.model')).toThrow(/unigram/);
    let charsMap: Uint8Array | undefined;
    for (const field of readFields(bytes, { path: 'm.model', base: 0 })) {
      if (field.number !== 3) continue;
      for (const inner of readFields(field.bytes, { path: 'm.model', base: 0 })) {
        if (inner.number === 2) charsMap = inner.bytes;
      }
    }
    const normalize = readCharsMap(charsMap as Uint8Array, { path: 'm.model', base: 0 });
    for (const text of ['ﬁne', 'ＡＢＣ１２３', '㎏ ① ½', 'plain', 'が', 'e\u0301', 'ﾊﾝｶｸ', '🦙']) {
      expect(normalize(text)).toBe(text.normalize('NFKC'));
    }
    expect(normalize('a\tb\u200bc')).toBe('a b c');
  });

  it('a damaged compiled normaliser is an error, not a loop', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 80 }), fc.nat(19), (bytes, units) => {
        new DataView(bytes.buffer).setUint32(0, units * 4, true);
        try {
          readCharsMap(bytes, { path: 'x', base: 0 })('ab\u00e9 c');
        } catch (error) {
          expect(CorralError.isInstance(error), String(error)).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
