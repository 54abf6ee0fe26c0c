// Examples of several token files as one list: repeated as often as their sources ask, a share of each held
// out, and those longer than the context split, cut or left out. Only places are held in memory.
import { errors } from '../../base/errors.ts';
import type { Example } from '../batch.ts';
import type { overlongKinds } from './data-recipe.ts';
import type { TokenFile } from './token-file.ts';

/** A tokenised source. */
export interface TokenSource {
  readonly path: string;
  readonly file: TokenFile;
  readonly repeat: number;
}

/** Part of each source: all, what is left for training, or what is held out of it. */
export type Part =
  | { readonly of: 'all' }
  | { readonly of: 'train' | 'heldOut'; readonly share: number };

/** How examples that are longer than the context are treated. */
export interface SequenceOptions {
  /** Most rows of a sequence, which has one token more. */
  readonly context: number;
  readonly overlong: (typeof overlongKinds)[number];
  readonly part: Part;
  /** Do sources come as often as they ask, or once? */
  readonly repeats: boolean;
}

/** What happened to examples that were too long, or had nothing to learn within the context. */
export interface SequenceCounts {
  readonly split: number;
  readonly cut: number;
  readonly dropped: number;
}

/** Sequences of at most `context` rows, by number. */
export class TokenSet {
  readonly counts: SequenceCounts;
  /** Rows of each sequence. */
  readonly rows: Int32Array;
  readonly #sources: readonly TokenSource[];
  readonly #sourceOf: Uint16Array;
  readonly #from: Float64Array;

  constructor(places: PlaceList, sources: readonly TokenSource[], counts: SequenceCounts) {
    this.#sources = sources;
    this.counts = counts;
    this.rows = places.tokens.map((tokens) => tokens - 1);
    this.#sourceOf = places.sources;
    this.#from = places.from;
  }

  get count(): number {
    return this.rows.length;
  }

  /** A sequence. Its first token is never learned: nothing in it predicts that. */
  read(index: number): Example {
    const { file } = this.#sources[this.#sourceOf[index] as number] as TokenSource;
    const example = file.read(this.#from[index] as number, (this.rows[index] as number) + 1);
    example.learn[0] = 0;
    return example;
  }
}

interface Place {
  readonly source: number;
  readonly from: number;
  readonly tokens: number;
}

/** Places in columns: a data set has millions. */
class PlaceList {
  #size = 0;
  #sources = new Uint16Array(1024);
  #from = new Float64Array(1024);
  #tokens = new Int32Array(1024);

  get size(): number {
    return this.#size;
  }

  get sources(): Uint16Array {
    return this.#sources.subarray(0, this.#size);
  }

  get from(): Float64Array {
    return this.#from.subarray(0, this.#size);
  }

  get tokens(): Int32Array {
    return this.#tokens.subarray(0, this.#size);
  }

  add({ source, from, tokens }: Place): void {
    if (this.#size === this.#from.length) this.#grow(this.#size * 2);
    this.#sources[this.#size] = source;
    this.#from[this.#size] = from;
    this.#tokens[this.#size] = tokens;
    this.#size += 1;
  }

  /** Adds places [first, end) of another list. */
  append(other: PlaceList, [first, end]: readonly [number, number]): void {
    const size = this.#size + end - first;
    if (size > this.#from.length) this.#grow(size);
    this.#sources.set(other.sources.subarray(first, end), this.#size);
    this.#from.set(other.from.subarray(first, end), this.#size);
    this.#tokens.set(other.tokens.subarray(first, end), this.#size);
    this.#size = size;
  }

  #grow(capacity: number): void {
    const [sources, from, tokens] = [this.#sources, this.#from, this.#tokens];
    this.#sources = new Uint16Array(capacity);
    this.#from = new Float64Array(capacity);
    this.#tokens = new Int32Array(capacity);
    this.#sources.set(sources);
    this.#from.set(from);
    this.#tokens.set(tokens);
  }
}

/** The sequences of sources. Throws EXAMPLE_TOO_LONG with `overlong: 'fatal'`. */
export function selectSequences(
  sources: readonly TokenSource[],
  options: SequenceOptions,
): TokenSet {
  const places = new PlaceList();
  const counts = { split: 0, cut: 0, dropped: 0 };
  for (const [index, source] of sources.entries()) {
    const own = placesOf(source, index, options, counts);
    // of texts sequences are held out, since a source may be one long document
    const { isText } = source.file.facts;
    const range = isText ? rangeOf(own.size, options.part) : ([0, own.size] as const);
    const times = options.repeats ? source.repeat : 1;
    for (let time = 0; time < times; time++) places.append(own, range);
  }
  return new TokenSet(places, sources, counts);
}

/** Which examples, or tokens, of `count` belong to a part: [from, until). */
export function rangeOf(count: number, part: Part): readonly [number, number] {
  if (part.of === 'all') return [0, count];
  const cut = Math.floor(count * (1 - part.share));
  return part.of === 'train' ? [0, cut] : [cut, count];
}

type Counts = { -readonly [K in keyof SequenceCounts]: number };

function placesOf(
  { path, file }: TokenSource,
  source: number,
  { context, overlong, part }: SequenceOptions,
  counts: Counts,
): PlaceList {
  const places = new PlaceList();
  const { facts, offsets } = file;
  const [first, end] = facts.isText ? [0, facts.examples] : rangeOf(facts.examples, part);
  for (let at = first; at < end; at++) {
    const from = offsets[at] as number;
    const tokens = (offsets[at + 1] as number) - from;
    if (tokens < 2) counts.dropped += 1;
    else if (tokens <= context + 1) places.add({ source, from, tokens });
    else {
      const how = overlong === 'auto' ? (facts.isText ? 'split' : 'cut') : overlong;
      if (how === 'fatal') {
        throw errors.EXAMPLE_TOO_LONG({ path, example: at + 1, tokens, context });
      }
      const pieces = how === 'drop' ? [] : piecesOf({ source, from, tokens }, context, how, file);
      for (const piece of pieces) places.add(piece);
      if (pieces.length === 0) counts.dropped += 1;
      else counts[how === 'split' ? 'split' : 'cut'] += 1;
    }
  }
  return places;
}

/** Pieces of a long example that have something to learn; the last token of one is the first of the next. */
function piecesOf(
  { source, from, tokens }: Place,
  context: number,
  how: 'split' | 'cut',
  file: TokenFile,
): Place[] {
  const pieces: Place[] = [];
  for (let at = 0; at + 1 < tokens; at += context) {
    const length = Math.min(context + 1, tokens - at);
    const { learn } = file.read(from + at, length);
    const last = learn.lastIndexOf(1);
    if (last > 0) pieces.push({ source, from: from + at, tokens: last + 1 });
    if (how === 'cut') break;
  }
  return pieces;
}
