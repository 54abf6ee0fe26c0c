// What the server sends, as far as this page reads it. More fields are let pass: the server may know more.
import * as z from 'zod/mini';

// Compiled checks need `new Function`, which the page's content security policy refuses.
z.config({ jitless: true });

const bytes = z.nullish(z.array(z.number()));
const entry = { token: z.string(), logprob: z.number(), bytes };

const tokenEntry = z.object({ ...entry, top_logprobs: z.optional(z.array(z.object(entry))) });

/** A token with its log-probability and its rivals. */
export type TokenEntry = z.infer<typeof tokenEntry>;

const timings = z.object({
  prompt_ms: z.optional(z.number()),
  predicted_per_second: z.optional(z.number()),
});

/** One chunk of a streamed answer. */
export const chatChunk = z.object({
  error: z.optional(z.object({ message: z.string(), code: z.nullish(z.string()) })),
  choices: z.optional(
    z.array(
      z.object({
        delta: z.optional(z.object({ content: z.nullish(z.string()) })),
        logprobs: z.nullish(z.object({ content: z.nullish(z.array(tokenEntry)) })),
        finish_reason: z.nullish(z.string()),
      }),
    ),
  ),
  usage: z.nullish(
    z.object({
      prompt_tokens: z.number(),
      completion_tokens: z.number(),
      prompt_tokens_details: z.nullish(z.object({ cached_tokens: z.nullish(z.number()) })),
    }),
  ),
  corral: z.nullish(z.object({ timings: z.optional(timings) })),
});

/** A chunk, read. */
export type ChatChunk = z.infer<typeof chatChunk>;

const model = z.object({
  id: z.string(),
  /** Set for adapters: the model they belong to. */
  parent: z.nullish(z.string()),
  max_model_len: z.optional(z.number()),
  chat: z.optional(z.boolean()),
  state: z.optional(z.string()),
});

/** A model or adapter that can be asked. */
export type ServedModel = z.infer<typeof model>;

/** The list of them. */
export const modelList = z.object({ data: z.array(model) });

/** A refusal. */
export const errorBody = z.object({
  error: z.object({ message: z.string(), code: z.nullish(z.string()) }),
});
