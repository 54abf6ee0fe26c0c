// POST /v1/completions: texts or token ids, continued.
import type { Context } from 'hono';
import { errors } from '../../base/errors.ts';
import type { TokenId, Tokenizer } from '../../tokenizer/index.ts';
import type { ApiParts } from '../api-parts.ts';
import {
  type CompletionReplyOptions,
  completionChunks,
  completionReply,
} from '../completion/completion-format.ts';
import { constraintOf } from '../constraint-of.ts';
import { parseFields } from '../fields/parse-fields.ts';
import { completionFields } from '../fields/text-fields.ts';
import type { CompletionRequest } from '../fields/text-requests.ts';
import { describeSettings, samplingOptions } from '../generate-options.ts';
import type { ModelLease } from '../model-pool.ts';
import { readJson } from '../read-json.ts';
import { checkStream, corralOf, makeHead } from '../reply-options.ts';
import type { ApiEnv, RequestContext } from '../request-context.ts';
import { sendReply } from '../send-reply.ts';
import { type Answer, startAnswer } from '../start-answer.ts';
import { useModel } from '../use-model.ts';

// OpenAI's default.
const defaultMaxTokens = 16;
// Answers to one request, all prompts together.
const maxAnswers = 1024;

/** Continues texts. */
export async function completions(c: Context<ApiEnv>, parts: ApiParts): Promise<Response> {
  const request = parseFields(await readJson(c, parts.settings), completionFields);
  checkTogether(request);
  const lease = await useModel(request.model, c.var.request, parts.models);
  const { answer, options } = await begin(request, lease, { context: c.var.request, parts });
  return sendReply(c, parts, {
    stream: request.stream === true,
    whole: () => completionReply(answer, options),
    texts: () => completionChunks(answer, options),
  });
}

async function begin(
  request: CompletionRequest,
  lease: ModelLease,
  { context, parts }: { readonly context: RequestContext; readonly parts: ApiParts },
): Promise<{ readonly answer: Answer; readonly options: CompletionReplyOptions }> {
  const { tokenizer } = lease.model;
  try {
    const prompts = promptsOf(request.prompt, tokenizer);
    const sampling = samplingOptions(request, lease.model);
    const { n = 1, best_of: candidates = n, max_tokens: maxTokens = defaultMaxTokens } = request;
    checkCount(prompts.length * candidates);
    const constraint = await constraintOf(request, lease.model, undefined);
    // The best of several is told by its log-probabilities.
    const logprobs = request.logprobs ?? (candidates > n ? 0 : undefined);
    const answer = startAnswer(context, {
      lease,
      prompts: prompts.map(({ ids }) => ids),
      choices: candidates,
      options: {
        ...sampling,
        maxTokens,
        start: prompts.every(({ isEmpty }) => isEmpty) ? 'text' : 'continuation',
        ...(logprobs === undefined ? {} : { logprobs }),
        ...(constraint === undefined ? {} : { constraint }),
        ...(request.echo === true && request.logprobs !== undefined
          ? { promptLogprobs: request.logprobs }
          : {}),
      },
    });
    const settings = describeSettings(sampling, { seed: answer.seed, maxTokens });
    const options: CompletionReplyOptions = {
      head: makeHead('cmpl', request.model, parts.version),
      prompts,
      choices: n,
      candidates,
      echo: request.echo === true,
      usageInStream: request.stream_options?.include_usage === true,
      tokenIds: request.return_token_ids === true,
      logprobs: request.logprobs !== undefined,
      tokenizer,
      more: (tally) => corralOf(request, settings, tally),
    };
    return { answer, options };
  } catch (error) {
    lease[Symbol.dispose]();
    throw error;
  }
}

/** A prompt as tokens, and as the text that `echo` repeats. */
export interface Prompt {
  readonly ids: readonly TokenId[];
  /** How many of the ids the server put before the text. */
  readonly added: number;
  /** Nothing but what was added: an answer to it is a text of its own. */
  readonly isEmpty: boolean;
}

function promptsOf(prompt: CompletionRequest['prompt'], tokenizer: Tokenizer): Prompt[] {
  const isOne = typeof prompt === 'string' || typeof prompt[0] === 'number';
  const list = (isOne ? [prompt] : prompt) as readonly (string | readonly number[])[];
  return list.map((one) => {
    if (typeof one !== 'string') return { ids: one, added: 0, isEmpty: false };
    const { bos } = tokenizer;
    const ids = tokenizer.encode(one, { bos: tokenizer.addsBos });
    if (ids.length === 0 && bos !== undefined) return { ids: [bos], added: 1, isEmpty: true };
    const added = tokenizer.addsBos ? 1 : 0;
    return { ids, added, isEmpty: ids.length === added };
  });
}

function checkCount(count: number): void {
  if (count <= maxAnswers) return;
  const allowed = `at most ${maxAnswers} answers, all prompts together`;
  throw errors.FIELD_INVALID({ field: 'prompt', found: `asking for ${count} answers`, allowed });
}

function checkTogether(request: CompletionRequest): void {
  checkStream(request);
  const { n = 1, best_of: candidates = n, stream, echo, max_tokens: most } = request;
  const refuse = (field: string, found: string, allowed: string): never => {
    throw errors.FIELD_INVALID({ field, found, allowed });
  };
  if (candidates < n) refuse('best_of', String(candidates), `at least n, which is ${n}`);
  if (candidates > n && stream === true) {
    refuse('best_of', String(candidates), 'n in a stream: the best is known at the end');
  }
  if (most === 0 && echo !== true) {
    refuse('max_tokens', '0', 'at least 1, or 0 together with echo: true');
  }
}
