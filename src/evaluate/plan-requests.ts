// Requests as the engine's work: texts encoded, equal work done once, one-token continuations of one
// context together, what shares a beginning side by side, long work first.
import { errors } from '../base/errors.ts';
import { present } from '../base/invariant.ts';
import type { OnProgress } from '../base/progress.ts';
import { Yielder } from '../base/yielder.ts';
import { pageSize } from '../engine/cache.ts';
import type { TokenId } from '../tokenizer/index.ts';
import type { AnswerCost } from './answerer.ts';
import {
  type RequestEncoder,
  type ScoredTokens,
  truncatePrompt,
  unanswerable,
} from './encode-request.ts';
import type { GenerateRequest, ModelRequest, ModelResponse } from './request.ts';

// Work whose first tokens are equal is done side by side.
const sharedTokens = 32;

/** A use of a unit of work: which request it is for. */
export interface Use {
  readonly request: number;
  /** Which window of a rolling request; 0 otherwise. */
  readonly window: number;
  readonly cut: number;
}

/** Scores the end of a text; for a rolling request one of its windows. */
export interface ScoreWork {
  readonly kind: 'score';
  readonly tokens: Int32Array;
  readonly from: number;
  readonly uses: Use[];
}

/** Scores several tokens after one context. */
export interface ChoicesWork {
  readonly kind: 'choices';
  readonly tokens: Int32Array;
  /** Uses of each choice, by its token. */
  readonly choices: Map<TokenId, Use[]>;
}

/** Writes an answer. */
export interface GenerateWork {
  readonly kind: 'generate';
  readonly tokens: Int32Array;
  readonly request: GenerateRequest;
  readonly uses: Use[];
}

/** One thing to ask of the engine. */
export type Work = ScoreWork | ChoicesWork | GenerateWork;

/** Work in its place. */
export interface PlannedWork {
  readonly work: Work;
  /** Tokens computed for it before an answer is written: all that the work before it has not computed. */
  readonly contextTokens: number;
  /** The same with its answer, whose limit stands for its length. */
  readonly expectedTokens: number;
}

/** All work in the order to do it, with what is known of each request beforehand. */
export interface Plan {
  readonly work: readonly PlannedWork[];
  /** Windows of each rolling request, by index of the request: how many must be in before it is answered. */
  readonly windows: ReadonlyMap<number, number>;
  /** Tokens a run would compute that shares nothing, answers of generations not counted. */
  readonly naiveTokens: number;
}

/** How requests are planned. */
export interface PlanOptions {
  readonly encoder: RequestEncoder;
  readonly maxLength: number;
  /** Does the engine compute equal beginnings once? Default true. */
  readonly sharesPrefixes?: boolean;
  readonly signal?: AbortSignal;
  /** Whose request it is, for errors. */
  readonly describe?: (index: number) => string;
  readonly onProgress?: OnProgress;
}

/** Plans. Rejects with ITEM_UNANSWERABLE for what cannot be encoded or does not fit, and ABORTED by the signal. */
export async function planRequests(
  requests: readonly ModelRequest[],
  options: PlanOptions,
): Promise<Plan> {
  const { encoder, maxLength, signal } = options;
  const known = new Map<string, Work>();
  const windows = new Map<number, number>();
  const yielder = new Yielder();
  let naiveTokens = 0;
  const add = (key: string, make: () => Work): Work => {
    const work = known.get(key) ?? make();
    known.set(key, work);
    return work;
  };
  const addScored = ({ tokens, from, cut }: ScoredTokens, request: number, window = 0): void => {
    const use: Use = { request, window, cut };
    naiveTokens += tokens.length - 1;
    if (from === tokens.length - 1) {
      const context = Int32Array.from(tokens.slice(0, -1));
      const work = add(`choices ${keyOf(context)}`, () => ({
        kind: 'choices',
        tokens: context,
        choices: new Map(),
      })) as ChoicesWork;
      const choice = present(tokens[from], 'choice');
      work.choices.set(choice, [...(work.choices.get(choice) ?? []), use]);
      return;
    }
    const all = Int32Array.from(tokens);
    const work = add(`score ${from} ${keyOf(all)}`, () => ({
      kind: 'score',
      tokens: all,
      from,
      uses: [],
    })) as ScoreWork;
    work.uses.push(use);
  };
  const addRequest = (request: ModelRequest, index: number): void => {
    if (request.kind === 'loglikelihood') {
      addScored(encoder.encodePair(request, maxLength), index);
    } else if (request.kind === 'rolling') {
      const parts = encoder.encodeRolling(request.text, maxLength);
      windows.set(index, parts.length);
      for (const [window, part] of parts.entries()) addScored(part, index, window);
    } else {
      const { tokens, cut } = truncatePrompt(encoder.encode(request.context), request, {
        maxLength,
        prefix: () => encoder.prefixToken(),
      });
      naiveTokens += tokens.length;
      const ids = Int32Array.from(tokens);
      const { context: _, ...settings } = request;
      const work = add(`generate ${JSON.stringify(settings)} ${keyOf(ids)}`, () => ({
        kind: 'generate',
        tokens: ids,
        request,
        uses: [],
      })) as GenerateWork;
      work.uses.push({ request: index, window: 0, cut });
    }
  };
  for (const [index, request] of requests.entries()) {
    if (yielder.isDue) {
      const total = requests.length;
      options.onProgress?.({ task: 'Reading the prompts', done: index, total, unit: 'requests' });
      await yielder.turn();
    }
    if (signal?.aborted === true) throw errors.ABORTED({ what: 'Evaluation' });
    try {
      addRequest(request, index);
    } catch (cause) {
      throw unanswerable(cause, options.describe?.(index) ?? `request ${index}`);
    }
  }
  const ordered = await order([...known.values()], yielder);
  return { work: inPlace(ordered, options), windows, naiveTokens };
}

