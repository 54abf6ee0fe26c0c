import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collectEvents, openTinyEngine } from '../../test/open-tiny-engine.ts';
import { tinyCheckpoint } from '../../test/tiny-llama.ts';
import { type Device, deviceNames } from '../device/device.ts';
import { openDevice } from '../device/open.ts';
import type { GenerationEvent } from './generate-job.ts';
import type { GenerateRequest } from './generate-request.ts';

const checkpoint = tinyCheckpoint();

function tokensOf(events: readonly GenerationEvent[]): GenerationEvent[] {
  return events.filter(({ type }) => type === 'token-delta');
}

describe.each(deviceNames)('more requests than pages on %s', (deviceName) => {
  let device: Device;
  beforeAll(() => {
    device = openDevice(deviceName);
  });
  afterAll(() => device.close());

  const requests: GenerateRequest[] = Array.from({ length: 6 }, (_, i) => ({
    prompt: Array.from({ length: 20 + i * 5 }, (__, at) => 3 + ((i * 41 + at * 13) % 280)),
    maxTokens: 40,
    temperature: i % 2,
    seed: i,
    logprobs: 2,
    repetitionPenalty: i === 3 ? 1.2 : 1,
    priority: i === 1 ? 'batch' : 'interactive',
    tenant: `tenant ${i % 2}`,
    endTokens: [],
  }));

  it('gives each the tokens and log-probabilities it gets alone, though it had to stop in between', async () => {
    // 128 tokens are 16 pages; the six requests need up to eleven each.
    const engine = await openTinyEngine(device, checkpoint, { sequences: 1 });
    const alone: GenerationEvent[][] = [];
    for (const request of requests) {
      alone.push(tokensOf(await collectEvents(engine.generate(request))));
    }
    await engine.close();
    let promptRows = 0;
    const crowded = await openTinyEngine(device, checkpoint, {
      sequences: 1,
      sharePrefixes: false,
      observer: {
        onStep: (step) => {
          promptRows += step.promptRows;
        },
      },
    });
    const together = await Promise.all(
      requests.map((request) => collectEvents(crowded.generate(request))),
    );
    expect(together.map(tokensOf)).toEqual(alone);
    for (const events of together) {
      expect(events.at(-1)).toMatchObject({ finishReason: 'length', cachedTokens: 0 });
    }
    // Some were preempted: rows of theirs were computed more than once.
    const prompts = requests.reduce((sum, { prompt }) => sum + prompt.length, 0);
    expect(promptRows).toBeGreaterThan(prompts);
    expect(crowded.stats()).toMatchObject({
      running: 0,
      waiting: 0,
      pages: { total: 16, free: 16 },
    });
    await crowded.close();
  });

  it('gives those who stay the same though others leave in the middle, and has every page back', async () => {
    const engine = await openTinyEngine(device, checkpoint, { sequences: 1 });
    const stay = requests.filter((_, i) => i % 2 === 0);
    const alone: GenerationEvent[][] = [];
    for (const request of stay) alone.push(tokensOf(await collectEvents(engine.generate(request))));
    const leave = async (request: GenerateRequest, after: number): Promise<void> => {
      let tokens = 0;
      for await (const { type } of engine.generate(request)) {
        if (type === 'token-delta' && ++tokens === after) return;
      }
    };
    const stop = async (request: GenerateRequest, after: number): Promise<GenerationEvent[]> => {
      const controller = new AbortController();
      const events: GenerationEvent[] = [];
      for await (const event of engine.generate({ ...request, signal: controller.signal })) {
        events.push(event);
        if (tokensOf(events).length === after) controller.abort();
      }
      return events;
    };
    const [together, stopped] = await Promise.all([
      Promise.all(stay.map((request) => collectEvents(engine.generate(request)))),
      Promise.all(requests.map((request, i) => stop({ ...request, seed: 90 + i }, 5 * i + 1))),
      Promise.all(requests.map((request, i) => leave({ ...request, seed: 50 + i }, 4 * i + 1))),
    ]);
    expect(together.map(tokensOf)).toEqual(alone);
    for (const events of stopped) expect(events.at(-1)).toMatchObject({ finishReason: 'abort' });
    const { pages, running, waiting } = engine.stats();
    expect([pages.free + pages.kept, running, waiting]).toEqual([16, 0, 0]);
    await engine.close();
  });
});
