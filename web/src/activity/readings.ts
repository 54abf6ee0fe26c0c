// From two readings of /metrics to what the activity page shows. Metrics are looked for by their names; one that a server
// does not have is absent, never zero.
import { bucketsOf, bucketsSince, quantileOf, type Sample, sumOf } from './prometheus.ts';

/** One reading of /metrics. */
export interface Reading {
  readonly samples: readonly Sample[];
  /** Milliseconds, rising. */
  readonly at: number;
}

/** What the page shows at one moment. */
export interface Activity {
  readonly running?: number | undefined;
  readonly waiting?: number | undefined;
  /** Tokens of answers per second. */
  readonly generated?: number | undefined;
  /** Tokens of prompts per second. */
  readonly read?: number | undefined;
  /** Rows in an average step. */
  readonly batch?: number | undefined;
  /** Share of the cache's pages that hold something, 0 to 1. */
  readonly cacheUsed?: number | undefined;
  /** Share of prompt tokens that were in the cache, 0 to 1; since the server started while nothing comes. */
  readonly cacheHits?: number | undefined;
  /** Seconds: median, and what 19 of 20 stay below. */
  readonly firstToken?: Spread | undefined;
  readonly betweenTokens?: Spread | undefined;
  readonly queued?: Spread | undefined;
}

/** Where the middle and the slow end of a time lie, in seconds. */
export interface Spread {
  readonly median: number;
  readonly p95: number;
}

/** Names of the metrics that are read. */
export const metricNames = {
  running: 'corral_requests_running',
  waiting: 'corral_requests_waiting',
  tokens: 'corral_tokens_total',
  batch: 'corral_step_rows',
  pages: 'corral_cache_pages',
  pagesUsed: 'corral_cache_pages_used',
  firstToken: 'corral_time_to_first_token_seconds',
  betweenTokens: 'corral_inter_token_latency_seconds',
  queued: 'corral_queue_time_seconds',
} as const;

/** What happened between two readings. */
export function activityBetween(before: Reading, now: Reading): Activity {
  const seconds = (now.at - before.at) / 1000;
  const rate = (kind: string): number | undefined => {
    const [later, earlier] = [tokensOf(now, kind), tokensOf(before, kind)];
    // A counter that fell belongs to a server that was started again.
    if (later === undefined || earlier === undefined || later < earlier) return undefined;
    return (later - earlier) / seconds;
  };
  const [pages, used] = [gauge(now, 'pages'), gauge(now, 'pagesUsed')];
  return {
    running: gauge(now, 'running'),
    waiting: gauge(now, 'waiting'),
    generated: rate('generated'),
    read: rate('prompt'),
    batch: meanBetween(before, now, metricNames.batch),
    cacheUsed: pages === undefined || used === undefined || pages === 0 ? undefined : used / pages,
    cacheHits: cacheHits(before, now),
    firstToken: spreadOf(before, now, metricNames.firstToken),
    betweenTokens: spreadOf(before, now, metricNames.betweenTokens),
    queued: spreadOf(before, now, metricNames.queued),
  };
}

function gauge({ samples }: Reading, name: keyof typeof metricNames): number | undefined {
  return sumOf(samples, metricNames[name]);
}

function tokensOf({ samples }: Reading, kind: string): number | undefined {
  const ofKind = samples.filter(({ labels }) => labels['kind'] === kind);
  return sumOf(ofKind, metricNames.tokens);
}

function cacheHits(before: Reading, now: Reading): number | undefined {
  const share = (from: Reading | undefined): number | undefined => {
    const since = (kind: string): number =>
      (tokensOf(now, kind) ?? 0) - (from === undefined ? 0 : (tokensOf(from, kind) ?? 0));
    const [cached, computed] = [since('cached'), since('prompt')];
    return cached + computed > 0 ? cached / (cached + computed) : undefined;
  };
  return share(before) ?? share(undefined);
}

function meanBetween(before: Reading, now: Reading, name: string): number | undefined {
  const since = (suffix: string): number =>
    (sumOf(now.samples, `${name}_${suffix}`) ?? 0) -
    (sumOf(before.samples, `${name}_${suffix}`) ?? 0);
  const count = since('count');
  return count > 0 ? since('sum') / count : undefined;
}

function spreadOf(before: Reading, now: Reading, name: string): Spread | undefined {
  const all = bucketsOf(now.samples, name);
  const fresh = bucketsSince(all, bucketsOf(before.samples, name));
  // Where nothing new came, what came since the server started.
  const buckets = quantileOf(fresh, 0.5) === undefined ? all : fresh;
  const [median, p95] = [quantileOf(buckets, 0.5), quantileOf(buckets, 0.95)];
  return median === undefined || p95 === undefined ? undefined : { median, p95 };
}
