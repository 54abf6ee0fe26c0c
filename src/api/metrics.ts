// What /metrics tells Prometheus: gauges read from the engines when asked, histograms filled by what engines report
// while they work. The guide to serving lists the names beside vLLM's.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { EngineObserver, EngineStats } from '../engine/index.ts';
import type { ModelPool } from './model-pool.ts';

// Seconds: from a step of a small model to a prompt that waited for minutes.
const waits = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const gaps = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const rows = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** The metrics of one server. Give each engine the observer of its model, and tell watch() of the pool. */
export class ServerMetrics {
  readonly #registry = new Registry();
  readonly #queue = this.#histogram(
    'corral_queue_time_seconds',
    'From request to first step.',
    waits,
  );
  readonly #firstToken = this.#histogram(
    'corral_time_to_first_token_seconds',
    'From request to first token.',
    waits,
  );
  readonly #gap = this.#histogram(
    'corral_inter_token_latency_seconds',
    'Between two tokens of one answer.',
    gaps,
  );
  readonly #total = this.#histogram(
    'corral_request_duration_seconds',
    'From request to its end.',
    waits,
  );
  readonly #step = this.#histogram('corral_step_duration_seconds', 'One step of a model.', gaps);
  readonly #rows = this.#histogram('corral_step_rows', 'Tokens in one step.', rows);
  readonly #tokens = new Counter({
    name: 'corral_tokens_total',
    help: 'Tokens by kind: prompt (computed), cached (found in the cache), generated.',
    labelNames: ['model', 'kind'],
    registers: [this.#registry],
  });
  readonly #drafted = new Counter({
    name: 'corral_spec_decode_draft_tokens_total',
    help: 'Tokens that were guessed ahead.',
    labelNames: ['model'],
    registers: [this.#registry],
  });
  readonly #accepted = new Counter({
    name: 'corral_spec_decode_accepted_tokens_total',
    help: 'Those of them that were right.',
    labelNames: ['model'],
    registers: [this.#registry],
  });
  readonly #requests = new Counter({
    name: 'corral_requests_total',
    help: 'Requests that ended, by kind and by why they ended.',
    labelNames: ['model', 'kind', 'reason'],
    registers: [this.#registry],
  });

  /** What the engine of this model is to report to. */
  observer(model: string): EngineObserver {
    return {
      onStep: (step) => {
        this.#step.observe({ model }, step.seconds);
        this.#rows.observe({ model }, step.rows);
      },
      onFirstToken: (seconds) => this.#firstToken.observe({ model }, seconds),
      onInterToken: (seconds) => this.#gap.observe({ model }, seconds),
      onEnd: (request) => {
        const { kind, finishReason: reason, promptTokens, cachedTokens } = request;
        this.#queue.observe({ model }, request.queueSeconds);
        this.#total.observe({ model }, request.totalSeconds);
        this.#requests.inc({ model, kind, reason });
        this.#tokens.inc({ model, kind: 'prompt' }, promptTokens - cachedTokens);
        this.#tokens.inc({ model, kind: 'cached' }, cachedTokens);
        this.#tokens.inc({ model, kind: 'generated' }, request.completionTokens);
        this.#drafted.inc({ model }, request.draftedTokens);
        this.#accepted.inc({ model }, request.acceptedTokens);
      },
    };
  }

  /** Reads gauges from the pool's engines at each scrape; models that are not loaded have none. */
  watch(pool: ModelPool): void {
    this.#gauge('corral_requests_running', 'Requests that hold pages.', pool, (s) => s.running);
    this.#gauge('corral_requests_waiting', 'Requests that wait for pages.', pool, (s) => s.waiting);
    this.#gauge('corral_cache_pages', 'Pages of the cache.', pool, (s) => s.pages.total);
    this.#gauge(
      'corral_cache_pages_used',
      'Pages that hold something: in use, or kept for whoever begins alike.',
      pool,
      (s) => s.pages.total - s.pages.free,
    );
  }

  /** All of it in Prometheus' text format 0.0.4, or what is of some models alone. */
  async render(
    models?: readonly string[],
  ): Promise<{ readonly text: string; readonly contentType: string }> {
    const { contentType } = this.#registry;
    const text = await this.#registry.metrics();
    return { text: models === undefined ? text : ofModels(text, models), contentType };
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram<'model'> {
    return new Histogram({
      name,
      help,
      buckets,
      labelNames: ['model'],
      registers: [this.#registry],
    });
  }

  #gauge(name: string, help: string, pool: ModelPool, read: (stats: EngineStats) => number): void {
    new Gauge({
      name,
      help,
      labelNames: ['model'],
      registers: [this.#registry],
      collect(): void {
        this.reset();
        const seen = new Set<unknown>();
        for (const { name: model, model: served } of pool.list()) {
          // Adapters stand on their model's engine: it is read once, under the model's name.
          if (served === undefined || seen.has(served)) continue;
          seen.add(served);
          this.set({ model }, read(served.engine.stats()));
        }
      },
    });
  }
}

/** The samples of these models, and the words about them. */
function ofModels(text: string, models: readonly string[]): string {
  // As the format escapes values of labels.
  const escaped = models.map((model) => model.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n'));
  const labels = escaped.map((model) => `model="${model}"`);
  // Every sample has the label, and `model` is the first of them or comes after a comma.
  const isOne = (line: string): boolean =>
    labels.some((label) => new Set(['{', ',']).has(line[line.indexOf(label) - 1] ?? ''));
  return text
    .split('\n')
    .filter((line) => line === '' || line.startsWith('#') || isOne(line))
    .join('\n');
}
