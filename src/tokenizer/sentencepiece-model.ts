// Reads a SentencePiece .model file (field numbers from its sentencepiece_model.proto). Byte-pair
// models only; what else such a file can ask for is honoured or refused by name.
import { errors } from '../base/errors.ts';
import {
  byteOfPiece,
  MAX_SCORED_PIECE,
  type PieceKind,
  pieceModelDefaults,
} from './piece-model.ts';
import { readCharsMap } from './precompiled-charsmap.ts';
import { type Field, readFields } from './protobuf.ts';
import { SentencePieceTokenizer } from './sentencepiece-tokenizer.ts';
import type { TokenId, Tokenizer } from './tokenizer.ts';

// a vocabulary is 1e3 to 3e5 pieces; bounds what a small file of empty pieces can make us allocate
const MAX_PIECES = 1 << 21;

const pieceKinds: Readonly<Record<number, PieceKind>> = {
  1: 'normal',
  2: 'unknown',
  3: 'control',
  4: 'added',
  5: 'unused',
  6: 'byte',
};

const modelTypes: Readonly<Record<number, string>> = {
  1: 'unigram',
  2: 'bpe',
  3: 'word',
  4: 'char',
};

/**
 * The tokenizer of a SentencePiece `tokenizer.model`.
 * @example const tokenizer = tokenizerFromSentencePiece(await readFile('tokenizer.model'), 'tokenizer.model');
 */
export function tokenizerFromSentencePiece(bytes: Uint8Array, path: string): Tokenizer {
  const pieces: string[] = [];
  const scores: number[] = [];
  const kinds: PieceKind[] = [];
  let trainer: TrainerSpec | undefined;
  let normalizer: NormalizerSpec | undefined;
  for (const field of readFields(bytes, { path, base: 0 })) {
    if (field.wire !== 'bytes') continue;
    if (field.number === 1) {
      if (pieces.length === MAX_PIECES) {
        throw damaged(path, field.offset, `at most ${MAX_PIECES} pieces`, 'more');
      }
      readPiece(field, path, { pieces, scores, kinds });
    } else if (field.number === 2) trainer = readTrainerSpec(field, path);
    else if (field.number === 3) normalizer = readNormalizerSpec(field, path);
  }
  if (pieces.length === 0) {
    throw damaged(path, 0, 'a SentencePiece model', 'no pieces');
  }
  const { modelType, ...special } = trainer ?? readTrainerSpec(undefined, path);
  if (modelType !== 2) {
    throw errors.FORMAT_UNSUPPORTED({
      path,
      feature: `a SentencePiece model of type ${modelTypes[modelType] ?? modelType}`,
      allowed: 'bpe',
    });
  }
  if (special.spaceAsSuffix) {
    throw errors.FORMAT_UNSUPPORTED({
      path,
      feature: 'spaces as suffixes (treat_whitespace_as_suffix)',
      allowed: 'spaces as prefixes',
    });
  }
  const { charsMap, charsMapOffset, ...spaces } = normalizer ?? readNormalizerSpec(undefined, path);
  const idWithin = (id: number): TokenId | undefined =>
    id >= 0 && id < pieces.length ? id : undefined;
  const unknown = kinds.indexOf('unknown');
  return new SentencePieceTokenizer({
    ...pieceModelDefaults,
    pieces,
    scores: Float32Array.from(scores),
    kinds,
    bos: idWithin(special.bos),
    eos: idWithin(special.eos),
    pad: idWithin(special.pad),
    unknown: unknown >= 0 ? unknown : idWithin(special.unknown),
    dummySpace: spaces.addDummyPrefix ? 'every' : 'none',
    removeExtraSpaces: spaces.removeExtraSpaces,
    escapeSpaces: spaces.escapeSpaces,
    unknownSurface: special.unknownSurface,
    ...(charsMap.length > 0 && {
      charsMap,
      normalize: readCharsMap(charsMap, { path, base: charsMapOffset }),
    }),
  });
}

interface PieceColumns {
  readonly pieces: string[];
  readonly scores: number[];
  readonly kinds: PieceKind[];
}

