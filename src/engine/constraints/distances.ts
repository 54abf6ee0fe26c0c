// How many tokens are always enough from each state to the end of its rule. Two passes. First the
// shortest way in bytes, by Knuth's generalisation of Dijkstra's algorithm to grammars (1977): it fixes one
// way out of each state. Then that way is cut into as few tokens as it can be, never across the border of a
// rule that returns. The sum over a stack of states is therefore reachable: after the first token of that
// cut the sum is one less. Where a vocabulary lacks bytes, all ways are tried.
import { errors } from '../../base/errors.ts';
import { present } from '../../base/invariant.ts';
import type { Automaton, State } from './automaton.ts';
import { Heap } from './heap.ts';
import type { Steps } from './steps.ts';
import { childOf, hasTokens, type Vocabulary } from './vocabulary.ts';

const statesPerStep = 500;
const mostWork = 20_000_000;

/** Tokens from each state to the end of its rule; Infinity where there is no way. */
export function* measureDistances(
  automaton: Automaton,
  vocabulary: Vocabulary,
): Steps<Float64Array> {
  const hasAllBytes = !vocabulary.byteTokens.includes(-1);
  return hasAllBytes
    ? yield* new ShortestWays(automaton, vocabulary).measure()
    : yield* tryAllWays(automaton, vocabulary);
}

class ShortestWays {
  readonly #automaton: Automaton;
  readonly #vocabulary: Vocabulary;
  readonly #bytes: Float64Array;
  readonly #tokens: Float64Array;
  /** Where the shortest way goes from a free state. */
  readonly #way: Int32Array;
  readonly #settled: Uint8Array;
  readonly #heap = new Heap();
  /** States that lead to a state; for the first state of a rule also those that call it. */
  readonly #before: readonly number[][];

  constructor(automaton: Automaton, vocabulary: Vocabulary) {
    const { states, starts } = automaton;
    this.#automaton = automaton;
    this.#vocabulary = vocabulary;
    this.#bytes = new Float64Array(states.length).fill(Number.POSITIVE_INFINITY);
    this.#tokens = new Float64Array(states.length).fill(Number.POSITIVE_INFINITY);
    this.#way = new Int32Array(states.length).fill(-1);
    this.#settled = new Uint8Array(states.length);
    this.#before = states.map(() => []);
    for (const [at, state] of states.entries()) {
      for (const next of leadsTo(state)) this.#before[next]?.push(at);
      if (state.kind === 'call') this.#before[present(starts[state.rule], 'rule')]?.push(at);
    }
  }

