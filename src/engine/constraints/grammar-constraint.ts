// A compiled grammar as the engine's Constraint, and the walk of one answer over it.
import { errors } from '../../base/errors.ts';
import { invariant, present } from '../../base/invariant.ts';
import type { TokenId } from '../../tokenizer/tokenizer.ts';
import type { Constraint, ConstraintWalk } from '../constraint.ts';
import { type Automaton, buildAutomaton } from './automaton.ts';
import { classifyBytes } from './byte-classes.ts';
import { measureDistances } from './distances.ts';
import type { Grammar } from './expression.ts';
import { type Configuration, Machine } from './machine.ts';
import type { Steps } from './steps.ts';
import { TokenMasks } from './token-masks.ts';
import type { Vocabulary } from './vocabulary.ts';

/**
 * Compiles a grammar for a vocabulary. Throws CONSTRAINT_INVALID where nothing, or only the empty text, fits;
 * CONSTRAINT_TOO_LARGE.
 */
export function* constrain(grammar: Grammar, vocabulary: Vocabulary): Steps<Constraint> {
  const automaton = yield* buildAutomaton(grammar);
  const distances = yield* measureDistances(automaton, vocabulary);
  const machine = new Machine(automaton, distances, yield* classifyBytes(automaton));
  const start = machine.start();
  if (start.distance === Number.POSITIVE_INFINITY) {
    const where = whereNothingFits(grammar, automaton, distances);
    throw errors.CONSTRAINT_INVALID({ where, reason: 'no finite text fits it' });
  }
  if (start.open.length === 0) {
    const where = present(grammar.rules[0], 'rule').name;
    throw errors.CONSTRAINT_INVALID({ where, reason: 'only the empty text fits it' });
  }
  return new GrammarConstraint(start, machine, vocabulary);
}

// Follows calls that cannot be completed until there are none, or they come round again: there lies the reason.
function whereNothingFits(
  { rules }: Grammar,
  { states, starts }: Automaton,
  distances: Float64Array,
): string {
  const isBlocked = (state: number): boolean => distances[state] === Number.POSITIVE_INFINITY;
  const path = new Set<number>();
  let rule = 0;
  for (let next: number | undefined = 0; next !== undefined && !path.has(next); ) {
    rule = next;
    path.add(rule);
    next = undefined;
    const seen = new Set([present(starts[rule], 'rule')]);
    for (const at of seen) {
      const state = present(states[at], 'state');
      if (state.kind === 'call' && isBlocked(present(starts[state.rule], 'rule'))) {
        next = state.rule;
        break;
      }
      if (state.kind === 'free') for (const to of state.next) seen.add(to);
      else if (state.kind !== 'end') seen.add(state.next);
    }
    if (next !== undefined && path.has(next)) rule = next;
  }
  return present(rules[rule], 'rule').name;
}

class GrammarConstraint implements Constraint {
  readonly shortest: number;
  readonly #vocabulary: Vocabulary;
  readonly #machine: Machine;
  readonly #masks: TokenMasks;
  readonly #start: Configuration;

  constructor(start: Configuration, machine: Machine, vocabulary: Vocabulary) {
    this.#start = start;
    this.#machine = machine;
    this.#vocabulary = vocabulary;
    this.#masks = new TokenMasks(machine, vocabulary);
    this.shortest = start.distance;
  }

  start(): ConstraintWalk {
    return new GrammarWalk(this.#start, this.#machine, this.#masks, this.#vocabulary);
  }
}

class GrammarWalk implements ConstraintWalk {
  readonly #machine: Machine;
  readonly #masks: TokenMasks;
  readonly #vocabulary: Vocabulary;
  #at: Configuration;

  constructor(at: Configuration, machine: Machine, masks: TokenMasks, vocabulary: Vocabulary) {
    this.#at = at;
    this.#machine = machine;
    this.#masks = masks;
    this.#vocabulary = vocabulary;
  }

  get mayEnd(): boolean {
    return this.#at.mayEnd;
  }

  mask(left: number): Uint32Array {
    return this.#masks.mask(this.#at, left);
  }

  fork(): ConstraintWalk {
    return new GrammarWalk(this.#at, this.#machine, this.#masks, this.#vocabulary);
  }

  accept(id: TokenId): void {
    const text = present(this.#vocabulary.texts[id], 'token');
    invariant(text.length > 0, 'a constrained answer has no control tokens');
    for (const byte of text) {
      const next = this.#machine.step(this.#at, byte);
      invariant(next !== null, 'a token that the mask allows can be read');
      this.#at = next;
    }
  }
}
