// Which tokens may follow a configuration. As in XGrammar (arXiv 2411.15100) most of the answer depends on
// the state alone, not on what waits below it: that part is found once per state by a walk over the
// vocabulary's tree. Only tokens that reach beyond the end of a state's rule are followed for each
// configuration. Where all characters below a node lead on alike, as within strings, its tokens are taken
// without a look at each. Each token also gets the number of tokens that are enough after it, so that a mask
// for few tokens left is exact, too.
import { brokenKind } from './byte-kinds.ts';
import type { Configuration, Machine, Open, Returns } from './machine.ts';
import { TokenGroups } from './token-groups.ts';
import type { Vocabulary } from './vocabulary.ts';

/** What a state allows, whatever waits below it. */
interface StateTokens {
  /** With what is enough after each, to the end of the state's rule. */
  readonly tokens: TokenGroups;
  /** Nodes of the tree at which the rule may end and longer tokens go on. */
  readonly exits: readonly number[];
  /** Nodes below which it may end nearly everywhere: nothing below them is in `tokens`. */
  readonly porous: readonly number[];
}

/** Tokens that a configuration allows. */
interface Allowed {
  /** All of them. */
  readonly words: Uint32Array;
  /** Tokens that are enough after any of them. */
  readonly farthest: number;
  /** Those that reach beyond the end of a rule, with what is enough after each. */
  readonly reaching: TokenGroups;
}

// Entries kept over all states, and over all configurations: about 8 MB each.
const mostKept = 2_000_000;
// Smaller trees are walked faster than looked at as a whole.
const fewNodes = 12;

