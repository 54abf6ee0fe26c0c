// A compiled grammar as the engine's Constraint, and the walk of one answer over it.
import { errors } from '../../base/errors.ts';
import { invariant, present } from '../../base/invariant.ts';
import type { TokenId } from '../../tokenizer/tokenizer.ts';
import type { Constraint, ConstraintWalk } from '../constraint.ts';
import { buildAutomaton } from './automaton.ts';
import { measureDistances } from './distances.ts';
import type { Grammar } from './expression.ts';
import { type Configuration, Machine } from './machine.ts';
import { TokenMasks } from './token-masks.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Any grammar over any vocabulary. */
export class GrammarConstraint implements Constraint {
  readonly shortest: number;
  readonly #vocabulary: Vocabulary;
  readonly #machine: Machine;
  readonly #masks: TokenMasks;
  readonly #start: Configuration;

  /** Throws CONSTRAINT_INVALID where nothing, or only the empty text, fits; CONSTRAINT_TOO_LARGE. */
  constructor(grammar: Grammar, vocabulary: Vocabulary) {
    const automaton = buildAutomaton(grammar);
    const distances = measureDistances(automaton, vocabulary);
    this.#vocabulary = vocabulary;
    this.#machine = new Machine(automaton, distances);
    this.#masks = new TokenMasks(this.#machine, vocabulary);
    this.#start = this.#machine.start();
    this.shortest = this.#start.distance;
    const name = present(grammar.rules[0], 'rule').name;
    if (this.shortest === Number.POSITIVE_INFINITY) {
      throw errors.CONSTRAINT_INVALID({ where: name, reason: 'no finite text fits it' });
    }
    if (this.#start.open.length === 0) {
      throw errors.CONSTRAINT_INVALID({ where: name, reason: 'only the empty text fits it' });
    }
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
