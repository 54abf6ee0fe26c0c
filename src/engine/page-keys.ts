// Names for pages that hold beyond one engine: a chain of SHA-256 digests over all that a page's keys and values
// depend on. Nothing of the text or the salt can be read off a name.
import { hash } from 'node:crypto';
import { originOf } from './namespace.ts';
import { type PrefixNode, pageTokens } from './prefix-tree.ts';
import type { Sequence } from './sequence.ts';

/** Names pages of one engine; `identity` tells its weights and whatever else decides its bits. */
export class PageKeys {
  readonly #identity: string;
  readonly #known = new WeakMap<PrefixNode, string>();

  constructor(identity: string) {
    this.#identity = identity;
  }

  /** The name of a page in the tree. */
  ofNode(node: PrefixNode): string {
    const known = this.#known.get(node);
    if (known !== undefined) return known;
    const { parent, tokens } = node;
    const above = 'namespace' in parent ? this.#root(parent.namespace) : this.ofNode(parent);
    const key = next(above, tokens);
    this.#known.set(node, key);
    return key;
  }

  /** The names of a sequence's pages, from the first on. */
  *ofSequence(sequence: Sequence, pageSize: number): Generator<string, void, undefined> {
    if (sequence.namespace === undefined) return;
    let key = this.#root(sequence.namespace);
    for (let index = 0; (index + 1) * pageSize <= sequence.tokens.length; index++) {
      key = next(key, pageTokens({ pageSize }, sequence, index));
      yield key;
    }
  }

  #root(namespace: string): string {
    return hash('sha256', `${this.#identity}\n${originOf(namespace)}`, 'hex');
  }
}

function next(above: string, tokens: string): string {
  return hash('sha256', `${above} ${tokens}`, 'hex');
}
