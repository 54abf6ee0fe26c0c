// Which tokens may follow a configuration. As in XGrammar (arXiv 2411.15100) most of the answer depends on
// the state alone, not on what waits below it: that part is found once per state by one walk over the
// vocabulary's tree. Only tokens that reach beyond the end of a state's rule are followed for each
// configuration. Each token also gets the number of tokens that are enough after it, so that a mask for few
// tokens left is exact, too.
import type { Configuration, Machine, Open, Returns } from './machine.ts';
import { allow, type Vocabulary } from './vocabulary.ts';

/** Tokens that a state allows, whatever waits below it. */
interface StateTokens {
  readonly ids: Int32Array;
  /** Of each: tokens that are enough after it, to the end of the state's rule. */
  readonly distances: Uint32Array;
  readonly farthest: number;
  /** Their mask, kept where there are many of them. */
  readonly words: Uint32Array | undefined;
  /** Nodes of the tree at which the rule may end and longer tokens go on. */
  readonly exits: Int32Array;
}

/** Tokens that a configuration allows. */
interface Allowed {
  /** All of them. */
  readonly words: Uint32Array;
  /** Tokens that are enough after any of them. */
  readonly farthest: number;
  /** Those that reach beyond the end of a rule, with what is enough after each. */
  readonly reaching: TokenList;
}

interface TokenList {
  readonly ids: Int32Array;
  readonly distances: Uint32Array;
}

// Above it a mask of 32,000 tokens is shorter than the list of its tokens.
const manyTokens = 1000;
// Entries of lists kept over all states: 8 bytes each.
const mostListed = 4_000_000;

/** Masks over one automaton and one vocabulary, kept for all who walk there. */
export class TokenMasks {
  readonly #machine: Machine;
  readonly #vocabulary: Vocabulary;
  readonly #ofState = new Map<number, StateTokens>();
  #ofConfiguration = new WeakMap<Configuration, Allowed>();
  #listed = 0;
  readonly #path: Configuration[] = [];

  constructor(machine: Machine, vocabulary: Vocabulary) {
    this.#machine = machine;
    this.#vocabulary = vocabulary;
  }

  /** The tokens after which at most `left` − 1 more are enough. Not to be written to. */
  mask(configuration: Configuration, left: number): Uint32Array {
    let allowed = this.#ofConfiguration.get(configuration);
    if (allowed === undefined) {
      this.#machine.beginMask();
      allowed = this.#findAllowed(configuration);
      this.#ofConfiguration.set(configuration, allowed);
    }
    return allowed.farthest < left ? allowed.words : this.#within(configuration, allowed, left - 1);
  }

  #findAllowed({ open }: Configuration): Allowed {
    const words = this.#newWords();
    let farthest = 0;
    const reaching = new TokenCollector();
    for (const each of open) {
      const tokens = this.#tokensOf(each.state);
      if (tokens.words !== undefined)
        for (let i = 0; i < words.length; i++)
          words[i] = (words[i] as number) | (tokens.words[i] as number);
      else for (const id of tokens.ids) allow(words, id);
      farthest = Math.max(
        farthest,
        tokens.ids.length === 0 ? 0 : tokens.farthest + each.returns.distance,
      );
      this.#followExits(each, tokens.exits, reaching);
    }
    const list = reaching.list();
    for (const [place, id] of list.ids.entries()) {
      allow(words, id);
      farthest = Math.max(farthest, list.distances[place] as number);
    }
    return { words, farthest, reaching: list };
  }

  #within({ open }: Configuration, { reaching }: Allowed, rest: number): Uint32Array {
    const words = this.#newWords();
    for (const { state, returns } of open) {
      const { ids, distances, farthest, words: all } = this.#tokensOf(state);
      const own = rest - returns.distance;
      if (all !== undefined && farthest <= own) {
        for (let i = 0; i < words.length; i++) words[i] = (words[i] as number) | (all[i] as number);
      } else {
        allowNear(words, { ids, distances }, own);
      }
    }
    allowNear(words, reaching, rest);
    return words;
  }

  #tokensOf(state: number): StateTokens {
    const known = this.#ofState.get(state);
    if (known !== undefined) return known;
    if (this.#listed > mostListed) {
      this.#ofState.clear();
      this.#listed = 0;
    }
    const tokens = new TokenCollector();
    const exits: number[] = [];
    this.#walk(this.#machine.alone(state), 0, tokens, exits);
    const { ids, distances } = tokens.list();
    let words: Uint32Array | undefined;
    if (ids.length > manyTokens) {
      words = this.#newWords();
      for (const id of ids) allow(words, id);
    }
    const farthest = distances.reduce((most, each) => Math.max(most, each), 0);
    const made = { ids, distances, farthest, words, exits: Int32Array.from(exits) };
    this.#ofState.set(state, made);
    this.#listed += ids.length;
    return made;
  }

  #followExits({ returns }: Open, exits: Int32Array, tokens: TokenCollector): void {
    if (exits.length === 0 || returns.entries.size === 0) return;
    const after = this.#machine.after(withoutBottom(returns));
    for (const node of exits) this.#walk(after, node, tokens, undefined);
  }

  // Tokens below `node`, read from `from` on. With `exits`, `from` is one state by itself.
  #walk(
    from: Configuration,
    node: number,
    tokens: TokenCollector,
    exits: number[] | undefined,
  ): void {
    const { bytes, depths, ends, first, ids } = this.#vocabulary;
    const path = this.#path;
    path[depths[node] as number] = from;
    const end = ends[node] as number;
    for (let at = node + 1; at < end; ) {
      const depth = depths[at] as number;
      const before = path[depth - 1] as Configuration;
      const byte = bytes[at] as number;
      const known = before.steps[byte];
      const next = known === undefined ? this.#machine.step(before, byte) : known;
      if (next === null) {
        at = ends[at] as number;
        continue;
      }
      path[depth] = next;
      const last = first[at + 1] as number;
      for (let i = first[at] as number; i < last; i++) tokens.add(ids[i] as number, next.distance);
      if (exits !== undefined && next.mayEnd && (ends[at] as number) > at + 1) exits.push(at);
      at++;
    }
  }

  #newWords(): Uint32Array {
    return new Uint32Array(Math.ceil(this.#vocabulary.size / 32));
  }
}

// What ends with the text itself cannot be followed further.
function withoutBottom(returns: Returns): Returns {
  return { ...returns, isBottom: false };
}

function allowNear(words: Uint32Array, { ids, distances }: TokenList, farthest: number): void {
  for (let i = 0; i < ids.length; i++) {
    if ((distances[i] as number) <= farthest) allow(words, ids[i] as number);
  }
}

class TokenCollector {
  #ids = new Int32Array(64);
  #distances = new Uint32Array(64);
  #count = 0;

  add(id: number, distance: number): void {
    if (this.#count === this.#ids.length) this.#grow();
    this.#ids[this.#count] = id;
    this.#distances[this.#count] = distance;
    this.#count++;
  }

  list(): TokenList {
    return {
      ids: this.#ids.slice(0, this.#count),
      distances: this.#distances.slice(0, this.#count),
    };
  }

  #grow(): void {
    const ids = new Int32Array(2 * this.#count);
    const distances = new Uint32Array(2 * this.#count);
    ids.set(this.#ids);
    distances.set(this.#distances);
    [this.#ids, this.#distances] = [ids, distances];
  }
}