  *measure(): Steps<Float64Array> {
    for (const [at, { kind }] of this.#automaton.states.entries()) {
      if (kind === 'end') this.#offer(at, 0);
    }
    let settled = 0;
    while (this.#heap.size > 0) {
      const at = this.#heap.pop();
      if (this.#settled[at] === 1) continue;
      this.#settled[at] = 1;
      this.#tokens[at] = this.#tokensFrom(at);
      for (const before of this.#before[at] ?? []) this.#relax(before, at);
      if (++settled % statesPerStep === 0) yield;
    }
    return this.#tokens;
  }

  #offer(at: number, bytes: number): boolean {
    if (this.#settled[at] === 1 || bytes >= (this.#bytes[at] as number)) return false;
    this.#bytes[at] = bytes;
    this.#heap.push(at, bytes);
    return true;
  }

  #relax(at: number, next: number): void {
    const state = present(this.#automaton.states[at], 'state');
    if (state.kind === 'byte') this.#offer(at, (this.#bytes[next] as number) + 1);
    if (state.kind === 'free' && this.#offer(at, this.#bytes[next] as number)) this.#way[at] = next;
    if (state.kind === 'call') {
      const start = present(this.#automaton.starts[state.rule], 'rule');
      if (this.#settled[start] === 0 || this.#settled[state.next] === 0) return;
      this.#offer(at, (this.#bytes[start] as number) + (this.#bytes[state.next] as number));
    }
  }

  // All states that the way leads through are settled.
  #tokensFrom(at: number): number {
    const state = present(this.#automaton.states[at], 'state');
    if (state.kind === 'end') return 0;
    if (state.kind === 'free') return this.#tokens[this.#way[at] as number] as number;
    if (state.kind === 'call') {
      const start = present(this.#automaton.starts[state.rule], 'rule');
      return (this.#tokens[start] as number) + (this.#tokens[state.next] as number);
    }
    return this.#cut(at);
  }

  #cut(from: number): number {
    let fewest = Number.POSITIVE_INFINITY;
    let node = 0;
    for (let at = from; ; ) {
      const state = present(this.#automaton.states[at], 'state');
      if (state.kind === 'byte') {
        node = childOf(this.#vocabulary, node, state.set.indexOf(1));
        if (node < 0) return fewest;
        at = state.next;
        if (hasTokens(this.#vocabulary, node))
          fewest = Math.min(fewest, 1 + (this.#tokens[at] as number));
      } else if (state.kind === 'free') {
        at = this.#way[at] as number;
      } else if (state.kind === 'call' && isTailCall(this.#automaton, state)) {
        at = present(this.#automaton.starts[state.rule], 'rule');
      } else {
        return fewest;
      }
    }
  }
}

/** Does nothing remain to be done in its rule when this call returns? Then the stack need not grow. */
export function isTailCall(
  { states }: Automaton,
  state: Extract<State, { kind: 'call' }>,
): boolean {
  return states[state.next]?.kind === 'end';
}

function leadsTo(state: State): readonly number[] {
  if (state.kind === 'free') return state.next;
  return state.kind === 'end' ? [] : [state.next];
}

// The least fixed point over every token from every state, within its rule. Slow, and rarely needed.
function* tryAllWays({ states, starts }: Automaton, vocabulary: Vocabulary): Steps<Float64Array> {
  const tokens = new Float64Array(states.length).fill(Number.POSITIVE_INFINITY);
  let work = 0;
  const fewestFrom = (from: number): number => {
    let fewest = Number.POSITIVE_INFINITY;
    const open: (readonly [number, number])[] = [[from, 0]];
    const seen = new Set<number>();
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const [at, node] = next;
      const state = present(states[at], 'state');
      const key = at * vocabulary.bytes.length + node;
      if (seen.has(key)) continue;
      seen.add(key);
      work++;
      if (state.kind === 'free') for (const to of state.next) open.push([to, node]);
      if (state.kind !== 'byte') continue;
      const end = vocabulary.ends[node] as number;
      for (let child = node + 1; child < end; child = vocabulary.ends[child] as number) {
        if (state.set[vocabulary.bytes[child] as number] === 0) continue;
        if (hasTokens(vocabulary, child))
          fewest = Math.min(fewest, 1 + (tokens[state.next] as number));
        open.push([state.next, child]);
      }
    }
    return fewest;
  };
  const measure = (state: State, at: number): number => {
    if (state.kind === 'end') return 0;
    if (state.kind === 'byte') return fewestFrom(at);
    if (state.kind === 'free') return Math.min(...state.next.map((to) => tokens[to] as number));
    return (tokens[present(starts[state.rule], 'rule')] as number) + (tokens[state.next] as number);
  };
  for (let changes = true; changes; ) {
    changes = false;
    for (const [at, state] of states.entries()) {
      const found = measure(state, at);
      yield;
      if (work > mostWork) {
        throw errors.CONSTRAINT_TOO_LARGE({
          what: 'ways to spell it in this vocabulary',
          found: `more than ${mostWork}`,
          limit: mostWork,
        });
      }
      if (found >= (tokens[at] as number)) continue;
      tokens[at] = found;
      changes = true;
    }
  }
  return tokens;
}
