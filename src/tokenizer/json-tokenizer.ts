// Reads a Hugging Face tokenizer.json. Byte-pair models with byte fallback and U+2581 for spaces
// (Llama 1 and 2, TinyLlama, Mistral, Code Llama) are SentencePiece in other clothes and run on that
// core; byte-level ones (Llama 3) run on @huggingface/tokenizers. Others are refused by name.
import { errors } from '../base/errors.ts';
import { ByteLevelTokenizer } from './byte-level-tokenizer.ts';
import { flatten, type JsonVocabulary, type Part, readJsonVocabulary } from './json-vocabulary.ts';
import { byteOfPiece, type PieceKind, type PieceModel, pieceModelDefaults } from './piece-model.ts';
import { SentencePieceTokenizer } from './sentencepiece-tokenizer.ts';
import type { Tokenizer } from './tokenizer.ts';

const LOWER_BLOCK = '\u2581';

/**
 * The tokenizer of a `tokenizer.json`, with what its `tokenizer_config.json` adds.
 * @example const tokenizer = tokenizerFromJson({ tokenizerJson: JSON.parse(text), path: 'tokenizer.json' });
 */
export function tokenizerFromJson(options: {
  readonly tokenizerJson: unknown;
  readonly tokenizerConfig?: unknown;
  readonly path: string;
}): Tokenizer {
  const { path } = options;
  const vocabulary = readJsonVocabulary(options);
  const { file } = vocabulary;
  const { type = 'BPE' } = file.model;
  if (type !== 'BPE') {
    throw errors.FORMAT_UNSUPPORTED({
      path,
      feature: `a tokenizer model of type ${type}`,
      allowed: 'BPE',
    });
  }
  const parts = [...flatten(file.normalizer), ...flatten(file.pre_tokenizer)];
  if (parts.some((one) => one['type'] === 'ByteLevel')) return new ByteLevelTokenizer(vocabulary);
  return new SentencePieceTokenizer(pieceModel(vocabulary, parts));
}

function pieceModel(vocabulary: JsonVocabulary, parts: readonly Part[]): PieceModel {
  const { path, file, added } = vocabulary;
  const byteFallback = file.model.byte_fallback === true;
  let dummySpace: PieceModel['dummySpace'] = 'none';
  let escapes = false;
  for (const one of parts) {
    const { type, prepend, content, pattern, prepend_scheme: scheme } = one;
    if (type === 'Prepend' && prepend === LOWER_BLOCK) dummySpace = 'every';
    else if (type === 'Replace' && content === LOWER_BLOCK && isSpace(pattern)) escapes = true;
    else if (type === 'Split' && isSpace(pattern)) continue;
    else if (type === 'Metaspace') {
      escapes = true;
      if (scheme === 'first') dummySpace = 'first';
      else if (scheme !== 'never' && one['add_prefix_space'] !== false) dummySpace = 'every';
    } else {
      throw errors.FORMAT_UNSUPPORTED({
        path,
        feature: `the text preparation ${type}`,
        allowed: 'ByteLevel with its companions, Metaspace, or Prepend and Replace of U+2581',
      });
    }
  }
  if (!escapes) {
    throw errors.FORMAT_UNSUPPORTED({
      path,
      feature: 'byte-pair encoding that neither works on bytes nor marks spaces',
      allowed: 'ByteLevel, Metaspace, or Replace of spaces by U+2581',
    });
  }
  const pieces = vocabulary.pieces.map((piece) => piece ?? '');
  const kinds = pieces.map((piece, at): PieceKind => {
    if (at === vocabulary.unknown) return 'unknown';
    if (at === vocabulary.bos || at === vocabulary.eos) return 'control';
    const token = added.get(at);
    if (token) return token.special ? 'control' : 'added';
    if (piece === '') return 'control';
    return byteFallback && byteOfPiece(piece) !== undefined ? 'byte' : 'normal';
  });
  const spaceEating = new Map(
    [...added.values()]
      .filter((token) => token.lstrip || token.rstrip)
      .map((token) => [token.id, { before: token.lstrip, after: token.rstrip }] as const),
  );
  return {
    ...pieceModelDefaults,
    pieces,
    scores: scoresOf(vocabulary),
    kinds,
    bos: vocabulary.bos,
    eos: vocabulary.eos,
    unknown: vocabulary.unknown,
    pad: vocabulary.pad,
    addsBos: vocabulary.addsBos,
    dummySpace,
    merges: vocabulary.merges,
    spaceEating,
  };
}

/** SentencePiece's scores for a list of merges: minus the place of the first merge that makes a piece. */
function scoresOf({ pieces, merges }: JsonVocabulary): Float32Array {
  const scores = new Float32Array(pieces.length);
  const ids = new Map(pieces.map((piece, at) => [piece, at]));
  for (let rank = merges.length - 1; rank >= 0; rank--) {
    const [left, right] = merges[rank] as readonly [string, string];
    const at = ids.get(left + right);
    if (at !== undefined) scores[at] = -rank;
  }
  return scores;
}

function isSpace(pattern: unknown): boolean {
  return typeof pattern === 'object' && pattern !== null && 'String' in pattern
    ? pattern.String === ' '
    : false;
}
