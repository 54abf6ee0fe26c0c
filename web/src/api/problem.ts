// What can go wrong between this page and its server, and what a person can do about it.
import type { Problem } from '../conversation/message.ts';
import { errorBody } from './schemas.ts';

/** A problem, thrown. */
export class RequestProblem extends Error {
  readonly problem: Problem;
  /** When the server said to come back. */
  readonly retryAfterSeconds: number | undefined;

  constructor(problem: Problem, retryAfterSeconds?: number) {
    super(problem.message);
    this.name = 'RequestProblem';
    this.problem = problem;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The connection broke, before or during an answer. */
export function lostConnection(): RequestProblem {
  return new RequestProblem({
    kind: 'lost',
    message: 'The connection to the server was lost.',
    hint: 'What was said is kept. Continue when the server is back.',
  });
}

/** What a refusal says; the server's own words where it has some. */
export async function refusalOf(response: Response): Promise<RequestProblem> {
  const { status } = response;
  const body: unknown = await response.json().catch(() => undefined);
  const parsed = errorBody.safeParse(body);
  const message = parsed.success
    ? parsed.data.error.message
    : `The server answered with status ${status}.`;
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  const retryAfter = Number.isFinite(seconds) ? seconds : undefined;
  return new RequestProblem({ ...kindAndHint(status, retryAfter), message }, retryAfter);
}

/** What an error in the middle of a stream says. */
export function brokenStream(message: string): RequestProblem {
  const hint = 'What was said is kept. Try to continue.';
  return new RequestProblem({ kind: 'refused', message, hint });
}

function kindAndHint(status: number, retryAfter: number | undefined): Omit<Problem, 'message'> {
  if (status === 401) return { kind: 'unauthorised', hint: 'Enter a key that this server knows.' };
  if (status === 403) {
    return { kind: 'unauthorised', hint: 'Choose another model, or enter a key that may use it.' };
  }
  if (status === 429 || status === 503) {
    const wait = retryAfter === undefined ? 'in a moment' : `in ${retryAfter} s`;
    return { kind: 'busy', hint: `Try again ${wait}.` };
  }
  if (status >= 500) return { kind: 'refused', hint: 'The log of the server says more.' };
  return { kind: 'refused', hint: 'Correct the settings or the message, then try again.' };
}
