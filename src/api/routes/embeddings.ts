// POST /v1/embeddings: a vector of length 1 for each text.
import type { Context } from 'hono';
import { errors } from '../../base/errors.ts';
import type { RequestReport } from '../../engine/index.ts';
import type { TokenId, Tokenizer } from '../../tokenizer/index.ts';
import type { ApiParts } from '../api-parts.ts';
import { type EmbeddingRequest, embeddingFields } from '../fields/embedding-fields.ts';
import { parseFields } from '../fields/parse-fields.ts';
import { readJson } from '../read-json.ts';
import type { ApiEnv } from '../request-context.ts';
import { useModel } from '../use-model.ts';

/** Embeds texts. */
export async function embeddings(c: Context<ApiEnv>, parts: ApiParts): Promise<Response> {
  const request = parseFields(await readJson(c, parts.settings), embeddingFields);
  const context = c.var.request;
  using lease = await useModel(request.model, context, parts.models);
  const { engine, tokenizer, config } = lease.model;
  const { dimensions = config.dim, pooling = 'mean', encoding_format: format } = request;
  if (dimensions !== config.dim) {
    const allowed = `${config.dim}, the width of this model`;
    throw errors.FIELD_INVALID({ field: 'dimensions', found: String(dimensions), allowed });
  }
  const inputs = inputsOf(request.input, tokenizer);
  const promptTokens = inputs.reduce((sum, ids) => sum + ids.length, 0);
  const { tenant } = context.caller;
  const abort = new AbortController();
  const signal = AbortSignal.any([abort.signal, context.signal]);
  const used = { promptTokens: 0, cachedTokens: 0, completionTokens: 0, seconds: 0 };
  const onEnd = (report: RequestReport): void => {
    used.promptTokens += report.promptTokens;
    used.cachedTokens += report.cachedTokens;
    used.seconds += report.engineSeconds;
  };
  const meter = context.meter();
  const deadline = setTimeout(() => abort.abort(), context.answerTimeoutMs).unref();
  let outcome: 'whole' | 'failed' = 'failed';
  try {
    const vectors = await Promise.all(
      inputs.map((ids) =>
        engine.embed(ids, {
          pooling,
          signal,
          onEnd,
          ...(tenant === undefined ? {} : { tenant, cacheSalt: tenant }),
          ...(lease.adapter === undefined ? {} : { adapter: lease.adapter }),
        }),
      ),
    );
    outcome = 'whole';
    return c.json({
      object: 'list',
      model: request.model,
      data: vectors.map((vector, index) => ({
        object: 'embedding',
        index,
        embedding: format === 'base64' ? toBase64(vector) : [...vector],
      })),
      usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
    });
  } finally {
    clearTimeout(deadline);
    // Where one text fails, the others need not be computed.
    abort.abort();
    const ended = context.signal.aborted ? 'aborted' : outcome;
    await meter.end({ ...used, model: request.model, outcome: ended });
  }
}

function inputsOf(input: EmbeddingRequest['input'], tokenizer: Tokenizer): readonly TokenId[][] {
  const isOne = typeof input === 'string' || typeof input[0] === 'number';
  const list = (isOne ? [input] : input) as readonly (string | TokenId[])[];
  return list.map((one) =>
    typeof one === 'string' ? tokenizer.encode(one, { bos: tokenizer.addsBos }) : one,
  );
}

function toBase64(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString('base64');
}