function readPiece(message: Field, path: string, columns: PieceColumns): void {
  let piece = '';
  let score = 0;
  let kind: PieceKind | undefined = 'normal';
  for (const field of readFields(message.bytes, { path, base: payloadOffset(message) })) {
    if (field.number === 1 && field.wire === 'bytes') piece = text(field, path);
    else if (field.number === 2 && field.wire === 'fixed32') score = float(field);
    else if (field.number === 3 && field.wire === 'varint') {
      kind = pieceKinds[field.value];
      if (!kind) throw damaged(path, field.offset, 'a piece type from 1 to 6', `${field.value}`);
    }
  }
  if (piece === '') throw damaged(path, message.offset, 'a piece with characters', 'an empty one');
  if (piece.length > MAX_SCORED_PIECE && (kind === 'normal' || kind === 'unused')) {
    const expected = `a piece of at most ${MAX_SCORED_PIECE} characters`;
    throw damaged(path, message.offset, expected, `${piece.length}`);
  }
  if (Number.isNaN(score)) throw damaged(path, message.offset, 'a score', 'NaN');
  if (kind === 'byte' && byteOfPiece(piece) === undefined) {
    throw damaged(path, message.offset, 'a byte piece such as <0x0A>', piece);
  }
  columns.pieces.push(piece);
  columns.scores.push(score);
  columns.kinds.push(kind);
}

interface TrainerSpec {
  readonly modelType: number;
  readonly spaceAsSuffix: boolean;
  readonly unknown: number;
  readonly bos: number;
  readonly eos: number;
  readonly pad: number;
  readonly unknownSurface: string;
}

function readTrainerSpec(message: Field | undefined, path: string): TrainerSpec {
  const numbers = new Map([
    [3, 1],
    [24, 0],
    [40, 0],
    [41, 1],
    [42, 2],
    [43, -1],
  ]);
  let unknownSurface: string = pieceModelDefaults.unknownSurface;
  if (message) {
    for (const field of readFields(message.bytes, { path, base: payloadOffset(message) })) {
      if (field.wire === 'varint') numbers.set(field.number, field.value);
      if (field.number === 44 && field.wire === 'bytes') unknownSurface = text(field, path);
    }
  }
  const number = (field: number): number => numbers.get(field) ?? 0;
  return {
    modelType: number(3),
    spaceAsSuffix: number(24) !== 0,
    unknown: number(40),
    bos: number(41),
    eos: number(42),
    pad: number(43),
    unknownSurface,
  };
}

interface NormalizerSpec {
  readonly charsMap: Uint8Array;
  readonly charsMapOffset: number;
  readonly addDummyPrefix: boolean;
  readonly removeExtraSpaces: boolean;
  readonly escapeSpaces: boolean;
}

function readNormalizerSpec(message: Field | undefined, path: string): NormalizerSpec {
  let charsMap: Uint8Array = new Uint8Array(0);
  let charsMapOffset = 0;
  const flags = new Map([
    [3, true],
    [4, true],
    [5, true],
  ]);
  if (message) {
    for (const field of readFields(message.bytes, { path, base: payloadOffset(message) })) {
      if (field.wire === 'varint') flags.set(field.number, field.value !== 0);
      if (field.number === 2 && field.wire === 'bytes') {
        charsMap = field.bytes;
        charsMapOffset = payloadOffset(field);
      }
    }
  }
  return {
    charsMap,
    charsMapOffset,
    addDummyPrefix: flags.get(3) ?? true,
    removeExtraSpaces: flags.get(4) ?? true,
    escapeSpaces: flags.get(5) ?? true,
  };
}

/** Where a field's payload begins: after its tag and its length. */
function payloadOffset(field: Field): number {
  const tagBytes = varintLength(field.number * 8 + 2);
  return field.offset + tagBytes + varintLength(field.bytes.length);
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length += 1;
  return length;
}

function text(field: Field, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(field.bytes);
  } catch (cause) {
    throw errors.FORMAT_DAMAGED(
      { path, offset: field.offset, expected: 'UTF-8 text', found: 'other bytes' },
      { cause },
    );
  }
}

function float(field: Field): number {
  return new DataView(field.bytes.buffer, field.bytes.byteOffset, 4).getFloat32(0, true);
}

function damaged(path: string, offset: number, expected: string, found: string): Error {
  return errors.FORMAT_DAMAGED({ path, offset, expected, found });
}
