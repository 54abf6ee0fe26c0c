// A tokenizer as the `tokenizer.ggml.*` values of a GGUF: the inverse of gguf-tokenizer.ts. Refuses
// what those values cannot say, since a file that tokenizes otherwise would be worse than none.
import { errors } from '../base/errors.ts';
import { ByteLevelTokenizer } from './byte-level-tokenizer.ts';
import type { GgufTokenizerFields } from './gguf-tokenizer.ts';
import type { JsonVocabulary } from './json-vocabulary.ts';
import type { PieceKind } from './piece-model.ts';
import { preTokenizerNameOf } from './pre-tokenizers.ts';
import { SentencePieceTokenizer } from './sentencepiece-tokenizer.ts';
import type { Tokenizer } from './tokenizer.ts';

const typeNumbers: Readonly<Record<PieceKind, number>> = {
  normal: 1,
  unknown: 2,
  control: 3,
  added: 4,
  unused: 5,
  byte: 6,
};

/**
 * The values a GGUF holds for this tokenizer. Throws FORMAT_UNSUPPORTED where it has none for it.
 * @example const { tokens, scores } = ggufFieldsOf(tokenizer);
 */
export function ggufFieldsOf(tokenizer: Tokenizer): GgufTokenizerFields {
  const { bos, eos, unknown, pad, addsBos } = tokenizer;
  const common = { bosId: bos, eosId: eos, unknownId: unknown, padId: pad, addBos: addsBos };
  if (tokenizer instanceof SentencePieceTokenizer) {
    return { ...common, ...sentencePieceFields(tokenizer) };
  }
  if (tokenizer instanceof ByteLevelTokenizer) {
    return { ...common, ...byteLevelFields(tokenizer.vocabulary) };
  }
  throw unsupported('a tokenizer of an unknown kind');
}

function sentencePieceFields({
  model,
}: SentencePieceTokenizer): Pick<
  GgufTokenizerFields,
  | 'model'
  | 'pre'
  | 'tokens'
  | 'scores'
  | 'tokenTypes'
  | 'addSpacePrefix'
  | 'removeExtraSpaces'
  | 'charsMap'
> {
  if (!model.escapeSpaces) throw unsupported('spaces that are not U+2581');
  return {
    model: 'llama',
    pre: 'default',
    tokens: model.pieces,
    scores: model.scores,
    tokenTypes: model.kinds.map((kind) => typeNumbers[kind]),
    addSpacePrefix: model.dummySpace !== 'none',
    // Few models want these; without them a file means what its readers take for granted.
    removeExtraSpaces: model.removeExtraSpaces || undefined,
    charsMap: model.charsMap,
  };
}

function byteLevelFields(
  vocabulary: JsonVocabulary,
): Pick<GgufTokenizerFields, 'model' | 'pre' | 'tokens' | 'tokenTypes' | 'merges'> {
  const { file, pieces, added, merges } = vocabulary;
  const pre = preTokenizerNameOf(file);
  if (pre === undefined) throw unsupported('a text splitting that GGUF has no name for');
  return {
    model: 'gpt2',
    pre,
    tokens: pieces.map((piece, id) => piece ?? `[PAD${id}]`),
    tokenTypes: pieces.map((piece, id) => {
      if (piece === undefined) return typeNumbers.unused;
      const token = added.get(id);
      if (token === undefined) return typeNumbers.normal;
      return token.special ? typeNumbers.control : typeNumbers.added;
    }),
    merges: merges.map((pair) => pair.join(' ')),
  };
}

function unsupported(feature: string): Error {
  return errors.FORMAT_UNSUPPORTED({
    path: 'The tokenizer',
    feature,
    allowed: 'SentencePiece with spaces as U+2581, or byte-level BPE with a known splitting',
  });
}
