// Turns a table of error definitions into functions that make them. One base class, stable codes,
// typed data. Knows nothing of which errors there are: that is errors.ts.

/** One row of an error table: HTTP status, message from typed data, and what to do next. */
export interface ErrorDefinition<Data> {
  readonly status: number;
  readonly message: (data: Data) => string;
  readonly hint: string | ((data: Data) => string);
}

const brand: unique symbol = Symbol.for('corral.error');

/** Every error Corral throws on purpose. `code` is stable, `data` holds the values in the message. */
export class CorralError extends Error {
  readonly code: string;
  readonly status: number;
  readonly data: Readonly<Record<string, unknown>>;
  readonly hint: string;

  constructor(fields: {
    code: string;
    status: number;
    message: string;
    hint: string;
    data: Readonly<Record<string, unknown>>;
    cause?: unknown;
  }) {
    super(fields.message, 'cause' in fields ? { cause: fields.cause } : undefined);
    this.name = 'CorralError';
    this.code = fields.code;
    this.status = fields.status;
    this.data = fields.data;
    this.hint = fields.hint;
  }

  /** True for Corral errors, also those made by a second copy of the package. */
  static isInstance(value: unknown): value is CorralError {
    return value instanceof Error && brand in value;
  }
}

Object.defineProperty(CorralError.prototype, brand, { value: true });

// The table's data types differ per row; `never` is the parameter type all of them accept.
type Table = Readonly<Record<string, ErrorDefinition<never>>>;

/** For each row, a function from its data to the error. */
export type ErrorFactories<T extends Table> = {
  readonly [K in keyof T]: Parameters<T[K]['message']> extends []
    ? () => CorralError
    : (data: Parameters<T[K]['message']>[0], options?: { cause?: unknown }) => CorralError;
};

/**
 * Makes the factories of an error table; codes are `PREFIX_KEY`.
 * @example const errors = defineErrors('CORRAL', { GONE: { status: 410, message: (e: { id: string }) => `${e.id} is gone.`, hint: 'List what is there.' } });
 */
export function defineErrors<T extends Table>(prefix: string, table: T): ErrorFactories<T> {
  const factories: Record<string, unknown> = {};
  for (const [key, row] of Object.entries(table)) {
    const definition = row as ErrorDefinition<Record<string, unknown>>;
    factories[key] = (data: Record<string, unknown> = {}, options?: { cause?: unknown }) => {
      const error = new CorralError({
        code: `${prefix}_${key}`,
        status: definition.status,
        message: definition.message(data),
        hint: typeof definition.hint === 'string' ? definition.hint : definition.hint(data),
        data,
        ...options,
      });
      Error.captureStackTrace(error, factories[key] as () => void);
      return error;
    };
  }
  return factories as ErrorFactories<T>;
}
