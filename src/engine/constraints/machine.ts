// Reads bytes through an automaton with all ways open at once. What is open after some bytes is a
// configuration: states, each with the returns that wait below it. Returns are shared trees (a
// graph-structured stack), so ambiguous grammars stay small; equal ones are one object, so that what is
// known of a configuration is found again. Steps are computed once and kept.
import { errors } from '../../base/errors.ts';
import { present } from '../../base/invariant.ts';
import type { Automaton, State } from './automaton.ts';
import type { ByteClasses } from './byte-classes.ts';
import { wideKind } from './byte-kinds.ts';
import { isTailCall } from './distances.ts';

/** States open at once, and states looked at for one mask: what an ambiguous grammar may cost. */
const mostOpen = 2000;
const mostWork = 4_000_000;
/** Configurations kept; about 1 KB each. */
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
  /** By class of bytes: where it leads, null for nowhere; undefined until asked. */
  readonly steps: (Configuration | null | undefined)[];
  /** By state: where the bytes lead that it alone reads. */
  readonly lone: Map<number, Configuration | null>;
  /** Where whole kinds of characters lead; undefined until asked. */
  outlook: Outlook | undefined;
}

/** Where the kinds of byte-kinds.ts lead, one bit each. */
export interface Outlook {
  /** Kinds all of whose characters lead to `next`. */
  readonly same: number;
  /** Kinds none of whose characters may come. */
  readonly dead: number;
  readonly next: Configuration | undefined;
}

type ByteState = Extract<State, { kind: 'byte' }>;

/** Steps through an automaton. Shared by all walks over it. */
export class Machine {
  readonly #automaton: Automaton;
  readonly #distances: Float64Array;
  readonly #classes: ByteClasses;
  readonly #returns = new Map<string, Returns>();
  readonly #configurations = new Map<string, Configuration>();
  readonly bottom: Returns = { id: 0, entries: new Map(), isBottom: true, distance: 0 };
  #nextId = 1;
  #work = 0;

  constructor(automaton: Automaton, distances: Float64Array, classes: ByteClasses) {
    this.#automaton = automaton;
    this.#distances = distances;
    this.#classes = classes;
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

  /** One state with what waits below it. */
  only({ state, returns }: Open): Configuration {
    return this.#close((closure) => closure.add(state, returns));
  }

  /** Where a rule's end leads. */
  after(returns: Returns): Configuration {
    return this.#close((closure) => closure.goBack(returns));
  }

  /** Where a byte leads; null for nowhere. */
  step(from: Configuration, byte: number): Configuration | null {
    const byteClass = this.#classes.of[byte] as number;
    const known = from.steps[byteClass];
    return known === undefined ? this.#stepAnew(from, byteClass) : known;
  }

  /** Where whole kinds of characters lead. */
  outlook(from: Configuration): Outlook {
    from.outlook ??= this.#lookAhead(from);
    return from.outlook;
  }

  #stepAnew(from: Configuration, byteClass: number): Configuration | null {
    const { states } = this.#automaton;
    const byte = this.#classes.bytes[byteClass] as number;
    const taken: Open[] = [];
    for (const open of from.open) {
      if ((states[open.state] as ByteState).set[byte] === 1) taken.push(open);
    }
    const [first] = taken;
    let next: Configuration | null | undefined;
    // Most bytes are read by one state alone, and then lead where that one's other bytes do.
    const lone = taken.length === 1 ? first : undefined;
    if (first === undefined) next = null;
    else if (lone !== undefined) next = from.lone.get(lone.state);
    if (next === undefined) {
      const closed = this.#close((closure) => {
        for (const { state, returns } of taken) {
          closure.add((states[state] as ByteState).next, returns);
        }
      });
      next = closed.open.length === 0 && !closed.mayEnd ? null : closed;
      if (lone !== undefined) from.lone.set(lone.state, next);
    }
    from.steps[byteClass] = next;
    return next;
  }

  #lookAhead(from: Configuration): Outlook {
    let [same, dead] = [0, 0];
    let next: Configuration | undefined;
    const note = (kind: number, target: Configuration | null | undefined): void => {
      if (target === null) dead |= kind;
      else if (target !== undefined) next ??= target;
      if (target !== undefined && target === next) same |= kind;
    };
    for (const [bit, classes] of this.#classes.ofKinds.entries()) {
      note(1 << bit, onlyOne(this.#targets([from], classes)));
    }
    note(wideKind, this.#wideTarget(from));
    return { same, dead, next };
  }

  // Where all characters beyond ASCII lead; undefined where that differs.
  #wideTarget(from: Configuration): Configuration | null | undefined {
    const ends = new Set<Configuration | null>();
    for (const places of this.#classes.ofWide) {
      let open: readonly Configuration[] = [from];
      for (const [place, classes] of places.entries()) {
        const targets = this.#targets(open, classes);
        open = [...targets].filter((target) => target !== null);
        if (targets.has(null) && open.length > 0) return undefined;
        if (targets.has(null) || place === places.length - 1) {
          for (const target of targets) ends.add(target);
        }
      }
      if (ends.size > 1) return undefined;
    }
    return onlyOne(ends);
  }

  #targets(
    open: readonly Configuration[],
    classes: readonly number[],
  ): ReadonlySet<Configuration | null> {
    const targets = new Set<Configuration | null>();
    for (const from of open) {
      for (const each of classes) {
        const known = from.steps[each];
        targets.add(known === undefined ? this.#stepAnew(from, each) : known);
      }
    }
    return targets;
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
    const steps = this.#classes.bytes.map(() => undefined);
    const made: Configuration = {
      id: this.#nextId++,
      open,
      mayEnd,
      distance,
      steps,
      lone: new Map(),
      outlook: undefined,
    };
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

function onlyOne<T>(set: ReadonlySet<T>): T | undefined {
  const [first] = set;
  return set.size === 1 ? first : undefined;
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
