import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collectEvents, openTinyEngine } from '../../test/open-tiny-engine.ts';
import { tinyCheckpoint } from '../../test/tiny-llama.ts';
import type { Device } from '../device/device.ts';
import { openDevice } from '../device/open.ts';
import type { RequestReport, StepReport } from './observer.ts';

const checkpoint = tinyCheckpoint();

describe('what an engine tells of its work', () => {
  let device: Device;
  beforeAll(() => {
    device = openDevice('reference');
  });
  afterAll(() => device.close());

  it('counts the rows of every step and times every request by the clock it was given', async () => {
    const steps: StepReport[] = [];
    const ends: RequestReport[] = [];
    const first: number[] = [];
    const between: number[] = [];
    // Time passes only when somebody looks: each look is a second later than the last.
    let seconds = 100;
    const engine = await openTinyEngine(device, checkpoint, {
      sequences: 2,
      now: () => seconds++,
      observer: {
        onStep: (step) => steps.push(step),
        onFirstToken: (after) => first.push(after),
        onInterToken: (after) => between.push(after),
        onEnd: (request) => ends.push(request),
      },
    });
    const prompt = [1, 20, 30, 40, 50];
    const request = { prompt, maxTokens: 3, temperature: 0, endTokens: [] };
    const events = await collectEvents(engine.generate(request));
    expect(steps.map(({ rows, promptRows, decodeRows }) => [rows, promptRows, decodeRows])).toEqual(
      [
        [5, 5, 0],
        [1, 0, 1],
        [1, 0, 1],
      ],
    );
    expect(steps.every((step) => step.seconds === 1 && step.sequences === 1)).toBe(true);
    expect(first).toHaveLength(1);
    expect(between).toHaveLength(2);
    expect(ends).toHaveLength(1);
    expect(ends[0]).toMatchObject({
      kind: 'generate',
      priority: 'interactive',
      promptTokens: 5,
      cachedTokens: 0,
      completionTokens: 3,
      finishReason: 'length',
      firstTokenSeconds: first[0],
    });
    const { queueSeconds, totalSeconds } = ends[0] as RequestReport;
    expect(queueSeconds).toBeLessThan(first[0] as number);
    expect(totalSeconds).toBeGreaterThanOrEqual(
      (first[0] ?? 0) + (between[0] ?? 0) + (between[1] ?? 0),
    );
    expect(events.at(-1)).toMatchObject({
      timings: { queueSeconds, firstTokenSeconds: first[0], totalSeconds },
    });
    await engine.score(prompt, { priority: 'batch' });
    expect(ends[1]).toMatchObject({ kind: 'score', priority: 'batch', finishReason: 'stop' });
    expect(ends[1]?.firstTokenSeconds).toBeUndefined();
    await engine.close();
  });

  it('tells of those who leave and those who are stopped, once each', async () => {
    const ends: RequestReport[] = [];
    const engine = await openTinyEngine(device, checkpoint, {
      sequences: 2,
      observer: { onEnd: (request) => ends.push(request) },
    });
    const request = { prompt: [1, 2], temperature: 0, endTokens: [] };
    for await (const event of engine.generate(request)) if (event.type === 'token-delta') break;
    const controller = new AbortController();
    const stopped = engine.score([1, 2, 3], { signal: controller.signal });
    controller.abort();
    await expect(stopped).rejects.toMatchObject({ code: 'CORRAL_ABORTED' });
    expect(ends.map(({ kind, finishReason }) => [kind, finishReason])).toEqual([
      ['generate', 'abort'],
      ['score', 'abort'],
    ]);
    expect(() => engine.generate({ ...request, priority: 'urgent' as 'batch' })).toThrow(
      /priority is urgent; allowed: interactive, batch/,
    );
    await engine.close();
  });

  it('shares the time of each step among its requests by their rows', async () => {
    const reports: RequestReport[] = [];
    const steps: StepReport[] = [];
    let seconds = 0;
    const engine = await openTinyEngine(device, checkpoint, {
      sequences: 2,
      now: () => seconds++,
      observer: { onStep: (step) => steps.push(step) },
    });
    const onEnd = (report: RequestReport): void => void reports.push(report);
    // In one turn: both prompts are rows of the first step, all tokens but the last.
    await Promise.all([
      engine.score([1, 20, 30, 40, 50, 60, 70], { onEnd }),
      engine.score([7, 8, 9], { onEnd }),
    ]);
    expect(steps).toMatchObject([{ rows: 8, seconds: 1 }]);
    expect(reports.map(({ engineSeconds }) => engineSeconds)).toEqual([6 / 8, 2 / 8]);
    await engine.close();
  });

  it('refuses more than may wait with the time after which to ask again', async () => {
    const engine = await openTinyEngine(device, checkpoint, { sequences: 1, maxWaiting: 2 });
    const prompt = Array.from({ length: 100 }, (_, at) => 3 + at);
    const ask = (): Promise<unknown> => engine.score(prompt);
    const asked = await Promise.allSettled([ask(), ask(), ask(), ask(), ask()]);
    const refused = asked.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const each of refused) {
      expect(each).toMatchObject({
        reason: { code: 'CORRAL_ENGINE_BUSY', status: 429, data: { waiting: 2, allowed: 2 } },
      });
      const { data } = (each as { reason: { data: { retrySeconds: number } } }).reason;
      expect(data.retrySeconds).toBeGreaterThanOrEqual(1);
    }
    await ask();
    await expect(openTinyEngine(device, checkpoint, { maxWaiting: -1 })).rejects.toThrow(
      /maxWaiting is -1/,
    );
    await engine.close();
  });
});
