// The keys of a store's servers: made, listed, revoked. A revoked key stays as a row, so that its usage keeps its name.
import * as z from 'zod';
import { errors } from '../../base/errors.ts';
import type { Database } from '../../store/index.ts';
import { makeSecret } from './secret.ts';

/** What a key may do; an absent limit is none. */
export interface KeyOptions {
  /** Unique among keys that are not revoked. */
  readonly name: string;
  /** Models it may use. */
  readonly models?: readonly string[];
  /** In any 60 seconds. */
  readonly requestsPerMinute?: number;
  /** Of prompts and answers together, from midnight to midnight UTC. */
  readonly tokensPerDay?: number;
  /** Keys of one tenant share what was computed, and one turn in the engine. Default: a tenant of its own. */
  readonly tenant?: string;
}

/** A key as it is kept. */
export interface Key {
  readonly id: string;
  readonly name: string;
  /** SHA-256 of its secret. */
  readonly hash: Uint8Array;
  readonly models: readonly string[] | null;
  readonly requestsPerMinute: number | null;
  readonly tokensPerDay: number | null;
  readonly tenant: string | null;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly revokedAt: string | null;
}

const rowSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    hash: z.instanceof(Uint8Array),
    models: z.string().nullable(),
    requests_per_minute: z.number().nullable(),
    tokens_per_day: z.number().nullable(),
    tenant: z.string().nullable(),
    created_at: z.string(),
    revoked_at: z.string().nullable(),
  })
  .transform(
    (row): Key => ({
      id: row.id,
      name: row.name,
      hash: row.hash,
      models: row.models === null ? null : z.array(z.string()).parse(JSON.parse(row.models)),
      requestsPerMinute: row.requests_per_minute,
      tokensPerDay: row.tokens_per_day,
      tenant: row.tenant,
      createdAt: row.created_at,
      revokedAt: row.revoked_at,
    }),
  );

/** All keys, the oldest first. */
export function listKeys(database: Database): Key[] {
  const rows = database.prepare('SELECT * FROM keys ORDER BY created_at, id').all();
  return rows.map((row) => rowSchema.parse(row));
}

/** Makes a key. Its secret is given here and never again. Throws KEY_EXISTS. */
export function createKey(
  database: Database,
  options: KeyOptions,
): { readonly key: Key; readonly secret: string } {
  const { name, models, requestsPerMinute, tokensPerDay, tenant } = options;
  const { id, secret, hash } = makeSecret();
  const key: Key = {
    id,
    name,
    hash,
    models: models ?? null,
    requestsPerMinute: requestsPerMinute ?? null,
    tokensPerDay: tokensPerDay ?? null,
    tenant: tenant ?? null,
    createdAt: new Date().toISOString(),
    revokedAt: null,
  };
  const { changes } = database
    .prepare(
      `INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)
       ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING`,
    )
    .run(
      id,
      name,
      hash,
      key.models === null ? null : JSON.stringify(key.models),
      key.requestsPerMinute,
      key.tokensPerDay,
      key.tenant,
      key.createdAt,
    );
  if (changes === 0) throw errors.KEY_EXISTS({ name });
  return { key, secret };
}

/** Revokes a key, by its id or its name. Throws KEY_NOT_FOUND. */
export function revokeKey(database: Database, given: string): Key {
  const live = listKeys(database).filter(({ revokedAt }) => revokedAt === null);
  const key = live.find(({ id }) => id === given) ?? live.find(({ name }) => name === given);
  if (key === undefined) {
    const have = live.slice(0, 9).map(({ name }) => name);
    throw errors.KEY_NOT_FOUND({ given, have: have.join(', ') || 'none' });
  }
  const revokedAt = new Date().toISOString();
  database.prepare('UPDATE keys SET revoked_at = ? WHERE id = ?').run(revokedAt, key.id);
  return { ...key, revokedAt };
}
