// Reads metadata of a GGUF as what they must be: numbers, strings, lists. A value of another kind is
// an error that names the key. Knows nothing of which keys there are.
import { errors } from '../base/errors.ts';
import { type GgufField, isGgufArray } from './gguf-values.ts';

/** Typed look-ups of one file's metadata. Absent keys give undefined. */
export class GgufMetadata {
  readonly #fields: ReadonlyMap<string, GgufField>;
  readonly #path: string;

  constructor(fields: ReadonlyMap<string, GgufField>, path: string) {
    this.#fields = fields;
    this.#path = path;
  }

  string(key: string): string | undefined {
    const value = this.#fields.get(key)?.value;
    if (value === undefined || typeof value === 'string') return value;
    throw this.invalid(key, 'a string', describe(value));
  }

  boolean(key: string): boolean | undefined {
    const value = this.#fields.get(key)?.value;
    if (value === undefined || typeof value === 'boolean') return value;
    throw this.invalid(key, 'true or false', describe(value));
  }

  /** A finite number. A list whose items are all the same counts as that item (per-layer values). */
  number(key: string): number | undefined {
    const value = this.#fields.get(key)?.value;
    if (value === undefined) return undefined;
    const items = isGgufArray(value) ? new Set(value.values()) : new Set([value]);
    const [first] = items;
    if (items.size === 1 && typeof first === 'number' && Number.isFinite(first)) return first;
    throw this.invalid(
      key,
      'one number',
      items.size > 1 ? 'a list of different values' : describe(first),
    );
  }

  /** A whole number from `min` to `max`. */
  integer(
    key: string,
    { min, max }: { readonly min: number; readonly max: number },
  ): number | undefined {
    const value = this.number(key);
    if (value === undefined || (Number.isInteger(value) && value >= min && value <= max))
      return value;
    throw this.invalid(key, `a whole number from ${min} to ${max}`, `${value}`);
  }

  numbers(key: string): readonly number[] | undefined {
    return this.#list(key, 'number') as readonly number[] | undefined;
  }

  strings(key: string): readonly string[] | undefined {
    return this.#list(key, 'string') as readonly string[] | undefined;
  }

  /** Length of a list without reading it. */
  listLength(key: string): number | undefined {
    const value = this.#fields.get(key)?.value;
    return isGgufArray(value) ? value.length : undefined;
  }

  invalid(field: string, expected: string, found: string): Error {
    return errors.CONFIG_INVALID({ path: this.#path, field, expected, found });
  }

  #list(key: string, kind: 'number' | 'string'): readonly unknown[] | undefined {
    const value = this.#fields.get(key)?.value;
    if (value === undefined) return undefined;
    const items = isGgufArray(value) ? value.values() : [value];
    const wrong = items.find((item) => typeof item !== kind);
    if (!isGgufArray(value) || wrong !== undefined) {
      throw this.invalid(key, `a list of ${kind}s`, describe(wrong ?? value));
    }
    return items;
  }
}

function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 60));
  return typeof value === 'object' ? 'a list' : `${value}`;
}
