// What a route knows of its fields: the schema that checks them, and what the documentation says of each.
import type { z } from 'zod';

/** Why a field is taken: for what OpenAI says it does, for what other servers do, or without effect. */
export type FieldKind = 'honoured' | 'extra' | 'accepted';

/** One field, for the documentation. */
export interface FieldDoc {
  readonly name: string;
  readonly kind: FieldKind;
  readonly text: string;
}

/** The fields of one route. */
export interface Fields<Request> {
  readonly schema: z.ZodType<Request>;
  /** Every field the schema knows. */
  readonly docs: readonly FieldDoc[];
  /** Known to OpenAI's schema and not supported, with the reason. */
  readonly refused: Readonly<Record<string, string>>;
}

/** The documentation of fields, from their schemas' own words. */
export function docsOf(shapes: Readonly<Record<FieldKind, z.core.$ZodLooseShape>>): FieldDoc[] {
  return Object.entries(shapes).flatMap(([kind, shape]) =>
    Object.entries(shape).map(([name, schema]) => ({
      name,
      kind: kind as FieldKind,
      text: (schema as z.ZodType).description ?? '',
    })),
  );
}
