// Who may ask: a request's key becomes a caller with its models, its limits and a tenant of its own.
import { errors } from '../../base/errors.ts';
import { anonymous, type Caller } from '../request-context.ts';
import { KeyLimits, type LimitClock } from './key-limits.ts';
import type { Key } from './key-store.ts';
import type { Ledger } from './ledger.ts';
import { idOfSecret, isSecretOf } from './secret.ts';

/** How a gate is kept. */
export interface GateOptions {
  readonly ledger: Pick<Ledger, 'findKey' | 'look' | 'usedBefore' | 'unwritten'>;
  /** Are callers without a key refused? */
  readonly required: boolean;
  readonly clock?: LimitClock;
}

const systemClock: LimitClock = { monotonicMs: () => performance.now(), dateMs: () => Date.now() };

// Answers whose use waits for a disk that does not take it: a minute or more of a server under full load.
const maxUnwritten = 10_000;

/**
 * Makes what `createApi` authenticates by. It throws KEY_MISSING, KEY_INVALID or LEDGER_BEHIND. Where no key is
 * required, one that is no key of Corral's is not looked at (clients insist on sending some), but one that has the form
 * of a key must be good.
 * @example createApi({ models, version: '1', authenticate: createGate({ ledger, required: true }) });
 */
export function createGate(options: GateOptions): (request: Request) => Promise<Caller> {
  const { ledger, required, clock = systemClock } = options;
  const callers = new Map<string, Caller>();
  const callerOf = (key: Key): Caller => {
    const known = callers.get(key.id);
    if (known !== undefined) return known;
    const caller = makeCaller(key, { tokensUsed: ledger.usedBefore(key.id), clock });
    callers.set(key.id, caller);
    return caller;
  };
  return async ({ headers }) => {
    const { unwritten } = ledger;
    if (unwritten > maxUnwritten) throw errors.LEDGER_BEHIND({ rows: unwritten });
    const secret = credentialOf(headers);
    const id = idOfSecret(secret ?? '');
    if (secret === undefined || id === undefined) {
      if (!required) return anonymous;
      throw secret === undefined ? errors.KEY_MISSING() : errors.KEY_INVALID();
    }
    if (ledger.findKey(id) === undefined) await ledger.look();
    const key = ledger.findKey(id);
    if (!isSecretOf(secret, key?.hash) || key === undefined) throw errors.KEY_INVALID();
    return callerOf(key);
  };
}

function makeCaller(
  { id, tenant, models, requestsPerMinute, tokensPerDay }: Key,
  more: { readonly tokensUsed: number; readonly clock: LimitClock },
): Caller {
  const isLimited = requestsPerMinute !== null || tokensPerDay !== null;
  return {
    key: id,
    // Two kinds of names: no tenant can be called so that it reads what a key has left in the cache.
    tenant: tenant === null ? `key ${id}` : `tenant ${tenant}`,
    models: models ?? undefined,
    ...(isLimited && { limits: new KeyLimits({ requestsPerMinute, tokensPerDay, ...more }) }),
  };
}

/** OpenAI's clients send `Authorization: Bearer`, Anthropic's `x-api-key`. */
function credentialOf(headers: Headers): string | undefined {
  const bearer = /^bearer +(\S+) *$/i.exec(headers.get('authorization') ?? '')?.[1];
  return bearer ?? headers.get('x-api-key') ?? undefined;
}
