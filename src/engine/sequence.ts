// A run of tokens on its way through the model, and the pages that hold its keys and values.
import type { PrefixNode } from './prefix-tree.ts';
import type { Priority } from './request-scope.ts';

/** What a sequence begins with. */
export interface SequenceParts {
  readonly id: number;
  /** Grows as the answer does. */
  readonly tokens: number[];
  /** Positions from here on want an output; moves on as outputs come. */
  readonly outputsFrom: number;
  /** What keys and values depend on beside the tokens; undefined: its pages are not shared. */
  readonly namespace: string | undefined;
  readonly priority?: Priority;
  readonly tenant?: string;
}

/** A sequence in the scheduler. */
export interface Sequence {
  readonly id: number;
  readonly tokens: number[];
  outputsFrom: number;
  readonly namespace: string | undefined;
  readonly priority: Priority;
  readonly tenant: string;
  /** Tokens whose keys and values are in the cache. */
  computed: number;
  /** The most that ever were. */
  reached: number;
  /** Those of them that another sequence computed. */
  reused: number;
  /** Tokens its tenant was charged for. */
  charged: number;
  /** Its place in the order of arrival. */
  arrival: number;
  /** The last step it got rows in; before that, the step it arrived in. */
  servedStep: number;
  /** Of priority `batch`, and has waited long enough to count as interactive. */
  promoted: boolean;
  /** Taken as tokens come; none while it waits. */
  pages: number[];
  /** Places in the prefix tree of its first pages. The pages after them are its own alone. */
  path: PrefixNode[];
  /** May its next full page enter the tree? Not when an equal one is there already. */
  grows: boolean;
}

/** A sequence that has been nowhere yet. */
export function createSequence(parts: SequenceParts): Sequence {
  return {
    priority: 'interactive',
    tenant: '',
    ...parts,
    computed: 0,
    reached: 0,
    reused: 0,
    charged: 0,
    arrival: 0,
    servedStep: 0,
    promoted: false,
    pages: [],
    path: [],
    grows: parts.namespace !== undefined,
  };
}