/** Masks over one automaton and one vocabulary, kept for all who walk there. */
export class TokenMasks {
  readonly #machine: Machine;
  readonly #vocabulary: Vocabulary;
  readonly #ofState = new Map<number, StateTokens>();
  #ofConfiguration = new WeakMap<Configuration, Allowed>();
  #keptOfStates = 0;
  #keptOfConfigurations = 0;
  readonly #path: Configuration[] = [];
  readonly #distances: number[] = [];

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
      this.#keep(configuration, allowed);
    }
    return allowed.farthest < left ? allowed.words : this.#within(configuration, allowed, left - 1);
  }

  #keep(configuration: Configuration, allowed: Allowed): void {
    if (this.#keptOfConfigurations > mostKept) {
      this.#ofConfiguration = new WeakMap();
      this.#keptOfConfigurations = 0;
    }
    this.#ofConfiguration.set(configuration, allowed);
    this.#keptOfConfigurations += allowed.words.length + allowed.reaching.entries;
  }

  #findAllowed(configuration: Configuration): Allowed {
    const reaching = new TokenGroups(this.#vocabulary.size);
    let farthest = 0;
    for (const open of configuration.open) {
      const state = this.#tokensOf(open.state);
      if (!state.tokens.isEmpty)
        farthest = Math.max(farthest, state.tokens.farthest + open.returns.distance);
      this.#followBeyond(open, state, reaching);
    }
    farthest = Math.max(farthest, reaching.farthest);
    const words = this.#within(configuration, { reaching }, Number.POSITIVE_INFINITY);
    return { words, farthest, reaching };
  }

  #within(
    { open }: Configuration,
    { reaching }: Pick<Allowed, 'reaching'>,
    rest: number,
  ): Uint32Array {
    const words = new Uint32Array(Math.ceil(this.#vocabulary.size / 32));
    for (const { state, returns } of open)
      this.#tokensOf(state).tokens.allowWithin(words, rest - returns.distance);
    reaching.allowWithin(words, rest);
    return words;
  }

  #tokensOf(state: number): StateTokens {
    const known = this.#ofState.get(state);
    if (known !== undefined) return known;
    if (this.#keptOfStates > mostKept) {
      this.#ofState.clear();
      this.#keptOfStates = 0;
    }
    const tokens = new TokenGroups(this.#vocabulary.size);
    const made = { tokens, exits: [] as number[], porous: [] as number[] };
    this.#walk(this.#machine.alone(state), 0, tokens, made);
    this.#ofState.set(state, made);
    this.#keptOfStates += tokens.entries + made.exits.length + made.porous.length;
    return made;
  }

  #followBeyond(open: Open, { exits, porous }: StateTokens, tokens: TokenGroups): void {
    if (exits.length > 0 && open.returns.entries.size > 0) {
      const after = this.#machine.after(withoutBottom(open.returns));
      for (const node of exits) this.#walk(after, node, tokens);
    }
    if (porous.length === 0) return;
    const from = this.#machine.only(open);
    for (const node of porous) {
      const at = this.#read(from, node);
      if (at !== null) this.#walk(at, node, tokens);
    }
  }

  // The configuration after the string that a node with tokens below it stands for.
  #read(from: Configuration, node: number): Configuration | null {
    const { depths, first, ids, texts } = this.#vocabulary;
    const text = texts[ids[first[node + 1] as number] as number] as Uint8Array;
    let at: Configuration | null = from;
    const depth = depths[node] as number;
    for (let i = 0; i < depth && at !== null; i++) at = this.#machine.step(at, text[i] as number);
    return at;
  }

  // Tokens below `node`, read from `from` on. With `beyond`, `from` is one state by itself.
  #walk(
    from: Configuration,
    node: number,
    tokens: TokenGroups,
    beyond?: { readonly exits: number[]; readonly porous: number[] },
  ): void {
    const isAlone = beyond !== undefined;
    const { bytes, depths, ends, first, ids } = this.#vocabulary;
    const path = this.#path;
    path[depths[node] as number] = from;
    const end = ends[node] as number;
    if (end - node >= fewNodes && this.#takeBelow(from, node, tokens, isAlone) === 'taken') return;
    for (let at = node + 1; at < end; ) {
      const depth = depths[at] as number;
      const next = this.#machine.step(path[depth - 1] as Configuration, bytes[at] as number);
      const endBelow = ends[at] as number;
      if (next === null) {
        at = endBelow;
        continue;
      }
      path[depth] = next;
      const last = first[at + 1] as number;
      for (let i = first[at] as number; i < last; i++) tokens.add(ids[i] as number, next.distance);
      const found = endBelow - at < fewNodes ? 'mixed' : this.#takeBelow(next, at, tokens, isAlone);
      if (found === 'porous') beyond?.porous.push(at);
      else if (next.mayEnd && endBelow > at + 1) beyond?.exits.push(at);
      at = found === 'mixed' ? at + 1 : endBelow;
    }
  }

  // Takes the tokens below a node at once where each character there leads on alike. `porous`: the rule may
  // end among them, which only those can answer who know what waits below.
  #takeBelow(
    from: Configuration,
    node: number,
    tokens: TokenGroups,
    isAlone: boolean,
  ): 'taken' | 'porous' | 'mixed' {
    const kinds = this.#vocabulary.below[node] as number;
    const height = this.#vocabulary.heights[node] as number;
    const distances = this.#distances;
    let at = from;
    let reach = 0;
    if ((kinds & brokenKind) !== 0) return 'mixed';
    while (reach < height) {
      const { same, dead, next } = this.#machine.outlook(at);
      if ((kinds & ~dead) === 0) break;
      if (next === undefined || (kinds & ~same) !== 0) return 'mixed';
      reach++;
      if (isAlone && next.mayEnd && reach < height) return 'porous';
      distances[reach] = next.distance;
      if (next === at) {
        while (reach < height) distances[++reach] = next.distance;
      }
      at = next;
    }
    this.#takeWithin(node, reach, tokens);
    return 'taken';
  }

  // Tokens of at most `reach` characters below a node; `#distances` has what is enough after each number.
  #takeWithin(node: number, reach: number, tokens: TokenGroups): void {
    const { ends, first, ids, lengths, characters, heights } = this.#vocabulary;
    const distances = this.#distances;
    const from = first[node + 1] as number;
    const to = first[ends[node] as number] as number;
    let isEven = reach === heights[node];
    for (let i = 2; i <= reach; i++) isEven &&= distances[i] === distances[1];
    if (isEven) {
      tokens.addRange(ids, { from, to }, distances[1] as number);
      return;
    }
    const before = characters[node] as number;
    for (let i = from; i < to; i++) {
      const length = (lengths[i] as number) - before;
      if (length <= reach) tokens.add(ids[i] as number, distances[length] as number);
    }
  }
}

// What ends with the text itself cannot be followed further.
function withoutBottom(returns: Returns): Returns {
  return { ...returns, isBottom: false };
}
