// A grammar in the making: rules get their numbers before their bodies, so that they can call each other.
import { present } from '../../base/invariant.ts';
import { type Expression, type Grammar, never } from './expression.ts';

/** Rules by number. */
export class RuleTable {
  readonly #names: string[] = [];
  readonly #bodies: (Expression | undefined)[] = [];

  /** A call to a rule that is yet to be defined. */
  declare(name: string): { readonly kind: 'rule'; readonly rule: number } {
    this.#bodies.push(undefined);
    return { kind: 'rule', rule: this.#names.push(name) - 1 };
  }

  define({ rule }: { readonly rule: number }, body: Expression): void {
    this.#bodies[rule] = body;
  }

  add(name: string, body: Expression): { readonly kind: 'rule'; readonly rule: number } {
    const call = this.declare(name);
    this.define(call, body);
    return call;
  }

  /** The whole; rule 0, the first declared, is where texts begin. */
  build(): Grammar {
    return {
      rules: this.#names.map((name, rule) => ({
        name,
        body: present(this.#bodies[rule] ?? never, name),
      })),
    };
  }
}
