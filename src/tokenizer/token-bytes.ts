// What tokens add to a text, as bytes: half characters too, which strings cannot hold.
import { bytesOfByteLevelPiece } from './byte-level-tokenizer.ts';
import { byteOfPiece } from './piece-model.ts';
import type { TokenId, Tokenizer } from './tokenizer.ts';

/**
 * Gives the bytes of any token in the middle of a text; undefined for control, unknown and unused ids,
 * which are no text.
 */
export function tokenBytes(tokenizer: Tokenizer): (id: TokenId) => Uint8Array | undefined {
  const encoder = new TextEncoder();
  const detokenizer = tokenizer.detokenizer({ start: 'continuation' });
  return (id) => {
    const piece = pieceOf(tokenizer, id);
    if (piece === undefined || tokenizer.controls.has(piece)) return undefined;
    const kind = tokenizer.kindOf(id);
    if (kind === 'control' || kind === 'unknown') return undefined;
    if (kind === 'byte') return Uint8Array.of(byteOfPiece(piece) ?? 0);
    if (tokenizer.kind === 'huggingface' && kind === 'normal') return bytesOfByteLevelPiece(piece);
    return encoder.encode(detokenizer.push(id));
  };
}

// Some vocabularies have ids that stand for nothing.
function pieceOf(tokenizer: Tokenizer, id: TokenId): string | undefined {
  try {
    return tokenizer.piece(id);
  } catch {
    return undefined;
  }
}
