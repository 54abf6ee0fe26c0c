// Byte-level byte-pair encoding (GPT-2's kind; Llama 3). @huggingface/tokenizers normalises and cuts the
// text; merging runs on our own core with a cache of words, and ids come back to text byte by byte, so
// that a stream never splits a character.
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { errors } from '../base/errors.ts';
import { messageOf } from '../base/message-of.ts';
import { cutAtControls, findStrings, type StringFinder } from './control-strings.ts';
import { flatten, type JsonVocabulary } from './json-vocabulary.ts';
import { mergeSymbols } from './merge-symbols.ts';
import {
  looksLikeMarkup,
  type PieceModel,
  pieceModelDefaults,
  type SpaceEating,
} from './piece-model.ts';
import { buildPieceRules, type PieceRules } from './piece-rules.ts';
import { gpt2Pattern } from './pre-tokenizers.ts';
import type {
  DecodeOptions,
  Detokenizer,
  EncodeOptions,
  Segment,
  TokenId,
  Tokenizer,
  TokenKind,
} from './tokenizer.ts';

const MAX_CACHED_WORDS = 1 << 16;
const MAX_CACHED_LENGTH = 48;

/** A tokenizer over a byte-level tokenizer.json. */
export class ByteLevelTokenizer implements Tokenizer {
  readonly kind = 'huggingface' as const;
  readonly size: number;
  readonly bos: TokenId | undefined;
  readonly eos: TokenId | undefined;
  readonly unknown: TokenId | undefined;
  readonly pad: TokenId | undefined;
  readonly addsBos: boolean;
  readonly controls: ReadonlyMap<string, TokenId>;
  /** What the files said, for writing the tokenizer in another form. */
  readonly vocabulary: JsonVocabulary;
  readonly #ids = new Map<string, TokenId>();
  readonly #kinds: readonly (TokenKind | undefined)[];
  readonly #controlFinder: StringFinder;
  readonly #addedFinder: StringFinder | undefined;
  readonly #spaceEating = new Map<TokenId, SpaceEating>();
  readonly #cut: (text: string) => string[];
  readonly #normalize: ((text: string) => string) | undefined;
  readonly #words = new Map<string, readonly number[]>();
  #lazyRules: PieceRules | undefined;

