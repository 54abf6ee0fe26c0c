import { expect, it } from 'vitest';
import { startTinyServer } from '../../test/tiny-server.ts';
import { ServerMetrics } from './metrics.ts';

/** The values of a text format page, by name and labels as they are written. */
function readValues(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

it('counts the tokens, times and pages of answers by model', async () => {
  const metrics = new ServerMetrics();
  await using tiny = await startTinyServer({
    api: { metrics },
    load: { observer: metrics.observer('tiny') },
  });
  const ask = async (): Promise<{ prompt_tokens: number; completion_tokens: number }> => {
    const body = { model: 'tiny', prompt: 'the cat was in the hat', max_tokens: 5, seed: 1 };
    const response = await fetch(`${tiny.server.url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return ((await response.json()) as { usage: never }).usage;
  };
  const usages = [await ask(), await ask()];
  const sum = (field: 'prompt_tokens' | 'completion_tokens'): number =>
    usages.reduce((total, usage) => total + usage[field], 0);

  const response = await fetch(`${tiny.server.url}/metrics`);
  expect(response.headers.get('content-type')).toContain('version=0.0.4');
  const values = readValues(await response.text());
  const of = (name: string, labels = 'model="tiny"'): number | undefined =>
    values.get(`${name}{${labels}}`);
  const tokens = (kind: string): number =>
    of('corral_tokens_total', `model="tiny",kind="${kind}"`) ?? 0;
  expect(tokens('generated')).toBe(sum('completion_tokens'));
  expect(tokens('prompt') + tokens('cached')).toBe(sum('prompt_tokens'));
  expect(tokens('cached')).toBeGreaterThan(0);
  expect(of('corral_time_to_first_token_seconds_count')).toBe(2);
  expect(of('corral_inter_token_latency_seconds_count')).toBe(sum('completion_tokens') - 2);
  expect(of('corral_spec_decode_draft_tokens_total')).toBe(0);
  expect(of('corral_queue_time_seconds_count')).toBe(2);
  expect(of('corral_requests_running')).toBe(0);
  expect(of('corral_requests_waiting')).toBe(0);
  expect(of('corral_cache_pages')).toBeGreaterThan(of('corral_cache_pages_used') as number);
  // What the first request read is kept for whoever begins alike.
  expect(of('corral_cache_pages_used')).toBeGreaterThan(0);
});

it('has no gauges of models that are not loaded', async () => {
  const metrics = new ServerMetrics();
  await using tiny = await startTinyServer({ api: { metrics } });
  const text = await (await fetch(`${tiny.server.url}/metrics`)).text();
  expect([...readValues(text).keys()].filter((name) => name.includes('pages'))).toEqual([]);
  await tiny.model();
  const loaded = await (await fetch(`${tiny.server.url}/metrics`)).text();
  expect(readValues(loaded).has('corral_cache_pages{model="tiny"}')).toBe(true);
});

it('guesses ahead as it was told, and counts and reports the guesses', async () => {
  const metrics = new ServerMetrics();
  await using tiny = await startTinyServer({
    api: { metrics },
    load: { observer: metrics.observer('tiny'), speculate: 'lookup' },
  });
  const body = {
    model: 'tiny',
    prompt: 'the cat in the cat in the cat',
    max_tokens: 60,
    temperature: 0,
    // One token over and over: sooner or later several are guessed at once.
    logit_bias: { 265: 50 },
    corral: { timings: true },
  };
  const response = await fetch(`${tiny.server.url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const { corral } = (await response.json()) as {
    corral: { timings: { draft_n: number; draft_n_accepted: number } };
  };
  const { draft_n: drafted, draft_n_accepted: accepted } = corral.timings;
  expect(drafted).toBeGreaterThan(0);
  expect(accepted).toBeGreaterThan(0);
  const text = await (await fetch(`${tiny.server.url}/metrics`)).text();
  const values = readValues(text);
  const of = (name: string): number | undefined => values.get(`${name}{model="tiny"}`);
  expect(of('corral_spec_decode_draft_tokens_total')).toBe(drafted);
  expect(of('corral_spec_decode_accepted_tokens_total')).toBe(accepted);
});
