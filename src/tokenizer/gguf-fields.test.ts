// Tokenizers written as GGUF values: what is read back gives the same ids, and what those values
// cannot say is refused.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hasSharedData, sharedData } from '../../test/shared-data.ts';
import { tinyTokenizer } from '../../test/tiny-llama.ts';
import { ggufFieldsOf } from './gguf-fields.ts';
import { type GgufTokenizerFields, tokenizerFromGguf } from './gguf-tokenizer.ts';
import { tokenizerFromJson } from './json-tokenizer.ts';
import { tokenizerFromSentencePiece } from './sentencepiece-model.ts';
import { writeSentencePiece } from './write-sentencepiece.ts';

const tricky = ['', ' two  spaces', "We'll see 12345\n\n", 'ñandú \u{1f999}', '</s><s>', '\u2581x'];

describe('a byte-level tokenizer', () => {
  const letters = [...'helo wrdĠĊ0123456789'];
  const merges = ['h e', 'l l', 'he ll', 'hell o', 'Ġ w'];
  const learned = merges.map((merge) => merge.replace(' ', ''));
  const tokens = [
    ...new Set([...letters, ...learned]),
    '<|begin_of_text|>',
    '<|eot_id|>',
    '<tool>',
  ];
  const idOf = (piece: string): number => tokens.indexOf(piece);
  const fieldsWith = (pre: string): GgufTokenizerFields => ({
    model: 'gpt2',
    pre,
    tokens,
    tokenTypes: tokens.map((token) => (token === '<tool>' ? 4 : token.startsWith('<|') ? 3 : 1)),
    merges,
    bosId: idOf('<|begin_of_text|>'),
    eosId: idOf('<|eot_id|>'),
    addBos: true,
  });

  it.each(['llama-bpe', 'gpt-2', 'smollm', 'qwen2', 'tekken', 'default'])(
    'comes back as it was under the splitting %s',
    (pre) => {
      expect(ggufFieldsOf(tokenizerFromGguf(fieldsWith(pre)))).toMatchObject(fieldsWith(pre));
    },
  );

  const json = (preTokenizer: unknown, more: object = {}): unknown => ({
    pre_tokenizer: preTokenizer,
    model: { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, merges: ['a b'], ...more },
  });

  it('knows the splitting of a tokenizer.json by what it does', () => {
    const plain = { type: 'ByteLevel', add_prefix_space: false, use_regex: true };
    const tokenizer = tokenizerFromJson({ tokenizerJson: json(plain), path: 'x' });
    expect(ggufFieldsOf(tokenizer)).toMatchObject({ model: 'gpt2', pre: 'gpt-2', merges: ['a b'] });
  });

  it('is refused where GGUF has no name for its splitting', () => {
    for (const preTokenizer of [
      { type: 'ByteLevel', add_prefix_space: true, use_regex: true },
      {
        type: 'Sequence',
        pretokenizers: [
          { type: 'Split', pattern: { Regex: 'zebra' }, behavior: 'Isolated', invert: false },
          { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
        ],
      },
    ]) {
      const tokenizer = tokenizerFromJson({ tokenizerJson: json(preTokenizer), path: 'x' });
      expect(() => ggufFieldsOf(tokenizer)).toThrow(/a text splitting that GGUF has no name for/);
    }
  });
});

describe('a SentencePiece tokenizer', () => {
  it('keeps pieces, scores, kinds and ids', () => {
    const before = tinyTokenizer(320);
    const after = tokenizerFromGguf(ggufFieldsOf(before));
    for (let id = 0; id < 320; id++) {
      expect([after.piece(id), after.score(id), after.kindOf(id)]).toEqual([
        before.piece(id),
        before.score(id),
        before.kindOf(id),
      ]);
    }
    expect([after.bos, after.eos, after.addsBos]).toEqual([before.bos, before.eos, before.addsBos]);
    for (const text of tricky) expect(after.encode(text)).toEqual(before.encode(text));
  });

  // A trie with one key, `A`, and its replacement `b`: after the unit of the root come, at the place
  // its offset and the byte point to, the unit of `A` and its leaf.
  const charsMap = (): Uint8Array => {
    const units = new Uint32Array(0x80);
    units[0] = 0; // offset 0
    units[0x41] = 0x41 | 0x100 | (0x40 << 10); // label, has a leaf, offset 0x40
    units[0x01] = 0x80000000; // the leaf, at 0x41 ^ 0x40: replacement at 0
    return Uint8Array.from(
      Buffer.concat([
        Buffer.from(Uint32Array.of(units.byteLength).buffer),
        Buffer.from(units.buffer),
        Buffer.from('b\0'),
      ]),
    );
  };

  it('keeps what it does to a text first: extra spaces removed, a compiled normaliser', () => {
    const { tokens, scores, tokenTypes } = ggufFieldsOf(tinyTokenizer(320));
    const fields = { model: 'llama', tokens, scores, tokenTypes, bosId: 1, eosId: 2 };
    const before = tokenizerFromGguf({ ...fields, removeExtraSpaces: true, charsMap: charsMap() });
    const plain = tokenizerFromGguf(fields);
    const asSigned = { ...ggufFieldsOf(before), charsMap: new Int8Array(charsMap()) };
    const model = writeSentencePiece(before);
    for (const after of [
      tokenizerFromGguf(ggufFieldsOf(before)),
      tokenizerFromGguf(asSigned),
      tokenizerFromSentencePiece(model, 'x.model'),
    ]) {
      expect(after.encode('  A  cat ')).toEqual(plain.encode('b cat'));
      for (const text of tricky) expect(after.encode(text)).toEqual(before.encode(text));
    }
  });

  it.skipIf(!hasSharedData)(
    'gives the ids of a tokenizer.json that lists merges (shared data)',
    () => {
      const path = sharedData('llama2-tokenizer', 'hf', 'tokenizer.json');
      const tokenizerJson: unknown = JSON.parse(readFileSync(path, 'utf8'));
      const before = tokenizerFromJson({ tokenizerJson, path });
      const after = tokenizerFromGguf(ggufFieldsOf(before));
      const text = readFileSync(sharedData('tinyshakespeare', 'input.txt'), 'utf8').slice(
        0,
        50_000,
      );
      for (const one of [...tricky, text]) expect(after.encode(one)).toEqual(before.encode(one));
    },
  );
});
