// What keys and values depend on beside the tokens before them. One part means something in one engine alone,
// the other in every engine that has the same weights.

/** What a namespace is made of. */
export interface NamespaceParts {
  /** How often the weights were changed. */
  readonly weightsVersion: number;
  /** The adapter's load, and a digest of its contents. */
  readonly adapter: { readonly load: number; readonly digest: string } | undefined;
  readonly cacheSalt: string | undefined;
  /** Rotary frequencies, [headDim / 2]: dynamic NTK's depend on the request. */
  readonly frequencies: Float32Array;
}

/** One text for all of it: equal exactly where keys and values of equal tokens are. */
export function makeNamespace(parts: NamespaceParts): string {
  const { weightsVersion, adapter, cacheSalt = null, frequencies } = parts;
  const here = JSON.stringify([weightsVersion, adapter?.load ?? null]);
  const angles = Buffer.from(frequencies.buffer).toString('base64');
  // JSON has no bare line break: what is after the first is the other part.
  return `${here}\n${JSON.stringify([adapter?.digest ?? null, cacheSalt, angles])}`;
}

/** The part that means the same in other engines with these weights. */
export function originOf(namespace: string): string {
  return namespace.slice(namespace.indexOf('\n') + 1);
}
