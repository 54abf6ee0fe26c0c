// The fields of /v1/embeddings.
import { z } from 'zod';
import { docsOf, type Fields } from './fields.ts';

/** Embeddings as asked for. */
export interface EmbeddingRequest {
  readonly model: string;
  readonly input: string | readonly string[] | readonly number[] | readonly (readonly number[])[];
  readonly encoding_format?: 'float' | 'base64' | undefined;
  readonly dimensions?: number | undefined;
  readonly pooling?: 'mean' | 'last' | undefined;
}

const ids = z.array(z.int().min(0)).min(1);

const shapes = {
  honoured: {
    model: z.string().min(1).describe('which of the served models'),
    input: z
      .union([
        z.string().min(1),
        ids,
        z.array(z.string().min(1)).min(1).max(2048),
        z.array(ids).min(1).max(2048),
      ])
      .describe('a text, token ids, or a list of either'),
    encoding_format: z
      .enum(['float', 'base64'])
      .optional()
      .describe('`base64`: little-endian f32; default `float`'),
    dimensions: z.int().min(1).optional().describe('the model’s own number alone'),
  },
  extra: {
    pooling: z
      .enum(['mean', 'last'])
      .optional()
      .describe('`mean` (default) of all tokens’ states, or that of the `last`'),
  },
  accepted: { user: z.string().optional().describe('nobody looks at it') },
} as const;

/** The fields of embeddings. */
export const embeddingFields: Fields<EmbeddingRequest> = {
  schema: z.strictObject({ ...shapes.honoured, ...shapes.extra, ...shapes.accepted }),
  docs: docsOf(shapes),
  refused: {},
};
