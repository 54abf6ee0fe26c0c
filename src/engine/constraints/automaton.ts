// A grammar as a network of states: one automaton per rule, with edges that eat a byte, edges that call
// another rule, and free ones. Not deterministic: it is as large as the grammar, never larger.
import { errors } from '../../base/errors.ts';
import { present } from '../../base/invariant.ts';
import type { ByteSet } from './byte-set.ts';
import type { Expression, Grammar } from './expression.ts';
import type { Steps } from './steps.ts';

/** Bounds what a hostile schema can make of memory and compile time. */
export const mostStates = 50_000;
const mostNesting = 1000;

/** What a state does. `call` goes through a rule to `next`; `end` returns from the rule it is in. */
export type State =
  | { readonly kind: 'byte'; readonly set: ByteSet; readonly next: number }
  | { readonly kind: 'free'; readonly next: number[] }
  | { readonly kind: 'call'; readonly rule: number; readonly next: number }
  | { readonly kind: 'end' };

/** States by number. */
export interface Automaton {
  readonly states: readonly State[];
  /** Where each rule begins; rule 0 is the whole text. */
  readonly starts: readonly number[];
}

/** Lays a grammar out. Throws CONSTRAINT_TOO_LARGE, and CONSTRAINT_INVALID for left recursion. */
export function* buildAutomaton(grammar: Grammar): Steps<Automaton> {
  const builder = new Builder();
  const starts: number[] = [];
  for (const { body } of grammar.rules) {
    starts.push(builder.build(body, builder.end, 0));
    yield;
  }
  const automaton = { states: builder.states, starts };
  refuseLeftRecursion(automaton, grammar);
  return automaton;
}

class Builder {
  readonly states: State[] = [];
  readonly end: number;

  constructor() {
    this.end = this.#add({ kind: 'end' });
  }

  /** The state from which `expression` leads to `next`. */
  build(expression: Expression, next: number, depth: number): number {
    if (depth > mostNesting) {
      throw errors.CONSTRAINT_TOO_LARGE({
        what: 'levels of nesting',
        found: `more than ${mostNesting}`,
        limit: mostNesting,
      });
    }
    switch (expression.kind) {
      case 'byte':
        return this.#add({ kind: 'byte', set: expression.set, next });
      case 'rule':
        return this.#add({ kind: 'call', rule: expression.rule, next });
      case 'sequence':
        return expression.parts.reduceRight((to, part) => this.build(part, to, depth + 1), next);
      case 'choice':
        return this.#add({
          kind: 'free',
          next: expression.options.map((option) => this.build(option, next, depth + 1)),
        });
      case 'repeat':
        return this.#repeat(expression, next, depth);
    }
  }

  #repeat(
    { part, least, most }: Extract<Expression, { kind: 'repeat' }>,
    next: number,
    depth: number,
  ): number {
    let to = next;
    if (most === Number.POSITIVE_INFINITY) {
      const ways: number[] = [];
      to = this.#add({ kind: 'free', next: ways });
      ways.push(this.build(part, to, depth + 1), next);
    } else {
      // x{0,3} as (x(x(x)?)?)?: wherever it stands, one step leads out of it.
      for (let i = least; i < most; i++) {
        to = this.#add({ kind: 'free', next: [this.build(part, to, depth + 1), next] });
      }
    }
    for (let i = 0; i < least; i++) {
      const before = this.build(part, to, depth + 1);
      // Where the part is empty, a billion of it are, too.
      if (before === to) break;
      to = before;
    }
    return to;
  }

  #add(state: State): number {
    if (this.states.length >= mostStates) {
      throw errors.CONSTRAINT_TOO_LARGE({
        what: 'states',
        found: `more than ${mostStates}`,
        limit: mostStates,
      });
    }
    this.states.push(state);
    return this.states.length - 1;
  }
}

// A rule that can call itself before it eats a byte would never get anywhere.
function refuseLeftRecursion(automaton: Automaton, { rules }: Grammar): void {
  const isEmpty = findEmptyRules(automaton);
  const called = automaton.starts.map((start) => firstCalls(automaton, start, isEmpty));
  const progress = new Int8Array(rules.length); // 0: not looked at, 1: being looked at, 2: fine
  for (const root of rules.keys()) {
    if (progress[root] !== 0) continue;
    progress[root] = 1;
    const path = [{ rule: root, calls: [...(called[root] ?? [])] }];
    while (path.length > 0) {
      const top = present(path.at(-1), 'rule');
      const rule = top.calls.pop();
      if (rule === undefined) {
        progress[top.rule] = 2;
        path.pop();
      } else if (progress[rule] === 1) {
        const from = path.findIndex((step) => step.rule === rule);
        const names = [...path.slice(from).map((step) => step.rule), rule];
        throw errors.CONSTRAINT_INVALID({
          where: present(rules[rule], 'rule').name,
          reason: `it begins with itself (${names.map((each) => rules[each]?.name).join(' → ')})`,
        });
      } else if (progress[rule] === 0) {
        progress[rule] = 1;
        path.push({ rule, calls: [...(called[rule] ?? [])] });
      }
    }
  }
}

// Rules called before a byte is eaten.
function firstCalls(
  { states }: Automaton,
  start: number,
  isEmpty: readonly boolean[],
): ReadonlySet<number> {
  const calls = new Set<number>();
  const seen = new Set([start]);
  const follow = (state: number): void => {
    seen.add(state);
  };
  for (const at of seen) {
    const state = present(states[at], 'state');
    if (state.kind === 'free') state.next.forEach(follow);
    if (state.kind !== 'call') continue;
    calls.add(state.rule);
    if (isEmpty[state.rule] === true) follow(state.next);
  }
  return calls;
}

// Which rules allow the empty text. A way that meets a rule not yet known to do so waits for it.
function findEmptyRules({ states, starts }: Automaton): readonly boolean[] {
  const isEmpty = starts.map(() => false);
  const waiting = starts.map((): Way[] => []);
  const seen = new Uint8Array(states.length);
  const open: Way[] = starts.map((at, rule) => ({ rule, at }));
  for (let way = open.pop(); way !== undefined; way = open.pop()) {
    const { rule, at } = way;
    const state = present(states[at], 'state');
    if (state.kind === 'end') {
      if (isEmpty[rule] === false) for (const each of waiting[rule] ?? []) open.push(each);
      isEmpty[rule] = true;
      continue;
    }
    if (seen[at] === 1) continue;
    seen[at] = 1;
    if (state.kind === 'free') for (const next of state.next) open.push({ rule, at: next });
    if (state.kind !== 'call') continue;
    const next = { rule, at: state.next };
    if (isEmpty[state.rule] === true) open.push(next);
    else waiting[state.rule]?.push(next);
  }
  return isEmpty;
}

interface Way {
  readonly rule: number;
  readonly at: number;
}
