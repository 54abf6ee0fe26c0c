// Reads bytes through an automaton with all ways open at once. What is open after some bytes is a
// configuration: states, each with the returns that wait below it. Returns are shared trees (a
// graph-structured stack), so ambiguous grammars stay small; equal ones are one object, so that what is
// known of a configuration is found again. Steps are computed once and kept.
import { errors } from '../../base/errors.ts';
import { present } from '../../base/invariant.ts';
import type { Automaton, State } from './automaton.ts';
import { isTailCall } from './distances.ts';

/** States open at once, and states looked at for one mask: what an ambiguous grammar may cost. */
const mostOpen = 2000;
const mostWork = 4_000_000;
/** Configurations kept; about 2 KB each. */
const mostKept = 6000;

/** What waits when a rule ends: states to go on from, each with what waits below it. */
export interface Returns {
  readonly id: number;
  readonly entries: ReadonlyMap<number, Returns>;
  /** Nothing waits, or may wait: the text, or the rule looked at by itself, ends. */
  readonly isBottom: boolean;
  /** Tokens that are enough from here to the end. */
  readonly distance: number;
}

/** One state that eats bytes, with its returns. */
export interface Open {
  readonly state: number;
  readonly returns: Returns;
}

/** All ways open after some bytes. Immutable, but for the steps it remembers. */
export interface Configuration {
  readonly id: number;
  readonly open: readonly Open[];
  /** May the text end here? */
  readonly mayEnd: boolean;
  /** Tokens that are enough from here to the end. */
  readonly distance: number;
  /** By byte: where it leads, null for nowhere; undefined until asked. */
  readonly steps: (Configuration | null | undefined)[];
}

/** Steps through an automaton. Shared by all walks over it. */
export class Machine {
  readonly #automaton: Automaton;
  readonly #distances: Float64Array;
  readonly #returns = new Map<string, Returns>();
  readonly #configurations = new Map<string, Configuration>();
  readonly bottom: Returns = { id: 0, entries: new Map(), isBottom: true, distance: 0 };
  #nextId = 1;
  #work = 0;

  constructor(automaton: Automaton, distances: Float64Array) {
    this.#automaton = automaton;
    this.#distances = distances;
  }