/** The work that is left where some requests have their answers: in the same order, for the open ones only. */
export function remainingWork(
  { work }: Plan,
  isOpen: (request: number) => boolean,
  options: Pick<PlanOptions, 'sharesPrefixes'>,
): PlannedWork[] {
  const open = (uses: readonly Use[]): Use[] => uses.filter(({ request }) => isOpen(request));
  const left = work.flatMap(({ work: each }): Work[] => {
    if (each.kind !== 'choices') {
      const uses = open(each.uses);
      return uses.length === 0 ? [] : [{ ...each, uses }];
    }
    const choices = [...each.choices].map(([token, uses]) => [token, open(uses)] as const);
    const asked = choices.filter(([, uses]) => uses.length > 0);
    return asked.length === 0 ? [] : [{ ...each, choices: new Map(asked) }];
  });
  return inPlace(left, options);
}

function keyOf(tokens: Int32Array): string {
  return Buffer.from(tokens.buffer, tokens.byteOffset, tokens.byteLength).toString('latin1');
}

/** Tokens computed for an answer of so many: its last one is not. */
export function computedOf(writtenTokens: number): number {
  return Math.max(0, writtenTokens - 1);
}

/** What a plan costs whose requests have these answers. */
export function planCost(
  plan: Plan,
  responses: readonly (ModelResponse | undefined)[],
): AnswerCost {
  let { naiveTokens } = plan;
  let plannedTokens = 0;
  for (const { work, contextTokens } of plan.work) {
    plannedTokens += contextTokens;
    if (work.kind !== 'generate') continue;
    const response = responses[present(work.uses[0], 'use').request];
    const written = response?.kind === 'generate' ? computedOf(response.tokens) : 0;
    plannedTokens += written;
    naiveTokens += written * work.uses.length;
  }
  return { plannedTokens, naiveTokens };
}

// Clusters of a common beginning, longest first: memory runs out at once if it does, and the rest goes
// faster than the beginning promised. Inside a cluster by tokens, so that what shares more comes closer.
async function order(work: readonly Work[], yielder: Yielder): Promise<Work[]> {
  const clusters = new Map<string, { readonly key: string; readonly work: Work }[]>();
  for (const each of work) {
    if (yielder.isDue) await yielder.turn();
    const head = keyOf(each.tokens.subarray(0, sharedTokens));
    const cluster = clusters.get(head) ?? [];
    cluster.push({ key: keyOf(each.tokens), work: each });
    clusters.set(head, cluster);
  }
  const longest = (cluster: readonly { readonly work: Work }[]): number =>
    cluster.reduce((most, { work: { tokens } }) => Math.max(most, tokens.length), 0);
  const ordered = [...clusters.values()]
    .map((cluster) => ({ cluster, length: longest(cluster) }))
    .sort((a, b) => b.length - a.length);
  const inOrder: Work[] = [];
  for (const { cluster } of ordered) {
    if (yielder.isDue) await yielder.turn();
    cluster.sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)));
    inOrder.push(...cluster.map(({ work: each }) => each));
  }
  return inOrder;
}

function inPlace(
  work: readonly Work[],
  { sharesPrefixes = true }: Pick<PlanOptions, 'sharesPrefixes'>,
): PlannedWork[] {
  return work.map((each, index) => {
    const shared = sharesPrefixes ? sharedWith(work[index - 1], each) : 0;
    // The last token of a text is scored, not computed; a choice is not among the tokens.
    const contextTokens = each.tokens.length - (each.kind === 'score' ? 1 : 0) - shared;
    const answerTokens = each.kind === 'generate' ? each.request.maxTokens : 0;
    return { work: each, contextTokens, expectedTokens: contextTokens + answerTokens };
  });
}

// Whole pages. In the order of tokens nothing before shares more with a text than its neighbour does.
function sharedWith(before: Work | undefined, work: Work): number {
  const { tokens } = work;
  // What is read must be computed.
  const most = work.kind === 'score' ? work.from - 1 : tokens.length - 1;
  let shared = 0;
  while (before !== undefined && shared < most && tokens[shared] === before.tokens[shared]) {
    shared++;
  }
  return Math.floor(shared / pageSize) * pageSize;
}
