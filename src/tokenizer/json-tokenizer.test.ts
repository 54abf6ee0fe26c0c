// tokenizer.json and GGUF vocabularies: against tokenizer.model, against @huggingface/tokenizers run
// whole, and against a small vocabulary worked by hand.
import { readFileSync } from 'node:fs';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasSharedData, sharedData } from '../../test/shared-data.ts';
import { type GgufTokenizerFields, tokenizerFromGguf } from './gguf-tokenizer.ts';
import { tokenizerFromJson } from './json-tokenizer.ts';
import { tokenizerFromSentencePiece } from './sentencepiece-model.ts';

/** GPT-2's byte alphabet, written out by its definition. */
function byteCharacters(): string[] {
  const printable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  let extra = 0;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(printable(byte) ? byte : 256 + extra++),
  );
}

const merges = [
  'l l',
  'h e',
  'Ġ w',
  'he ll',
  'hell o',
  'Ġ hello',
  'o r',
  '1 2',
  '12 3',
  'Ċ Ċ',
  'â ĺ',
  'âĺ ĥ',
];
const learned = [
  'll',
  'he',
  'Ġw',
  'hell',
  'hello',
  'Ġhello',
  'or',
  '12',
  '123',
  'ĊĊ',
  'âĺ',
  'âĺĥ',
  'Ġworld',
  '1234',
];
const controls = ['<|begin_of_text|>', '<|end_of_text|>', '<|eot_id|>'];
const tokens = [...byteCharacters(), ...learned, ...controls];
const idOf = (piece: string): number => tokens.indexOf(piece);
const fields: GgufTokenizerFields = {
  model: 'gpt2',
  pre: 'llama-bpe',
  tokens,
  tokenTypes: tokens.map((token) => (controls.includes(token) ? 3 : 1)),
  merges,
  bosId: idOf('<|begin_of_text|>'),
  eosId: idOf('<|eot_id|>'),
};

describe('a Llama 3 vocabulary from a GGUF file', () => {
  const tokenizer = tokenizerFromGguf(fields);
  const pieces = (text: string): string[] =>
    tokenizer.encode(text).map((id) => tokenizer.piece(id));

  it('merges by rank inside what its pattern cuts', () => {
    expect(pieces('hello')).toEqual(['hello']);
    expect(pieces('hello hello')).toEqual(['hello', 'Ġhello']);
    // h-e and l-l first, then he-ll; the last l stays
    expect(pieces('helll')).toEqual(['hell', 'l']);
    expect(pieces("he'LL")).toEqual(['he', "'", 'L', 'L']);
    expect(pieces('☃')).toEqual(['âĺĥ']);
    expect(pieces('\n\nhe')).toEqual(['ĊĊ', 'he']);
  });

  it('takes a stretch that is a token whole, though no merges lead there', () => {
    expect(pieces(' world')).toEqual(['Ġworld']);
    expect(pieces(' worlds')).toEqual(['Ġw', 'or', 'l', 'd', 's']);
  });

  it('cuts digits by threes, so that 1234 is no token in a text', () => {
    expect(pieces('1234')).toEqual(['123', '4']);
  });

  it('wants BOS, and makes control tokens only when parsing', () => {
    expect(tokenizer.addsBos).toBe(true);
    expect(tokenizer.encode('hello', { bos: true })).toEqual([tokenizer.bos, idOf('hello')]);
    const text = 'hello<|eot_id|>hello';
    expect(tokenizer.encode(text).includes(idOf('<|eot_id|>'))).toBe(false);
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    const parsed = tokenizer.encode(text, { control: 'parse' });
    expect(parsed).toEqual([idOf('hello'), idOf('<|eot_id|>'), idOf('hello')]);
    expect(tokenizer.decode(parsed)).toBe('hellohello');
    expect(tokenizer.decode(parsed, { control: 'show' })).toBe(text);
    expect(tokenizer.kindOf(idOf('<|eot_id|>'))).toBe('control');
  });

  it('gives every text back, streamed or whole', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string({ unit: fc.constantFrom(..." \nhelo1234\ud800☃🦙'wrd<|") }),
        ),
        (text) => {
          const ids = tokenizer.encode(text);
          expect(tokenizer.decode(ids)).toBe(text.toWellFormed());
          const detokenizer = tokenizer.detokenizer();
          const streamed = ids.map((id) => detokenizer.push(id)).join('') + detokenizer.flush();
          expect(streamed).toBe(text.toWellFormed());
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('streams any ids to what decode gives, never half a character', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(tokens.length - 1), { maxLength: 30 }), (ids) => {
        const detokenizer = tokenizer.detokenizer();
        const streamed = ids.map((id) => detokenizer.push(id)).join('') + detokenizer.flush();
        expect(streamed).toBe(tokenizer.decode(ids));
      }),
    );
    const detokenizer = tokenizer.detokenizer();
    const emoji = tokenizer.encode('🦙').map((id) => detokenizer.push(id));
    expect(emoji).toEqual(['', '', '', '🦙']);
  });

  it('agrees with @huggingface/tokenizers run whole', () => {
    const library = new HuggingFaceTokenizer(
      {
        added_tokens: [],
        normalizer: null,
        pre_tokenizer: {
          type: 'Sequence',
          pretokenizers: [
            {
              type: 'Split',
              pattern: {
                Regex:
                  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
              },
              behavior: 'Isolated',
              invert: false,
            },
            { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
          ],
        },
        post_processor: null,
        decoder: { type: 'ByteLevel' },
        model: {
          type: 'BPE',
          vocab: Object.fromEntries(tokens.slice(0, -3).map((piece, id) => [piece, id])),
          merges: merges.map((merge) => merge.split(' ')),
          ignore_merges: true,
        },
      },
      {},
    );
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..." \n\thelo12345☃é'wrds!.") }), (text) => {
        expect(tokenizer.encode(text)).toEqual(library.encode(text).ids);
      }),
      { numRuns: 500 },
    );
  });

  it('names what it does not read', () => {
    expect(() => tokenizerFromGguf({ ...fields, model: 'bert' })).toThrow(
      /model bert.*llama, gpt2/s,
    );
    expect(() => tokenizerFromGguf({ ...fields, pre: 'zebra' })).toThrow(/pre-tokenizer zebra/);
    expect(() => tokenizerFromGguf({ ...fields, merges: undefined })).toThrow(/merges/);
    expect(() => tokenizerFromGguf({ ...fields, bosId: 5000 })).toThrow(/bos_token_id/);
    expect(() => tokenizerFromGguf({ ...fields, tokenTypes: [1] })).toThrow(/token_type/);
    expect(() => tokenizerFromGguf({ ...fields, model: 'llama' })).toThrow(/scores/);
  });
});

