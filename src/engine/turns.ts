// Whose turn it is: interactive before batch, tenants in equal shares, first come first served within
// one. Tenants are compared by the tokens computed for them, as in the Virtual Token Counter
// (arXiv 2401.00588); who comes back after a while starts level with the others, not with a credit.
import { present } from '../base/invariant.ts';
import type { SchedulerState, Tenant } from './scheduler-state.ts';
import type { Sequence } from './sequence.ts';

// A batch sequence that got nothing for this many steps counts as interactive; one at most in as many.
const ageingSteps = 64;

/** 0 is served before 1. */
export function rankOf({ priority, promoted }: Sequence): 0 | 1 {
  return priority === 'batch' && !promoted ? 1 : 0;
}

/** Order among those who run: the better rank first, then who came first. */
export function compareStanding(a: Sequence, b: Sequence): number {
  return rankOf(a) - rankOf(b) || a.arrival - b.arrival;
}

/** Notes a sequence that comes, and its tenant. */
export function welcome(state: SchedulerState, sequence: Sequence): void {
  sequence.arrival = state.arrivals++;
  sequence.servedStep = state.step;
  const known = state.tenants.get(sequence.tenant);
  if (known !== undefined && known.open > 0) {
    known.open++;
    return;
  }
  const open = [...state.tenants.values()].filter((tenant) => tenant.open > 0);
  const least = open.length === 0 ? 0 : Math.min(...open.map(({ served }) => served));
  // Who is not there and has had no more than the least is as good as unknown.
  for (const [name, tenant] of state.tenants) {
    if (tenant.open === 0 && (open.length === 0 || tenant.served <= least)) {
      state.tenants.delete(name);
    }
  }
  const served = Math.max(least, state.tenants.get(sequence.tenant)?.served ?? 0);
  state.tenants.set(sequence.tenant, { served, open: 1 });
}

/** Notes that a sequence is gone. */
export function farewell(state: SchedulerState, sequence: Sequence): void {
  tenantOf(state, sequence).open--;
}

/** Charges the sequence's tenant for its first `tokens` tokens, each once, however often it is computed. */
export function charge(state: SchedulerState, sequence: Sequence, tokens: number): void {
  if (tokens <= sequence.charged) return;
  tenantOf(state, sequence).served += tokens - sequence.charged;
  sequence.charged = tokens;
}

/** The waiting sequence whose turn it is. Who was taken out of the middle of its answer goes before others. */
export function nextWaiting(state: SchedulerState): Sequence | undefined {
  let best: Sequence | undefined;
  for (const each of state.waiting) {
    if (best === undefined || compareTurns(state, each, best) < 0) best = each;
  }
  return best;
}

/** The running sequences in the order in which prompts get rows: tenants take turns. */
export function orderPrompts(state: SchedulerState): Sequence[] {
  const turns = new Map<string, number>();
  const placed = state.running.map((sequence, place) => {
    const key = `${rankOf(sequence)} ${sequence.tenant}`;
    const turn = turns.get(key) ?? 0;
    turns.set(key, turn + 1);
    return { sequence, turn, place };
  });
  placed.sort(
    (a, b) => rankOf(a.sequence) - rankOf(b.sequence) || a.turn - b.turn || a.place - b.place,
  );
  return placed.map(({ sequence }) => sequence);
}

/** Makes the batch sequence whose turn it is interactive, if one got nothing for long and none was lately. */
export function promote(state: SchedulerState): void {
  if (state.step - state.promotedStep < ageingSteps) return;
  let best: Sequence | undefined;
  for (const each of [...state.running, ...state.waiting]) {
    if (rankOf(each) === 0 || state.step - each.servedStep < ageingSteps) continue;
    if (best === undefined || compareTurns(state, each, best) < 0) best = each;
  }
  if (best === undefined) return;
  best.promoted = true;
  state.promotedStep = state.step;
}

function compareTurns(state: SchedulerState, a: Sequence, b: Sequence): number {
  return (
    rankOf(a) - rankOf(b) ||
    Number(b.reached > 0) - Number(a.reached > 0) ||
    tenantOf(state, a).served - tenantOf(state, b).served ||
    a.arrival - b.arrival
  );
}

function tenantOf(state: SchedulerState, { tenant }: Sequence): Tenant {
  return present(state.tenants.get(tenant), 'tenant');
}
