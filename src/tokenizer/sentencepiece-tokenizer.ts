// SentencePiece byte-pair encoding: text to ids by score (or by listed merges), and back. Same ids as
// SentencePiece, but for two things: strings of control tokens in a text stay text, and a literal
// U+2581 becomes its bytes where the model has them, so that every text comes back exactly.
import { errors } from '../base/errors.ts';
import { ByteAssembler } from './byte-assembler.ts';
import { cutAtControls, findStrings, type StringFinder } from './control-strings.ts';
import { mergeSymbols } from './merge-symbols.ts';
import { byteOfPiece, looksLikeMarkup, type PieceModel } from './piece-model.ts';
import { buildPieceRules, type PieceRules } from './piece-rules.ts';
import type {
  DecodeOptions,
  Detokenizer,
  EncodeOptions,
  Segment,
  TokenId,
  Tokenizer,
  TokenKind,
} from './tokenizer.ts';

const SPACE = 0x20;
const NEWLINE = 0x0a;
const LOWER_BLOCK = '\u2581';
// bounds the memory of the word cache to a few megabytes
const MAX_CACHED_WORDS = 1 << 16;
const MAX_CACHED_LENGTH = 48;

/** A tokenizer over a PieceModel. */
export class SentencePieceTokenizer implements Tokenizer {
  readonly kind = 'sentencepiece' as const;
  readonly model: PieceModel;
  readonly size: number;
  readonly bos: TokenId | undefined;
  readonly eos: TokenId | undefined;
  readonly unknown: TokenId | undefined;
  readonly pad: TokenId | undefined;
  readonly addsBos: boolean;
  readonly controls: ReadonlyMap<string, TokenId>;
  readonly #ids = new Map<string, TokenId>();
  readonly #controlFinder: StringFinder;
  readonly #addedFinder: StringFinder | undefined;
  /** Id of the byte piece of each byte; undefined where the model lacks even one. */
  readonly #byteIds: Int32Array | undefined;
  readonly #surfaces: string[] = [];
  readonly #words = new Map<string, readonly number[]>();
  #lazyRules: PieceRules | undefined;

  constructor(model: PieceModel) {
    this.model = model;
    this.size = model.pieces.length;
    this.bos = model.bos;
    this.eos = model.eos;
    this.unknown = model.unknown;
    this.pad = model.pad;
    this.addsBos = model.addsBos && model.bos !== undefined;
    const byteIds = new Int32Array(256).fill(-1);
    const controls = new Map<string, TokenId>();
    const added = new Map<string, TokenId>();
    for (let id = 0; id < this.size; id++) {
      const piece = model.pieces[id] as string;
      const kind = model.kinds[id];
      if (!this.#ids.has(piece)) this.#ids.set(piece, id);
      if (kind === 'byte') byteIds[byteOfPiece(piece) ?? 0] = id;
      if (piece === '') continue;
      if (kind === 'control' || kind === 'unknown') controls.set(piece, id);
      else if (kind === 'added' && looksLikeMarkup(piece)) controls.set(piece, id);
      else if (kind === 'added') {
        added.set(model.escapeSpaces ? piece.replaceAll(LOWER_BLOCK, ' ') : piece, id);
      }
    }
    this.#byteIds = byteIds.includes(-1) ? undefined : byteIds;
    this.controls = controls;
    this.#controlFinder = findStrings(controls);
    this.#addedFinder = added.size > 0 ? findStrings(added) : undefined;
  }

  encode(text: string, options: EncodeOptions = {}): TokenId[] {
    const ids: TokenId[] = [];
    if (options.bos && this.bos !== undefined) ids.push(this.bos);
    if (options.control === 'parse') {
      for (const segment of this.segments(text)) {
        if ('control' in segment) ids.push(segment.control);
        else this.#encodeText(segment.text, segment.start, ids);
      }
    } else {
      this.#encodeText(text, options.start ?? 'text', ids);
    }
    if (options.eos && this.eos !== undefined) ids.push(this.eos);
    return ids;
  }

  segments(text: string): Segment[] {
    return cutAtControls(text.toWellFormed(), this.#controlFinder, this.model);
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
    const { model } = this;
    const show = options.control === 'show';
    const bytes = new ByteAssembler();
    let stripsSpace =
      options.start !== 'continuation' && (model.dummySpace !== 'none' || model.removeExtraSpaces);
    return {
      push: (id: TokenId): string => {
        const piece = this.piece(id);
        const kind = model.kinds[id];
        if (kind === 'byte') {
          stripsSpace = false;
          return bytes.push(byteOfPiece(piece) ?? 0);
        }
        const before = bytes.flush();
        if (kind === 'control') {
          if (!show) return before;
          stripsSpace = false;
          return before + piece;
        }
        let surface = kind === 'unknown' && show ? piece : this.#surface(id);
        if (stripsSpace && surface !== '') {
          stripsSpace = false;
          if (kind !== 'unknown' && surface.startsWith(' ')) surface = surface.slice(1);
        }
        return before + surface;
      },
      flush: (): string => bytes.flush(),
    };
  }

  piece(id: TokenId): string {
    const piece = this.model.pieces[id];
    if (piece === undefined) throw errors.TOKEN_UNKNOWN({ id, size: this.size });
    return piece;
  }

  score(id: TokenId): number {
    this.piece(id);
    return this.model.scores[id] ?? 0;
  }

  kindOf(id: TokenId): TokenKind {
    this.piece(id);
    const kind = this.model.kinds[id] ?? 'normal';
    return kind === 'unused' ? 'normal' : kind;
  }

  idOf(piece: string): TokenId | undefined {
    return this.#ids.get(piece);
  }

  #surface(id: TokenId): string {
    const known = this.#surfaces[id];
    if (known !== undefined) return known;
    const { model } = this;
    const piece = this.piece(id);
    let surface = piece;
    if (model.kinds[id] === 'unknown') surface = model.unknownSurface;
    else if (model.escapeSpaces) surface = piece.replaceAll(LOWER_BLOCK, ' ');
    this.#surfaces[id] = surface;
    return surface;
  }

  get #rules(): PieceRules {
    this.#lazyRules ??= buildPieceRules(this.model);
    return this.#lazyRules;
  }