describe('GPT-2’s and SmolLM’s cuts', () => {
  it('differ in digits', () => {
    const gpt2 = tokenizerFromGguf({ ...fields, pre: 'gpt-2' });
    expect(gpt2.encode('123')).toEqual([idOf('123')]);
    expect(gpt2.addsBos).toBe(false);
    const smollm = tokenizerFromGguf({ ...fields, pre: 'smollm' });
    expect(smollm.encode('123')).toEqual([idOf('1'), idOf('2'), idOf('3')]);
  });
});

describe('a tokenizer.json', () => {
  const file = {
    added_tokens: [{ id: 0, content: '<s>', special: true }],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<s>' } }, { Sequence: { id: 'A' } }],
    },
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab: { '<s>': 0, a: 1, b: 2, ab: 3, __proto__x: 4 }, merges: ['a b'] },
  };

  it('says by its post-processor whether BOS is wanted', () => {
    expect(tokenizerFromJson({ tokenizerJson: file, path: 't.json' }).addsBos).toBe(true);
    const config = { add_bos_token: false };
    const read = tokenizerFromJson({
      tokenizerJson: file,
      tokenizerConfig: config,
      path: 't.json',
    });
    expect([read.addsBos, read.bos, read.encode('ab', { bos: true })]).toEqual([false, 0, [0, 3]]);
  });

  it('of another kind or shape is refused with the field named', () => {
    const read = (changes: Record<string, unknown>) => () =>
      tokenizerFromJson({ tokenizerJson: { ...file, ...changes }, path: 't.json' });
    expect(read({ model: { type: 'Unigram', vocab: {} } })).toThrow(/type Unigram.*BPE/s);
    expect(read({ model: { vocab: { a: -1 } } })).toThrow(/model.vocab/);
    expect(read({ model: { vocab: { a: 1e12 } } })).toThrow(/model.vocab/);
    expect(read({ model: { vocab: 3 } })).toThrow(/model.vocab/);
    expect(read({ added_tokens: 'x' })).toThrow(/added_tokens/);
    expect(read({ pre_tokenizer: null })).toThrow(/marks spaces/);
    expect(() => tokenizerFromJson({ tokenizerJson: 'x', path: 't.json' })).toThrow(/t\.json/);
    const splits = { type: 'Split', pattern: { String: 'a' }, behavior: 'MergedWithNext' };
    const parts = [splits, file.pre_tokenizer];
    expect(read({ pre_tokenizer: { type: 'Sequence', pretokenizers: parts } })).toThrow(
      /mergedwithnext/,
    );
  });
});