  /** Before any byte. */
  start(): Configuration {
    return this.#close((closure) =>
      closure.add(present(this.#automaton.starts[0], 'start'), this.bottom),
    );
  }

  /** One state by itself, with nothing below it. */
  alone(state: number): Configuration {
    return this.#close((closure) => closure.add(state, this.bottom));
  }

  /** Where a rule's end leads. */
  after(returns: Returns): Configuration {
    return this.#close((closure) => closure.goBack(returns));
  }

  /** Where a byte leads; null for nowhere. */
  step(from: Configuration, byte: number): Configuration | null {
    const known = from.steps[byte];
    if (known !== undefined) return known;
    const { states } = this.#automaton;
    const next = this.#close((closure) => {
      for (const { state, returns } of from.open) {
        const edge = states[state] as Extract<State, { kind: 'byte' }>;
        if (edge.set[byte] === 1) closure.add(edge.next, returns);
      }
    });
    const found = next.open.length === 0 && !next.mayEnd ? null : next;
    from.steps[byte] = found;
    return found;
  }

  /** Counts anew for the next mask, and forgets what is known when that is much. */
  beginMask(): void {
    this.#work = 0;
    if (this.#configurations.size < mostKept) return;
    this.#configurations.clear();
    this.#returns.clear();
  }

  #close(fill: (closure: Closure) => void): Configuration {
    const closure = new Closure(this.#automaton, this.#distances, (entries, isBottom) =>
      this.#intern(entries, isBottom),
    );
    fill(closure);
    closure.finish();
    this.#work += closure.seen.size;
    if (closure.seen.size > mostOpen || this.#work > mostWork) {
      throw errors.CONSTRAINT_TOO_LARGE({
        what: 'ways to read one text',
        found: `more than ${mostOpen}`,
        limit: mostOpen,
      });
    }
    return this.#configuration(closure);
  }

  #configuration({ seen, mayEnd }: Closure): Configuration {
    const { states } = this.#automaton;
    const open: Open[] = [];
    let distance = mayEnd ? 0 : Number.POSITIVE_INFINITY;
    for (const [state, returns] of seen) {
      if (states[state]?.kind !== 'byte') continue;
      open.push({ state, returns });
      distance = Math.min(distance, (this.#distances[state] as number) + returns.distance);
    }
    open.sort((a, b) => a.state - b.state);
    const key =
      open.map(({ state, returns }) => `${state}:${returns.id}`).join() + (mayEnd ? '.' : '');
    const known = this.#configurations.get(key);
    if (known !== undefined) return known;
    const steps = new Array<Configuration | null | undefined>(256).fill(undefined);
    const made = { id: this.#nextId++, open, mayEnd, distance, steps };
    this.#configurations.set(key, made);
    return made;
  }

  #intern(entries: ReadonlyMap<number, Returns>, isBottom: boolean): Returns {
    const sorted = [...entries].sort((a, b) => a[0] - b[0]);
    const key =
      sorted.map(([state, below]) => `${state}:${below.id}`).join() + (isBottom ? '.' : '');
    const known = this.#returns.get(key);
    if (known !== undefined) return known;
    const distance = sorted.reduce(
      (least, [state, below]) =>
        Math.min(least, (this.#distances[state] as number) + below.distance),
      isBottom ? 0 : Number.POSITIVE_INFINITY,
    );
    const made = { id: this.#nextId++, entries: new Map(sorted), isBottom, distance };
    this.#returns.set(key, made);
    return made;
  }
}

// Follows everything that eats no byte, from the states put in.
class Closure {
  readonly seen = new Map<number, Returns>();
  mayEnd = false;
  readonly #automaton: Automaton;
  readonly #distances: Float64Array;
  readonly #intern: (entries: ReadonlyMap<number, Returns>, isBottom: boolean) => Returns;
  readonly #pending: number[] = [];

  constructor(
    automaton: Automaton,
    distances: Float64Array,
    intern: (entries: ReadonlyMap<number, Returns>, isBottom: boolean) => Returns,
  ) {
    this.#automaton = automaton;
    this.#distances = distances;
    this.#intern = intern;
  }

  // States from which nothing can be completed are left out: no token may lead there.
  add(state: number, returns: Returns): void {
    if (this.#distances[state] === Number.POSITIVE_INFINITY) return;
    const known = this.seen.get(state);
    const merged = known === undefined ? returns : this.#merge(known, returns);
    if (merged === known) return;
    this.seen.set(state, merged);
    this.#pending.push(state);
  }

  goBack(returns: Returns): void {
    if (returns.isBottom) this.mayEnd = true;
    for (const [state, below] of returns.entries) this.add(state, below);
  }

  finish(): void {
    for (let at = this.#pending.pop(); at !== undefined; at = this.#pending.pop()) {
      if (this.seen.size > mostOpen) return;
      this.#follow(
        present(this.#automaton.states[at], 'state'),
        present(this.seen.get(at), 'returns'),
      );
    }
  }

  #follow(state: State, returns: Returns): void {
    if (state.kind === 'end') this.goBack(returns);
    else if (state.kind === 'free') for (const next of state.next) this.add(next, returns);
    else if (state.kind === 'call') {
      if (this.#distances[state.next] === Number.POSITIVE_INFINITY) return;
      const waiting = isTailCall(this.#automaton, state)
        ? returns
        : this.#intern(new Map([[state.next, returns]]), false);
      this.add(present(this.#automaton.starts[state.rule], 'rule'), waiting);
    }
  }

  #merge(a: Returns, b: Returns): Returns {
    if (a === b) return a;
    const entries = new Map(a.entries);
    let changed = b.isBottom && !a.isBottom;
    for (const [state, below] of b.entries) {
      const known = entries.get(state);
      const merged = known === undefined ? below : this.#merge(known, below);
      if (merged === known) continue;
      entries.set(state, merged);
      changed = true;
    }
    return changed ? this.#intern(entries, a.isBottom || b.isBottom) : a;
  }
}
