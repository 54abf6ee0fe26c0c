// For our own bugs. What a user can cause is an error of the table in errors.ts instead.

/** Throws when a condition that Corral itself must keep does not hold. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Corral bug: ${message}`);
}

/** The value, when it is there; a Corral bug otherwise. */
export function present<T>(value: T | undefined | null, what: string): T {
  invariant(value !== undefined && value !== null, `${what} is missing`);
  return value;
}
