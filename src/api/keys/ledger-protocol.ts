// What the ledger and its thread say to each other.
import type { Key } from './key-store.ts';
import type { UsageDay, UsageQuery, UsageRow } from './usage-store.ts';

/** What the thread is asked; each is answered under its number. `look`: have keys changed? */
export type LedgerTask =
  | { readonly type: 'write'; readonly rows: readonly UsageRow[] }
  | { readonly type: 'usage'; readonly query: UsageQuery }
  | { readonly type: 'look' }
  | { readonly type: 'close' };

/** A task on its way. */
export interface LedgerRequest {
  readonly id: number;
  readonly task: LedgerTask;
}

/** What comes back. `keys` comes unasked, whenever they have changed, and before the answer of a `look` that saw it. */
export type LedgerReply =
  | { readonly type: 'done'; readonly id: number; readonly usage?: readonly UsageDay[] }
  | { readonly type: 'failed'; readonly id: number; readonly reason: string }
  | { readonly type: 'keys'; readonly keys: readonly Key[] };
