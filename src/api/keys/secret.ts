// Secrets of keys: how they are made, recognised and compared. A secret is shown once, when it is made; what is
// kept is its SHA-256. That is enough, and no slow password hash is needed: a secret has 256 random bits, so
// there is no list of likely ones to try against a stolen hash, and a slow hash would only slow every request.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

// `sk-` as OpenAI's have, so that scanners for leaked secrets know them by their form.
const form = /^sk-corral-([0-9a-f]{12})-[\w-]{43}$/;

/** A new secret with what is kept of it. */
export interface NewSecret {
  /** Names the key; no secret. 12 hexadecimal digits. */
  readonly id: string;
  readonly secret: string;
  /** SHA-256 of the secret. */
  readonly hash: Uint8Array;
}

/** Makes a secret. */
export function makeSecret(): NewSecret {
  const id = randomBytes(6).toString('hex');
  const secret = `sk-corral-${id}-${randomBytes(32).toString('base64url')}`;
  return { id, secret, hash: hashOf(secret) };
}

/** The id within a text that has the form of a secret. */
export function idOfSecret(text: string): string | undefined {
  return form.exec(text)?.[1];
}

// Compared with where there is no such key, so that a wrong id takes as long as a wrong secret.
const nobodys = randomBytes(32);

/** Is this the secret of the hash? Takes the same time whichever byte differs, and where there is no hash. */
export function isSecretOf(secret: string, hash: Uint8Array | undefined): boolean {
  return timingSafeEqual(hashOf(secret), hash ?? nobodys) && hash !== undefined;
}

function hashOf(secret: string): Uint8Array {
  return createHash('sha256').update(secret).digest();
}
