// Adds pieces to a SentencePiece vocabulary for text that it covers badly. All pieces it has keep their ids
// and merge before any new one, so new pieces only ever join what the old vocabulary leaves apart.
import { errors } from '../base/errors.ts';
import type { OnProgress } from '../base/progress.ts';
import { MergeLearner } from './merge-learner.ts';
import { mergeSymbols } from './merge-symbols.ts';
import type { PieceKind } from './piece-model.ts';
import { buildPieceRules, type PieceRules } from './piece-rules.ts';
import { SentencePieceTokenizer } from './sentencepiece-tokenizer.ts';
import type { TokenId, Tokenizer } from './tokenizer.ts';
import { chooseCharacters, runLearner } from './train-bpe.ts';
import { WordCounts } from './word-counts.ts';

/** What to add. */
export interface ExtendTokenizerOptions {
  /** Most pieces to add; fewer where the text has no more pairs that occur often enough. */
  readonly pieces: number;
  /** Characters without a piece get one until this share of the text has pieces. Default 0.9995. */
  readonly coverage?: number;
  /** Longest new piece in characters. Default 16. */
  readonly maxPieceLength?: number;
  /** A new piece must occur this often. Default 2. */
  readonly minimumCount?: number;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/** A larger vocabulary, and how the old one wrote each new piece. */
export interface ExtendedTokenizer {
  readonly tokenizer: Tokenizer;
  /** Ids of the old vocabulary for the pieces `base.size`, `base.size + 1` …: what their embeddings are the mean of. */
  readonly parts: readonly (readonly TokenId[])[];
}

/** Counts words as a tokenizer will see them: with a space before each text where it puts one there. */
export function wordCountsFor(base: Tokenizer): WordCounts {
  const isPlain = base instanceof SentencePieceTokenizer && base.model.dummySpace === 'none';
  return new WordCounts({ dummyPrefix: !isPlain });
}

/**
 * Learns new pieces from counted words. Throws FORMAT_UNSUPPORTED for tokenizers that are not merged by
 * scores, such as byte-level ones.
 * @example const counts = wordCountsFor(base); counts.add(text); const { tokenizer, parts } = await extendTokenizer(base, counts, { pieces: 4000 });
 */
export async function extendTokenizer(
  base: Tokenizer,
  counts: WordCounts,
  options: ExtendTokenizerOptions,
): Promise<ExtendedTokenizer> {
  if (!(base instanceof SentencePieceTokenizer) || base.model.merges) {
    throw errors.FORMAT_UNSUPPORTED({
      path: 'the tokenizer',
      feature: base.kind === 'huggingface' ? 'byte-level merges' : 'a list of merges',
      allowed: 'SentencePiece vocabularies with scores (tokenizer.model, or from a GGUF) to extend',
    });
  }
  const { model } = base;
  const rules = buildPieceRules(model);
  const characters = newCharacters(counts, base, rules, options);
  const made = piecesOf(base);
  const symbols = [...model.pieces, ...characters];
  for (const [at, character] of characters.entries()) made.set(character, base.size + at);
  const learner = new MergeLearner({
    symbols,
    made,
    maxLength: options.maxPieceLength ?? 16,
    words: Array.from(counts.words, ([word, count]) => ({
      symbols: symbolsOf(word, { rules, made, size: base.size }),
      count,
    })),
  });
  const wanted = options.pieces - characters.length;
  const merged = await runLearner(learner, { ...options, wanted });
  const added = [...merged, ...characters];
  const tokenizer = append(base, added);
  const parts = added.map((piece) =>
    base.encode(model.escapeSpaces ? piece.replaceAll('\u2581', ' ') : piece, {
      start: 'continuation',
    }),
  );
  return { tokenizer, parts };
}

/** Characters that have no piece, most frequent first, as far as coverage and room go. */
function newCharacters(
  counts: WordCounts,
  base: SentencePieceTokenizer,
  rules: PieceRules,
  { coverage = 0.9995, pieces, minimumCount = 2 }: ExtendTokenizerOptions,
): string[] {
  const has = (character: string): boolean => {
    const symbol = rules.symbolOf(codeOf(character));
    return symbol >= 0 && symbol < base.size;
  };
  const hasBytes = base.model.kinds.includes('byte');
  const missing = new Map<string, number>();
  let total = 0;
  let covered = 0;
  for (const [character, count] of counts.characters) {
    total += count;
    if (has(character) || (hasBytes && character === '\n')) covered += count;
    else if (count >= minimumCount) missing.set(character, count);
  }
  const open = total - covered;
  if (open <= 0 || covered >= coverage * total) return [];
  const missingTotal = Array.from(missing.values()).reduce((sum, count) => sum + count, 0);
  const share = missingTotal === 0 ? 0 : Math.min(1, (coverage * total - covered) / missingTotal);
  return chooseCharacters(missing, { coverage: share, excluded: [] }).slice(0, pieces);
}

/** Strings that merges of the base end in, by id. */
function piecesOf({ model }: SentencePieceTokenizer): Map<string, number> {
  const made = new Map<string, number>();
  for (const [id, piece] of model.pieces.entries()) {
    if (model.kinds[id] === 'normal' && !made.has(piece)) made.set(piece, id);
  }
  return made;
}

/** A word as the base leaves it, with symbols for new characters; -1 for what is no piece. */
function symbolsOf(
  word: string,
  { rules, made, size }: { rules: PieceRules; made: ReadonlyMap<string, number>; size: number },
): Int32Array {
  const symbols = Int32Array.from(word, (character) => rules.symbolOf(codeOf(character)));
  const left = symbols.subarray(0, mergeSymbols(symbols, symbols.length, rules.merges));
  return left.map((symbol) =>
    symbol >= 0 && symbol < size ? symbol : (made.get(rules.textOf(symbol)) ?? -1),
  );
}

/** The code point by which rules know a character of a word: a space, where words have U+2581. */
function codeOf(character: string): number {
  return character === '\u2581' ? 0x20 : (character.codePointAt(0) as number);
}

function append(base: SentencePieceTokenizer, added: readonly string[]): SentencePieceTokenizer {
  const { model } = base;
  let lowest = 0;
  for (const [id, kind] of model.kinds.entries()) {
    if (kind === 'normal' || kind === 'unused')
      lowest = Math.min(lowest, model.scores[id] as number);
  }
  // scores are 32-bit floats: far from zero their steps are larger than one
  const step = 2 ** Math.max(0, Math.ceil(Math.log2(Math.abs(lowest) + added.length + 1)) - 23);
  return new SentencePieceTokenizer({
    ...model,
    pieces: [...model.pieces, ...added],
    scores: Float32Array.from([...model.scores, ...added.map((_, at) => lowest - (at + 1) * step)]),
    kinds: [...model.kinds, ...added.map((): PieceKind => 'normal')],
  });
}
