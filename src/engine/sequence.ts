// A run of tokens on its way through the model, and the pages that hold its keys and values.
import type { PrefixNode } from './prefix-tree.ts';

/** A sequence in the scheduler. `tokens` grows as the answer does; pages are held until it is removed. */
export interface Sequence {
  readonly id: number;
  readonly tokens: number[];
  /** Tokens it may reach: pages are reserved for all of them when it is admitted. */
  readonly reserve: number;
  /** Positions from here on want an output. */
  readonly outputsFrom: number;
  /** What keys and values depend on beside the tokens; undefined: its pages are not shared. */
  readonly namespace: string | undefined;
  /** Tokens whose keys and values are in the cache. */
  computed: number;
  /** Those of them that another sequence computed. */
  reused: number;
  pages: readonly number[];
  /** Places in the prefix tree of its first pages. The pages after them are its own alone. */
  path: PrefixNode[];
  /** May its next full page enter the tree? Not when an equal one is there already. */
  grows: boolean;
}

/** A sequence that has been nowhere yet. */
export function createSequence(
  parts: Pick<Sequence, 'id' | 'tokens' | 'reserve' | 'outputsFrom' | 'namespace'>,
): Sequence {
  const { namespace } = parts;
  return { ...parts, computed: 0, reused: 0, pages: [], path: [], grows: namespace !== undefined };
}
