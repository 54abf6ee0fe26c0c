// A reply in one piece or as a stream, whichever was asked for.
import type { Context } from 'hono';
import type { ApiParts } from './api-parts.ts';
import { answerError, type ErrorAnswer } from './error-body.ts';
import { eventStream, formatEvent } from './event-stream.ts';
import { logFailure } from './log-failure.ts';
import type { ApiEnv } from './request-context.ts';

/** Both ways to reply; one of them is called. */
export interface Reply {
  readonly stream: boolean;
  whole(): Promise<object>;
  texts(): AsyncIterable<string>;
  /** How an error that comes midway is written; default: OpenAI's way. */
  readonly formatError?: (error: ErrorAnswer) => string;
}

/** Sends the reply. */
export async function sendReply(
  c: Context<ApiEnv>,
  { settings, logger }: ApiParts,
  reply: Reply,
): Promise<Response> {
  if (!reply.stream) return c.json(await reply.whole());
  const { formatError = ({ body }) => formatEvent(body) } = reply;
  return eventStream(reply.texts(), {
    settings,
    outgoing: c.env?.outgoing,
    onError: (error) => {
      const answer = answerError(error);
      if (answer.status >= 500) logFailure(logger, c.var.request, error);
      return formatError(answer);
    },
  });
}