  #encodeText(raw: string, start: 'text' | 'continuation', ids: TokenId[]): void {
    let text = raw.toWellFormed();
    const { model } = this;
    if (model.normalize) text = model.normalize(text);
    if (model.escapeSpaces && !this.#byteIds) text = text.replaceAll(LOWER_BLOCK, ' ');
    if (model.removeExtraSpaces) text = text.replace(/^ +| +$/gu, '').replace(/ {2,}/gu, ' ');
    if (text === '') return;
    if (start === 'text' && model.dummySpace !== 'none') text = ` ${text}`;
    const out: Output = { ids, lastUnknown: false };
    if (!this.#addedFinder) {
      this.#encodeWords(text, out);
      return;
    }
    let from = 0;
    for (;;) {
      const found = this.#addedFinder.next(text, from);
      if (!found) break;
      this.#encodeWords(text.slice(from, found.start), out);
      ids.push(found.id);
      out.lastUnknown = false;
      from = found.end;
    }
    this.#encodeWords(text.slice(from), out);
  }

  /** Cuts where no merge can cross, so that each word's ids are the same as in the whole text. */
  #encodeWords(text: string, out: Output): void {
    const { cutsAtSpaces, cutsAtNewlines } = this.#rules;
    if (!cutsAtSpaces) {
      if (text !== '') this.#encodeWord(text, out);
      return;
    }
    let from = 0;
    let previous = SPACE;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      const cuts =
        (code === SPACE && previous !== SPACE) ||
        (cutsAtNewlines && (code === NEWLINE || previous === NEWLINE));
      if (cuts && i > from) {
        this.#encodeWord(text.slice(from, i), out);
        from = i;
      }
      previous = code;
    }
    if (from < text.length) this.#encodeWord(text.slice(from), out);
  }

  #encodeWord(word: string, out: Output): void {
    if (word.length > MAX_CACHED_LENGTH) {
      this.#emit(this.#mergeWord(word), out);
      return;
    }
    let ids = this.#words.get(word);
    if (!ids) {
      ids = this.#mergeWord(word);
      if (this.#words.size >= MAX_CACHED_WORDS) this.#words.clear();
      // a slice would keep the whole text alive; this copies its few characters
      const codes: number[] = [];
      for (let i = 0; i < word.length; i++) codes.push(word.charCodeAt(i));
      this.#words.set(String.fromCharCode(...codes), ids);
    }
    this.#emit(ids, out);
  }

  #emit(word: readonly number[], out: Output): void {
    for (let i = 0; i < word.length; i++) {
      const id = word[i] as number;
      if (id < 0) {
        // consecutive unknown characters are one unknown token, also across words
        if (!out.lastUnknown && this.unknown !== undefined) out.ids.push(this.unknown);
        out.lastUnknown = true;
      } else {
        out.ids.push(id);
        out.lastUnknown = false;
      }
    }
  }

  /** Ids of one word; -1 stands for a character the model has no piece or bytes for. */
  #mergeWord(word: string): number[] {
    const rules = this.#rules;
    const symbols = new Int32Array(word.length);
    let count = 0;
    for (let i = 0; i < word.length; i++) {
      let point = word.charCodeAt(i);
      if (point >= 0xd800 && point < 0xdc00) {
        point = word.codePointAt(i) as number;
        i += 1;
      }
      symbols[count++] = rules.symbolOf(point);
    }
    const left = mergeSymbols(symbols, count, rules.merges);
    const ids: number[] = [];
    for (let i = 0; i < left; i++) this.#pushSymbol(symbols[i] as number, ids);
    return ids;
  }

  #pushSymbol(symbol: number, ids: number[]): void {
    const rules = this.#rules;
    if (symbol >= 0 && symbol < this.size) {
      const parts = this.model.kinds[symbol] === 'unused' ? rules.partsOf(symbol) : undefined;
      if (!parts) ids.push(symbol);
      else for (const part of parts) this.#pushSymbol(part, ids);
      return;
    }
    const text = rules.textOf(symbol);
    if (this.#byteIds) for (const byte of utf8(text)) ids.push(this.#byteIds[byte] as number);
    else ids.push(-1);
  }
}

interface Output {
  readonly ids: TokenId[];
  lastUnknown: boolean;
}

const encoder = new TextEncoder();

function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}