  constructor(vocabulary: JsonVocabulary) {
    const { pieces, added, bos, eos } = vocabulary;
    this.vocabulary = vocabulary;
    this.size = pieces.length;
    this.bos = bos;
    this.eos = eos;
    this.unknown = vocabulary.unknown;
    this.pad = vocabulary.pad;
    this.addsBos = vocabulary.addsBos && bos !== undefined;
    const controls = new Map<string, TokenId>();
    const plain = new Map<string, TokenId>();
    this.#kinds = pieces.map((piece, id): TokenKind | undefined => {
      if (piece === undefined) return undefined;
      if (!this.#ids.has(piece)) this.#ids.set(piece, id);
      const token = added.get(id);
      if (token && (token.lstrip || token.rstrip)) {
        this.#spaceEating.set(id, { before: token.lstrip, after: token.rstrip });
      }
      const isControl = token?.special || id === bos || id === eos || id === this.unknown;
      if (isControl || (token && looksLikeMarkup(piece))) controls.set(piece, id);
      else if (token) plain.set(piece, id);
      if (id === this.unknown) return 'unknown';
      if (isControl) return 'control';
      return token ? 'added' : 'normal';
    });
    this.controls = controls;
    this.#controlFinder = findStrings(controls);
    this.#addedFinder = plain.size > 0 ? findStrings(plain) : undefined;
    const { cut, normalize } = textPreparation(vocabulary);
    this.#cut = cut;
    this.#normalize = normalize;
  }

  encode(text: string, options: EncodeOptions = {}): TokenId[] {
    const ids: TokenId[] = [];
    if (options.bos && this.bos !== undefined) ids.push(this.bos);
    if (options.control === 'parse') {
      for (const segment of this.segments(text)) {
        if ('control' in segment) ids.push(segment.control);
        else this.#encodeText(segment.text, ids);
      }
    } else {
      this.#encodeText(text.toWellFormed(), ids);
    }
    if (options.eos && this.eos !== undefined) ids.push(this.eos);
    return ids;
  }

  segments(text: string): Segment[] {
    const { bos } = this;
    return cutAtControls(text.toWellFormed(), this.#controlFinder, {
      bos,
      dummySpace: 'none',
      spaceEating: this.#spaceEating,
    });
  }

  decode(ids: readonly TokenId[], options: DecodeOptions = {}): string {
    const detokenizer = this.detokenizer(options);
    let text = '';
    for (const id of ids) text += detokenizer.push(id);
    return text + detokenizer.flush();
  }

  detokenizer(
    options: DecodeOptions & { readonly start?: 'text' | 'continuation' } = {},
  ): Detokenizer {
    const show = options.control === 'show';
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    return {
      push: (id: TokenId): string => {
        const piece = this.piece(id);
        const kind = this.#kinds[id];
        if (kind === 'normal')
          return decoder.decode(bytesOfByteLevelPiece(piece), { stream: true });
        const before = decoder.decode();
        return kind === 'added' || show ? before + piece : before;
      },
      flush: (): string => decoder.decode(),
    };
  }

  piece(id: TokenId): string {
    const piece = this.vocabulary.pieces[id];
    if (piece === undefined) throw errors.TOKEN_UNKNOWN({ id, size: this.size });
    return piece;
  }

  score(id: TokenId): number {
    this.piece(id);
    return 0;
  }

  kindOf(id: TokenId): TokenKind {
    this.piece(id);
    return this.#kinds[id] ?? 'normal';
  }

  idOf(piece: string): TokenId | undefined {
    return this.#ids.get(piece);
  }

  get #rules(): PieceRules {
    this.#lazyRules ??= buildPieceRules(this.#pieceModel());
    return this.#lazyRules;
  }

  /** The vocabulary in the form the merging core takes; control tokens have no part in merging. */
  #pieceModel(): PieceModel {
    const { pieces, merges } = this.vocabulary;
    return {
      ...pieceModelDefaults,
      pieces: pieces.map((piece) => piece ?? ''),
      scores: new Float32Array(pieces.length),
      kinds: this.#kinds.map((kind) => (kind === 'normal' ? 'normal' : 'control')),
      bos: this.bos,
      eos: this.eos,
      unknown: this.unknown,
      escapeSpaces: false,
      dummySpace: 'none',
      merges,
    };
  }

  #encodeText(raw: string, ids: TokenId[]): void {
    if (!this.#addedFinder) {
      this.#encodeStretch(raw, ids);
      return;
    }
    let from = 0;
    for (;;) {
      const found = this.#addedFinder.next(raw, from);
      if (!found) break;
      this.#encodeStretch(raw.slice(from, found.start), ids);
      ids.push(found.id);
      from = found.end;
    }
    this.#encodeStretch(raw.slice(from), ids);
  }

  #encodeStretch(raw: string, ids: TokenId[]): void {
    if (raw === '') return;
    const text = this.#normalize ? this.#normalize(raw) : raw;
    for (const word of this.#cut(text)) {
      let merged = this.#words.get(word);
      if (!merged) {
        merged = this.#mergeWord(word);
        if (word.length <= MAX_CACHED_LENGTH) {
          if (this.#words.size >= MAX_CACHED_WORDS) this.#words.clear();
          // a slice would keep the whole text alive; this copies its few characters
          const codes: number[] = [];
          for (let i = 0; i < word.length; i++) codes.push(word.charCodeAt(i));
          this.#words.set(String.fromCharCode(...codes), merged);
        }
      }
      for (let i = 0; i < merged.length; i++) ids.push(merged[i] as number);
    }
  }

  #mergeWord(word: string): number[] {
    const bytes = encoder.encode(word);
    if (this.vocabulary.file.model.ignore_merges) {
      let piece = '';
      for (const byte of bytes) piece += String.fromCharCode(pointOfByte[byte] as number);
      const id = this.#ids.get(piece);
      if (id !== undefined && this.#kinds[id] === 'normal') return [id];
    }
    const rules = this.#rules;
    const symbols = Int32Array.from(bytes, (byte) => rules.symbolOf(pointOfByte[byte] as number));
    const count = mergeSymbols(symbols, symbols.length, rules.merges);
    const ids: number[] = [];
    for (const symbol of symbols.subarray(0, count)) {
      if (symbol >= 0 && symbol < this.size) ids.push(symbol);
      else if (this.unknown !== undefined) ids.push(this.unknown);
    }
    return ids;
  }
}

