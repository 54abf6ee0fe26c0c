// Tokens by how many more are enough after them: few as a list, many as a mask.
import type { TokenId } from '../../tokenizer/tokenizer.ts';

/** Sets a token's bit in a mask. */
export function allow(words: Uint32Array, id: TokenId): void {
  words[id >> 5] = (words[id >> 5] as number) | (1 << (id & 31));
}

/** Sets all bits of another mask. */
function allowAll(words: Uint32Array, more: Uint32Array): void {
  for (let i = 0; i < words.length; i++) words[i] = (words[i] as number) | (more[i] as number);
}

interface Group {
  readonly distance: number;
  readonly ids: TokenId[];
  words: Uint32Array | undefined;
}

/** A set of tokens of a vocabulary of `size` ids, each with a distance. */
export class TokenGroups {
  readonly #wordCount: number;
  readonly #groups: Group[] = [];
  #last: Group | undefined;

  constructor(size: number) {
    this.#wordCount = Math.ceil(size / 32);
  }

  /** The largest distance; 0 where there are no tokens. */
  get farthest(): number {
    return this.#groups.reduce((most, { distance }) => Math.max(most, distance), 0);
  }

  get isEmpty(): boolean {
    return this.#groups.length === 0;
  }

  /** What it takes to keep it, in numbers of four to eight bytes. */
  get entries(): number {
    return this.#groups.reduce((sum, { ids, words }) => sum + ids.length + (words?.length ?? 0), 0);
  }

  add(id: TokenId, distance: number): void {
    const group = this.#last?.distance === distance ? this.#last : this.#group(distance);
    if (group.words !== undefined) {
      allow(group.words, id);
      return;
    }
    group.ids.push(id);
    if (group.ids.length > this.#wordCount) this.#widen(group);
  }

  /** Adds ids[from] to ids[to − 1]. */
  addRange(ids: Int32Array, range: { from: number; to: number }, distance: number): void {
    const { from, to } = range;
    const group = this.#last?.distance === distance ? this.#last : this.#group(distance);
    const words = group.ids.length + to - from > this.#wordCount ? this.#widen(group) : group.words;
    if (words === undefined) for (let i = from; i < to; i++) group.ids.push(ids[i] as number);
    else for (let i = from; i < to; i++) allow(words, ids[i] as number);
  }

  /** Sets the bits of those whose distance is at most `most`. */
  allowWithin(words: Uint32Array, most: number): void {
    for (const group of this.#groups) {
      if (group.distance > most) continue;
      if (group.words !== undefined) allowAll(words, group.words);
      else for (const id of group.ids) allow(words, id);
    }
  }

  #group(distance: number): Group {
    let group = this.#groups.find((each) => each.distance === distance);
    if (group === undefined) {
      group = { distance, ids: [], words: undefined };
      this.#groups.push(group);
    }
    this.#last = group;
    return group;
  }

  #widen(group: Group): Uint32Array {
    const words = group.words ?? new Uint32Array(this.#wordCount);
    for (const id of group.ids) allow(words, id);
    group.ids.length = 0;
    group.words = words;
    return words;
  }
}
