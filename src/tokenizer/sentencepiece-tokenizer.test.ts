// SentencePiece's own ids, llama.cpp's vectors, and a naive implementation as oracles.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasSharedData, sharedData } from '../../test/shared-data.ts';
import { pieceModelDefaults } from './piece-model.ts';
import { tokenizerFromSentencePiece } from './sentencepiece-model.ts';
import { SentencePieceTokenizer } from './sentencepiece-tokenizer.ts';
import type { Tokenizer } from './tokenizer.ts';

interface Golden {
  readonly path: string;
  readonly encoded: readonly { readonly text: string; readonly ids: readonly number[] }[];
  readonly decoded: readonly { readonly text: string; readonly ids: readonly number[] }[];
}

const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, 'golden', 'sentencepiece.json'), 'utf8'),
) as readonly Golden[];

function open(path: string): Tokenizer {
  return tokenizerFromSentencePiece(readFileSync(sharedData(path)), path);
}

/** The definition, word for word: look at every pair, merge the best, of equals the leftmost; again. */
function encodeNaively(tokenizer: Tokenizer, text: string): number[] {
  if (text === '') return [];
  const symbols = [...` ${text}`].map((character) => (character === ' ' ? '\u2581' : character));
  const mergeable = (piece: string): number | undefined => {
    const id = tokenizer.idOf(piece);
    return id !== undefined && tokenizer.kindOf(id) === 'normal' ? id : undefined;
  };
  for (;;) {
    let best = -1;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (let i = 0; i + 1 < symbols.length; i++) {
      const id = mergeable(`${symbols[i]}${symbols[i + 1]}`);
      if (id === undefined || tokenizer.score(id) <= bestScore) continue;
      best = i;
      bestScore = tokenizer.score(id);
    }
    if (best < 0) break;
    symbols.splice(best, 2, `${symbols[best]}${symbols[best + 1]}`);
  }
  return symbols.flatMap((symbol) => {
    const id = mergeable(symbol);
    if (id !== undefined) return [id];
    return [...new TextEncoder().encode(symbol)].map(
      (byte) => tokenizer.idOf(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`) as number,
    );
  });
}

function stream(tokenizer: Tokenizer, ids: readonly number[]): string {
  const detokenizer = tokenizer.detokenizer();
  return ids.map((id) => detokenizer.push(id)).join('') + detokenizer.flush();
}

const texts = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 80 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc
    .array(
      fc.constantFrom(' ', '  ', '\n', 'the', 'llama', 'é', '☃', '🦙', '</s>', '<s>', '\u2581'),
      {
        maxLength: 40,
      },
    )
    .map((parts) => parts.join('')),
  // UTF-16 units at random: lone surrogates among them
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 })
    .map((units) => String.fromCharCode(...units)),
);

describe.skipIf(!hasSharedData)('the Llama 2 tokenizer (needs ../shared/data)', () => {
  const llama = hasSharedData ? open('llama2-tokenizer/tokenizer.model') : undefined;
  const tokenizer = llama as Tokenizer;

  it('gives the ids of llama.cpp’s test vectors', () => {
    const name = sharedData('tokenizer-vectors', 'ggml-vocab-llama-spm.gguf');
    const inputs = readFileSync(`${name}.inp`, 'utf8').split('\n__ggml_vocab_test__\n');
    const outputs = readFileSync(`${name}.out`, 'utf8').split('\n');
    expect(inputs.length).toBe(47);
    for (const [at, input] of inputs.entries()) {
      expect(tokenizer.encode(input).join(' '), JSON.stringify(input)).toBe(outputs[at]?.trim());
    }
  });

  for (const { path, encoded, decoded } of golden) {
    it(`encodes and decodes ${path} as SentencePiece itself does`, () => {
      const reader = open(path);
      for (const { text, ids } of encoded) {
        expect(reader.encode(text), JSON.stringify(text)).toEqual(ids);
      }
      for (const { text, ids } of decoded) expect(reader.decode(ids), ids.join(' ')).toBe(text);
    });
  }

  it('equals the naive definition on any text without U+2581', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const plain = text.toWellFormed().replaceAll('\u2581', '');
        expect(tokenizer.encode(plain)).toEqual(encodeNaively(tokenizer, plain));
      }),
      { numRuns: 400 },
    );
  });

  it('gives every text back, lone surrogates as U+FFFD', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text.toWellFormed());
      }),
      { numRuns: 1000 },
    );
  });

  it('streams any ids to the text that decode gives', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.nat(31999), fc.integer({ min: 0, max: 300 })), { maxLength: 40 }),
        (ids) => {
          expect(stream(tokenizer, ids)).toBe(tokenizer.decode(ids));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('never emits half a character', () => {
    const detokenizer = tokenizer.detokenizer();
    const pieces = tokenizer.encode('🦙').map((id) => detokenizer.push(id));
    expect(pieces).toEqual(['', '', '', '', '🦙']);
  });

  it('keeps a literal U+2581 apart from a space by its bytes', () => {
    const ids = tokenizer.encode('a\u2581b');
    expect(ids.map((id) => tokenizer.piece(id))).toEqual(['▁a', '<0xE2>', '<0x96>', '<0x81>', 'b']);
  });

  it('takes control strings for text unless told to parse them', () => {
    const plain = tokenizer.encode('a</s>b<s>');
    expect(plain.some((id) => tokenizer.kindOf(id) === 'control')).toBe(false);
    expect(tokenizer.encode('a</s>b<s>', { control: 'parse' })).toEqual([
      ...tokenizer.encode('a'),
      2,
      ...tokenizer.encode('b'),
      1,
    ]);
  });

  it('puts BOS and EOS only where asked', () => {
    expect(tokenizer.encode('Hello world', { bos: true, eos: true })).toEqual([1, 15043, 3186, 2]);
    expect(tokenizer.encode('', { bos: true })).toEqual([1]);
    expect(tokenizer.decode([1, 15043, 2], { control: 'show' })).toBe('<s> Hello</s>');
  });

  it('leaves the dummy space away for a continuation, both ways', () => {
    const ids = tokenizer.encode(' world', { start: 'continuation' });
    expect(ids).toEqual([3186]);
    const detokenizer = tokenizer.detokenizer({ start: 'continuation' });
    expect(detokenizer.push(3186)).toBe(' world');
  });

  it('takes a megabyte of one letter, of spaces or of newlines', () => {
    for (const character of ['a', ' ', '\n', '☃']) {
      const text = character.repeat(1e6);
      expect(tokenizer.decode(tokenizer.encode(text)) === text).toBe(true);
    }
  });

  it('gives real text back whole', () => {
    const text = readFileSync(sharedData('wikitext2', 'valid.txt'), 'utf8');
    expect(tokenizer.decode(tokenizer.encode(text)) === text).toBe(true);
  });

  it('refuses an id it does not have', () => {
    expect(() => tokenizer.decode([32000])).toThrow(/no token 32000/);
    expect(() => tokenizer.piece(-1)).toThrow(/no token -1/);
  });
});

describe('a model without byte fallback', () => {
  const tokenizer = new SentencePieceTokenizer({
    ...pieceModelDefaults,
    pieces: ['<unk>', '<s>', '</s>', '\u2581', 'a', 'b', 'ab', '\u2581ab', '<tool>', 'USER', 'ba'],
    scores: Float32Array.from([0, 0, 0, -1, -2, -3, -4, -5, 0, 0, -6]),
    kinds: [
      'unknown',
      'control',
      'control',
      'normal',
      'normal',
      'normal',
      'normal',
      'normal',
      'added',
      'added',
      'unused',
    ],
    unknown: 0,
    bos: 1,
    eos: 2,
  });

  it('makes one unknown token of consecutive unknown characters, also across words', () => {
    expect(tokenizer.encode('xyz')).toEqual([3, 0]);
    expect(tokenizer.encode('x\ny')).toEqual([3, 0]);
    expect(tokenizer.encode('x ab y')).toEqual([3, 0, 7, 3, 0]);
    expect(tokenizer.decode([3, 0, 7])).toBe(' \u2047  ab');
  });

  it('finds added words in any text, but markup only when parsing', () => {
    expect(tokenizer.encode('abUSERab')).toEqual([7, 9, 6]);
    expect(tokenizer.encode('<tool>').includes(8)).toBe(false);
    expect(tokenizer.encode('<tool>', { control: 'parse' })).toEqual([8]);
  });

  it('takes unused pieces apart again', () => {
    expect(tokenizer.encode('ba')).toEqual([3, 5, 4]);
  });
});
