// GET /v1/usage: what the caller's own key has used, in OpenAI's shape of usage: a bucket for each day, in it a result for
// each model. Callers without a key see what callers without a key used.
import type { Context } from 'hono';
import { z } from 'zod';
import { errors } from '../../base/errors.ts';
import type { ApiParts } from '../api-parts.ts';
import { docsOf, type Fields } from '../fields/fields.ts';
import { parseFields } from '../fields/parse-fields.ts';
import type { UsageDay } from '../keys/usage-store.ts';
import type { ApiEnv } from '../request-context.ts';

const dayMs = 86_400_000;
const defaultDays = 30;
// A year and a day: what one reply may hold.
const maxDays = 366;

const time = (): z.ZodOptional<z.ZodString> =>
  z
    .string()
    .regex(/^\d{1,11}$/, 'seconds since 1970')
    .optional();

const shape = {
  start_time: time().describe('seconds since 1970; the day it lies in is the first'),
  end_time: time().describe('seconds since 1970, beyond the last day’s begin; default: now'),
  bucket_width: z.literal('1d').optional().describe('days of UTC are what there is'),
  models: z.string().min(1).optional().describe('of these models alone, by commas'),
  key: z.string().min(1).optional().describe('the caller’s own, by its id'),
} as const;

interface UsageRequest {
  readonly start_time?: string | undefined;
  readonly end_time?: string | undefined;
  readonly bucket_width?: '1d' | undefined;
  readonly models?: string | undefined;
  readonly key?: string | undefined;
}

/** The parameters of /v1/usage. */
export const usageFields: Fields<UsageRequest> = {
  schema: z.strictObject(shape),
  docs: docsOf({ honoured: shape, extra: {}, accepted: {} }),
  refused: {},
};

/** Tells what was used. Throws KEY_FORBIDDEN where another key is asked about. */
export async function usage(c: Context<ApiEnv>, { readUsage }: ApiParts): Promise<Response> {
  if (readUsage === undefined) throw errors.ROUTE_UNKNOWN({ method: 'GET', path: '/v1/usage' });
  const { caller } = c.var.request;
  const query = parseFields(readQuery(c), usageFields);
  if (query.key !== undefined && query.key !== caller.key) {
    throw errors.KEY_FORBIDDEN({ reason: 'a key sees its own usage alone' });
  }
  const { from, to } = readDays(query);
  const days = await readUsage({
    from,
    to,
    keys: [caller.key ?? ''],
    ...(query.models === undefined ? {} : { models: query.models.split(',') }),
  });
  const data = Map.groupBy(days, ({ day }) => day);
  return c.json({
    object: 'page',
    data: Array.from(data, ([day, results]) => ({
      object: 'bucket',
      start_time: secondsOf(day),
      end_time: secondsOf(day) + dayMs / 1000,
      results: results.map(describeUse),
    })),
    has_more: false,
    next_page: null,
  });
}

/** Parameters by name. Throws FIELD_INVALID for one that comes twice. */
function readQuery(c: Context<ApiEnv>): Record<string, string> {
  const query: Record<string, string> = {};
  for (const [name, values] of Object.entries(c.req.queries())) {
    // OpenAI's client writes lists as models[]=a&models[]=b.
    const field = name.replace(/\[\]$/, '');
    if (values.length > 1 && field !== 'models') {
      const found = `there ${values.length} times`;
      throw errors.FIELD_INVALID({ field, found, allowed: 'one value' });
    }
    query[field] = values.join(',');
  }
  return query;
}

function readDays(query: UsageRequest): {
  readonly from: string;
  readonly to: string;
} {
  const end = query.end_time === undefined ? Date.now() : Number(query.end_time) * 1000 - 1;
  const start =
    query.start_time === undefined
      ? end - (defaultDays - 1) * dayMs
      : Number(query.start_time) * 1000;
  const count = Math.floor(end / dayMs) - Math.floor(start / dayMs) + 1;
  if (count < 1 || count > maxDays) {
    const allowed = `a time from which it is 1 to ${maxDays} days to end_time`;
    const found = query.start_time ?? 'missing';
    throw errors.FIELD_INVALID({ field: 'start_time', found, allowed });
  }
  return { from: dayOf(start), to: dayOf(end) };
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function secondsOf(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) / 1000;
}

// Names above `aborted_requests` are those of OpenAI's organization.usage.completions.result.
function describeUse(use: UsageDay): object {
  return {
    object: 'corral.usage.result',
    model: use.model,
    api_key_id: use.key === '' ? null : use.key,
    num_model_requests: use.answers,
    input_tokens: use.promptTokens,
    input_cached_tokens: use.cachedTokens,
    output_tokens: use.completionTokens,
    aborted_requests: use.aborted,
    failed_requests: use.failed,
    engine_seconds: use.seconds,
  };
}