const encoder = new TextEncoder();

// GPT-2's alphabet: each byte as a visible character, its own code where that is printable
const pointOfByte: readonly number[] = byteAlphabet();
const byteOfPoint: ReadonlyMap<number, number> = new Map(
  pointOfByte.map((point, byte) => [point, byte]),
);

function byteAlphabet(): number[] {
  const points: number[] = [];
  let extra = 0x100;
  for (let byte = 0; byte < 0x100; byte++) {
    const printable =
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    points.push(printable ? byte : extra++);
  }
  return points;
}

/** The bytes that a piece of a byte-level vocabulary stands for; a character outside the alphabet stands for itself. */
export function bytesOfByteLevelPiece(piece: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of piece) {
    const byte = byteOfPoint.get(character.codePointAt(0) as number);
    if (byte === undefined) bytes.push(...encoder.encode(character));
    else bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

interface TextPreparation {
  readonly cut: (text: string) => string[];
  readonly normalize: ((text: string) => string) | undefined;
}

/** The library's normaliser and pre-tokenizer, its ByteLevel step reduced to where it cuts. */
function textPreparation({ file, path }: JsonVocabulary): TextPreparation {
  const parts = flatten(file.pre_tokenizer);
  if (flatten(file.normalizer).some((one) => one.type === 'Sequence')) {
    refuse(path, 'normalisers nested too deeply');
  }
  const cuts: unknown[] = [];
  let prefixesSpace = false;
  for (const [at, one] of parts.entries()) {
    if (one.type === 'ByteLevel') {
      if (one['add_prefix_space'] === true) {
        if (at > 0) refuse(path, 'a prefix space after a cut');
        prefixesSpace = true;
      }
      if (one['use_regex'] !== false) cuts.push(split(gpt2Pattern));
    } else {
      const behavior = String(one['behavior'] ?? 'Isolated').toLowerCase();
      if (one.type === 'Sequence') refuse(path, 'cuts nested too deeply');
      if (one.type === 'Split' && behavior !== 'isolated' && behavior !== 'removed') {
        refuse(path, `the split behaviour ${behavior}`);
      }
      cuts.push(one);
    }
  }
  let library: HuggingFaceTokenizer;
  try {
    library = new HuggingFaceTokenizer(
      {
        normalizer: file.normalizer ?? null,
        pre_tokenizer: { type: 'Sequence', pretokenizers: cuts },
        post_processor: null,
        decoder: null,
        added_tokens: [],
        model: { type: 'BPE', vocab: {}, merges: [] },
      },
      {},
    );
  } catch (cause) {
    const reason = messageOf(cause);
    throw errors.FORMAT_UNSUPPORTED(
      {
        path,
        feature: `text preparation that cannot be set up (${reason})`,
        allowed: 'ByteLevel, Split, Digits, Punctuation and Unicode normal forms',
      },
      { cause },
    );
  }
  const { normalizer, pre_tokenizer: preTokenizer } = library;
  return {
    normalize: normalizer ? (text) => normalizer.normalize(text) : undefined,
    cut: (text) => {
      const whole = prefixesSpace && !text.startsWith(' ') ? ` ${text}` : text;
      return preTokenizer ? preTokenizer.pre_tokenize(whole) : [whole];
    },
  };
}

function split(pattern: string): unknown {
  return { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false };
}

function refuse(path: string, feature: string): never {
  throw errors.FORMAT_UNSUPPORTED({
    path,
    feature,
    allowed: 'ByteLevel without it, Split with Isolated or Removed',
  });
}