describe.skipIf(!hasSharedData)('Llama 2’s other vocabularies (need ../shared/data)', () => {
  const read = (name: string) => readFileSync(sharedData('llama2-tokenizer', name));
  const json = (name: string): unknown => JSON.parse(read(name).toString());
  const open = () => tokenizerFromSentencePiece(read('tokenizer.model'), 'tokenizer.model');
  const text = hasSharedData
    ? readFileSync(sharedData('wikitext2', 'valid.txt'), 'utf8').slice(0, 300_000)
    : '';
  const tricky = [
    '',
    ' ',
    '  a',
    '\n\t',
    '日本語 🦙',
    "y'all </s>",
    ' '.repeat(40),
    'a\u2581b',
    '1234',
  ];

  it('phi-3’s tokenizer.json gives the ids of tokenizer.model', () => {
    const model = open();
    const phi = tokenizerFromJson({ tokenizerJson: json('phi-3-mini-tokenizer.json'), path: 'p' });
    expect([phi.kind, phi.size]).toEqual(['sentencepiece', 32011]);
    for (const one of [text, ...tricky, '\u00a0\u00a0'])
      expect(phi.encode(one)).toEqual(model.encode(one));
    expect(phi.encode('<|user|>').includes(32010)).toBe(false);
    // <|user|> eats the spaces after it
    expect(phi.encode('<|user|>\n Hello<|end|>', { control: 'parse' })).toEqual([
      32010, 15043, 32007,
    ]);
  });

  it('the Hugging Face copy does too, but where its entries are known to be wrong', () => {
    const model = open();
    const copy = tokenizerFromJson({
      tokenizerJson: json('hf/tokenizer.json'),
      tokenizerConfig: json('hf/tokenizer_config.json'),
      path: 'hf',
    });
    expect([copy.size, copy.bos, copy.eos, copy.addsBos]).toEqual([32000, 1, 2, true]);
    for (const one of [text, ...tricky]) expect(copy.encode(one)).toEqual(model.encode(one));
    expect(copy.decode(copy.encode('\u00a0x'))).toBe('\u00a0x');
  });

  it('the GGUF vocabulary gives the ids of tokenizer.model', () => {
    const model = open();
    const gguf = tokenizerFromGguf(readSpmGguf(read('ggml-vocab-llama-spm.gguf')));
    expect([gguf.size, gguf.bos, gguf.eos, gguf.unknown]).toEqual([32000, 1, 2, 0]);
    for (const one of [text, ...tricky]) expect(gguf.encode(one)).toEqual(model.encode(one));
    for (let id = 0; id < 32000; id += 111) expect(gguf.kindOf(id)).toBe(model.kindOf(id));
  });
});

/** Just enough of GGUF to take the vocabulary out of this one file. */
function readSpmGguf(bytes: Buffer): GgufTokenizerFields {
  let at = 24;
  const count = Number(bytes.readBigUInt64LE(16));
  const length = (): number => {
    at += 8;
    return Number(bytes.readBigUInt64LE(at - 8));
  };
  const string = (): string => {
    const size = length();
    at += size;
    return bytes.toString('utf8', at - size, at);
  };
  const sizes: Readonly<Record<number, number>> = { 4: 4, 5: 4, 6: 4, 7: 1 };
  const value = (type: number): unknown => {
    if (type === 8) return string();
    if (type === 9) {
      const inner = bytes.readUInt32LE(at);
      at += 4;
      return Array.from({ length: length() }, () => value(inner));
    }
    const size = sizes[type] ?? 8;
    at += size;
    if (type === 6) return bytes.readFloatLE(at - 4);
    return size === 1 ? bytes[at - 1] === 1 : bytes.readInt32LE(at - size);
  };
  const values = new Map<string, unknown>();
  for (let i = 0; i < count; i++) {
    const key = string();
    at += 4;
    values.set(key, value(bytes.readUInt32LE(at - 4)));
  }
  const get = <T>(key: string): T => values.get(`tokenizer.ggml.${key}`) as T;
  return {
    model: get('model'),
    pre: get('pre'),
    tokens: get('tokens'),
    scores: get('scores'),
    tokenTypes: get('token_type'),
    bosId: get('bos_token_id'),
    eosId: get('eos_token_id'),
    unknownId: get('unknown_token_id'),
    addBos: get('add_bos_token'),
  };
}

it('a byte-level tokenizer.json with a normaliser uses it', () => {
  const tokenizer = tokenizerFromJson({
    path: 't.json',
    tokenizerJson: {
      normalizer: { type: 'NFC' },
      pre_tokenizer: { type: 'ByteLevel' },
      model: { type: 'BPE', vocab: { Ã: 0, '©': 1, 'Ã©': 2 }, merges: ['Ã ©'] },
    },
  });
  expect(tokenizer.encode('e\u0301')).toEqual([2]);
  expect(tokenizer.decode([2])).toBe('é');
});
