// Learns a SentencePiece-compatible byte-pair vocabulary from counted words: special pieces and bytes
// first, then merges in the order they were learned, then characters. Deterministic.
import { setImmediate } from 'node:timers/promises';
import { errors } from '../base/errors.ts';
import type { OnProgress } from '../base/progress.ts';
import { MergeLearner } from './merge-learner.ts';
import { type PieceKind, pieceModelDefaults } from './piece-model.ts';
import { SentencePieceTokenizer } from './sentencepiece-tokenizer.ts';
import type { WordCounts } from './word-counts.ts';

/** What to learn. Defaults are those of Llama 2's tokenizer where it says. */
export interface TrainTokenizerOptions {
  /** Pieces in all, specials, bytes and characters included; `characters` for no merges at all. */
  readonly vocabSize: number | 'characters';
  /** Characters without a piece become UTF-8 byte pieces instead of the unknown token. Default true. */
  readonly byteFallback?: boolean;
  /** Share of all characters of the text that get pieces of their own, most frequent first. Default 0.9995. */
  readonly coverage?: number;
  /** Longest piece in characters. Default 16, as in SentencePiece. */
  readonly maxPieceLength?: number;
  /** A piece must occur this often in the text. Default 2. */
  readonly minimumCount?: number;
  /** Control tokens such as chat markers: ids from 3 on, never made from text. */
  readonly controls?: readonly string[];
  /** Strings that always become one token wherever text has them. Give WordCounts the same. */
  readonly symbols?: readonly string[];
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

// how long the event loop waits while merges are learned
const SLICE_MS = 20;

/**
 * Learns a vocabulary. Throws VOCABULARY_SIZE_INVALID where the text cannot fill it or it cannot hold
 * the characters.
 * @example const counts = new WordCounts(); counts.add(text); const tokenizer = await trainTokenizer(counts, { vocabSize: 2048 });
 */
export async function trainTokenizer(
  counts: WordCounts,
  options: TrainTokenizerOptions,
): Promise<SentencePieceTokenizer> {
  const { vocabSize, byteFallback = true, controls = [], symbols = [] } = options;
  const special = specialPieces(controls, symbols, byteFallback);
  const coverage = options.coverage ?? (vocabSize === 'characters' ? 1 : 0.9995);
  // with bytes a newline is <0x0A>, in SentencePiece as in Llama
  const characters = chooseCharacters(counts.characters, {
    coverage,
    excluded: byteFallback ? ['\n'] : [],
  });
  const least = special.length + characters.length;
  const wanted = vocabSize === 'characters' ? 0 : vocabSize - least;
  if (wanted < 0) {
    throw errors.VOCABULARY_SIZE_INVALID({
      found: vocabSize as number,
      allowed: `at least ${least}: ${special.length} special pieces and ${characters.length} characters`,
    });
  }
  const merged = await learnMerges(counts, characters, { ...options, wanted });
  if (merged.length < wanted) {
    throw errors.VOCABULARY_SIZE_INVALID({
      found: vocabSize as number,
      allowed: `at most ${least + merged.length}: this text has no more pairs that occur often enough`,
    });
  }
  const learned = [...merged, ...characters];
  return new SentencePieceTokenizer({
    ...pieceModelDefaults,
    pieces: [...special.map(({ piece }) => piece), ...learned],
    scores: Float32Array.from([...special.map(() => 0), ...learned.map((_, rank) => -rank)]),
    kinds: [...special.map(({ kind }) => kind), ...learned.map((): PieceKind => 'normal')],
    unknown: 0,
    bos: 1,
    eos: 2,
    dummySpace: counts.dummyPrefix ? 'every' : 'none',
  });
}

interface SpecialPiece {
  readonly piece: string;
  readonly kind: PieceKind;
}

function specialPieces(
  controls: readonly string[],
  symbols: readonly string[],
  byteFallback: boolean,
): SpecialPiece[] {
  const special: SpecialPiece[] = [
    { piece: '<unk>', kind: 'unknown' },
    { piece: '<s>', kind: 'control' },
    { piece: '</s>', kind: 'control' },
    ...controls.map((piece): SpecialPiece => ({ piece, kind: 'control' })),
    ...symbols.map(
      (piece): SpecialPiece => ({
        piece: piece.replaceAll(' ', '\u2581'),
        kind: 'added',
      }),
    ),
  ];
  const seen = new Set<string>();
  for (const { piece } of special) {
    if (piece === '' || seen.has(piece)) {
      throw errors.OPTION_INVALID({
        option: 'A control or symbol',
        found: JSON.stringify(piece),
        allowed: 'strings with characters, each once, other than <unk>, <s> and </s>',
      });
    }
    seen.add(piece);
  }
  for (let byte = 0; byteFallback && byte < 256; byte++) {
    const hex = byte.toString(16).toUpperCase().padStart(2, '0');
    special.push({ piece: `<0x${hex}>`, kind: 'byte' });
  }
  return special;
}

/** Characters by frequency, of equals the lower code point first, until `coverage` of the text is reached. */
export function chooseCharacters(
  counts: ReadonlyMap<string, number>,
  { coverage, excluded }: { readonly coverage: number; readonly excluded: readonly string[] },
): string[] {
  const point = (character: string): number => character.codePointAt(0) as number;
  const usable = Array.from(counts)
    .filter(([one]) => !excluded.includes(one))
    .sort(([a, countA], [b, countB]) => countB - countA || point(a) - point(b));
  const total = usable.reduce((sum, [, count]) => sum + count, 0);
  const chosen: string[] = [];
  let covered = 0;
  for (const [character, count] of usable) {
    if (covered >= coverage * total) break;
    covered += count;
    chosen.push(character);
  }
  return chosen;
}

interface LearnOptions {
  readonly wanted: number;
  readonly maxPieceLength?: number;
  readonly minimumCount?: number;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

function learnMerges(
  counts: WordCounts,
  characters: readonly string[],
  options: LearnOptions,
): Promise<string[]> {
  if (options.wanted === 0) return Promise.resolve([]);
  const made = new Map(characters.map((character, symbol) => [character, symbol]));
  const learner = new MergeLearner({
    symbols: characters,
    made,
    maxLength: options.maxPieceLength ?? 16,
    words: Array.from(counts.words, ([word, count]) => ({
      symbols: Array.from(word, (character) => made.get(character) ?? -1),
      count,
    })),
  });
  return runLearner(learner, options);
}

/** Steps a learner until it has made `wanted` pieces or finds no more; lets others work in between. */
export async function runLearner(learner: MergeLearner, options: LearnOptions): Promise<string[]> {
  const { wanted, minimumCount = 2, onProgress, signal } = options;
  const pieces: string[] = [];
  let begun = performance.now();
  while (pieces.length < wanted) {
    const piece = learner.step(minimumCount);
    if (piece === undefined) break;
    pieces.push(piece);
    if (performance.now() - begun < SLICE_MS) continue;
    onProgress?.({ task: 'Learning pieces', done: pieces.length, total: wanted, unit: 'tokens' });
    await setImmediate();
    if (signal?.aborted) throw errors.ABORTED({ what: 'Training the tokenizer' });
    begun = performance.now();
  }
  return pieces;
}
