// Reads a llama2.c tokenizer.bin: i32 longest piece, then for each piece f32 score, i32 length, bytes.
// The file does not say how many there are: it ends with the last. It writes spaces as spaces and
// decorates `<s>` and `</s>` with newlines; both come back as SentencePiece writes them.
import { errors } from '../base/errors.ts';
import {
  byteOfPiece,
  MAX_SCORED_PIECE,
  type PieceKind,
  pieceModelDefaults,
} from './piece-model.ts';
import { SentencePieceTokenizer } from './sentencepiece-tokenizer.ts';
import type { Tokenizer } from './tokenizer.ts';

// a UTF-16 unit takes at most three bytes of UTF-8
const MAX_PIECE_BYTES: number = MAX_SCORED_PIECE * 3;

/**
 * The tokenizer of a llama2.c `tokenizer.bin`.
 * @example const tokenizer = tokenizerFromLlama2c(await readFile('tok512.bin'), 'tok512.bin');
 */
export function tokenizerFromLlama2c(bytes: Uint8Array, path: string): Tokenizer {
  const damaged = (offset: number, expected: string, found: string): Error =>
    errors.FORMAT_DAMAGED({ path, offset, expected, found });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4) throw damaged(0, 'a 4-byte header', `${bytes.length} bytes`);
  const longest = view.getInt32(0, true);
  if (longest < 1 || longest > MAX_PIECE_BYTES) {
    throw damaged(0, `a longest piece of 1 to ${MAX_PIECE_BYTES} bytes`, `${longest}`);
  }
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const pieces: string[] = [];
  const scores: number[] = [];
  const kinds: PieceKind[] = [];
  for (let at = 4; at < bytes.length; ) {
    if (bytes.length - at < 8) throw damaged(at, 'a score and a length', 'the end of the file');
    const score = view.getFloat32(at, true);
    const length = view.getInt32(at + 4, true);
    if (Number.isNaN(score)) throw damaged(at, 'a score', 'NaN');
    const limit = Math.min(longest, bytes.length - at - 8);
    if (length < 0 || length > limit) {
      throw damaged(at + 4, `a length of 0 to ${limit}`, `${length}`);
    }
    let raw: string;
    try {
      raw = decoder.decode(bytes.subarray(at + 8, at + 8 + length));
    } catch {
      throw damaged(at + 8, 'UTF-8 text', 'other bytes');
    }
    if (raw.length > MAX_SCORED_PIECE) {
      throw damaged(at + 8, `at most ${MAX_SCORED_PIECE} characters`, `${raw.length}`);
    }
    const id = pieces.length;
    kinds.push(kindOf(id, raw));
    pieces.push(id < 3 ? raw.trim() : raw.replaceAll(' ', '\u2581'));
    scores.push(score);
    at += 8 + length;
  }
  if (pieces.length < 3) {
    throw damaged(4, 'at least the pieces <unk>, <s> and </s>', `${pieces.length} pieces`);
  }
  return new SentencePieceTokenizer({
    ...pieceModelDefaults,
    pieces,
    scores: Float32Array.from(scores),
    kinds,
    unknown: 0,
    bos: 1,
    eos: 2,
  });
}

// The file has no types. llama2.c takes 0 to 2 for the special ones and never merges byte pieces.
function kindOf(id: number, raw: string): PieceKind {
  if (id === 0) return 'unknown';
  if (id < 3) return 'control';
  return byteOfPiece(raw) === undefined ? 'normal' : 'byte';
}
