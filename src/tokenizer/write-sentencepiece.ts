// Writes any SentencePiece-kind tokenizer as a SentencePiece .model, so that one read from a llama2.c
// file can go into a Hugging Face folder. Reading it back gives the same ids.
import { errors } from '../base/errors.ts';
import type { PieceKind } from './piece-model.ts';
import { MessageWriter } from './protobuf.ts';
import { SentencePieceTokenizer } from './sentencepiece-tokenizer.ts';
import type { Tokenizer } from './tokenizer.ts';

const types: Readonly<Record<PieceKind, number>> = {
  normal: 1,
  unknown: 2,
  control: 3,
  added: 4,
  unused: 5,
  byte: 6,
};

/**
 * The bytes of a SentencePiece `tokenizer.model` for this tokenizer.
 * @example await writeFile('tokenizer.model', writeSentencePiece(tokenizer));
 */
export function writeSentencePiece(tokenizer: Tokenizer): Uint8Array {
  if (!(tokenizer instanceof SentencePieceTokenizer)) {
    throw errors.FORMAT_UNSUPPORTED({
      path: 'the tokenizer',
      feature: 'byte-level merges',
      allowed: 'SentencePiece byte-pair tokenizers as tokenizer.model',
    });
  }
  const { model } = tokenizer;
  const file = new MessageWriter();
  for (let id = 0; id < tokenizer.size; id++) {
    const piece = new MessageWriter()
      .string(1, model.pieces[id] as string)
      .float(2, model.scores[id] as number);
    const type = types[model.kinds[id] as PieceKind];
    if (type !== 1) piece.varint(3, type);
    file.bytes(1, piece.finish());
  }
  const special = (id: number | undefined): string | undefined =>
    id === undefined ? undefined : tokenizer.piece(id);
  const trainer = new MessageWriter()
    .varint(3, 2)
    .varint(4, tokenizer.size)
    .varint(35, model.kinds.includes('byte'))
    .varint(40, tokenizer.unknown ?? -1)
    .varint(41, tokenizer.bos ?? -1)
    .varint(42, tokenizer.eos ?? -1)
    .varint(43, tokenizer.pad ?? -1)
    .string(44, model.unknownSurface);
  for (const [field, id] of [
    [45, tokenizer.unknown],
    [46, tokenizer.bos],
    [47, tokenizer.eos],
    [48, tokenizer.pad],
  ] as const) {
    const piece = special(id);
    if (piece !== undefined) trainer.string(field, piece);
  }
  file.bytes(2, trainer.finish());
  const normalizer = new MessageWriter().string(1, model.charsMap ? 'user_defined' : 'identity');
  if (model.charsMap) normalizer.bytes(2, model.charsMap);
  normalizer
    .varint(3, model.dummySpace !== 'none')
    .varint(4, model.removeExtraSpaces)
    .varint(5, model.escapeSpaces);
  file.bytes(3, normalizer.finish());
  return file.finish();
}
