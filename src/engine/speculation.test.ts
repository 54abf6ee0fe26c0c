import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collectEvents, idsOf, openTinyEngine } from '../../test/open-tiny-engine.ts';
import { tinyCheckpoint, tinyConfig, tinyTokenizer } from '../../test/tiny-llama.ts';
import { random } from '../base/random.ts';
import { type Device, deviceNames } from '../device/device.ts';
import { openDevice } from '../device/open.ts';
import { compileConstraint } from './constraints/compile.ts';
import type { Drafter } from './draft-model.ts';
import type { Engine } from './engine.ts';
import type { EngineOptions } from './engine-options.ts';
import type { GenerationEvent } from './generate-job.ts';
import type { GenerateRequest } from './generate-request.ts';
import type { StepReport } from './observer.ts';

const count = { cpu: 9, reference: 4 } as const;

const checkpoint = tinyCheckpoint(tinyConfig({ context: 160 }), { seed: 7 });
const vocab = checkpoint.config.vocab;

// What an answer says, without the times it took.
function said(events: readonly GenerationEvent[]): unknown[] {
  return events.map((event) => {
    if (event.type !== 'request-end') return { ...event, cachedTokens: 0 };
    const { timings: _, ...rest } = event;
    return { ...rest, cachedTokens: 0 };
  });
}

// Numbers from 0 to `below`, the same for the same place.
function pick(seed: number, place: number, below: number): number {
  return Math.floor(random(seed, 7, place) * below);
}

/** A request whose prompt and answer repeat themselves: few tokens may come, and the prompt has them all. */
function repetitiveRequest(seed: number): GenerateRequest {
  const alphabet = Array.from({ length: 4 }, (_, i) => 262 + pick(seed, i, 20));
  const phrase = Array.from({ length: 3 + pick(seed, 10, 6) }, (_, i) => pick(seed, 20 + i, vocab));
  const prompt = Array.from({ length: 20 }, (_, i) =>
    pick(seed, 40 + i, 3) === 0
      ? (alphabet[pick(seed, 80 + i, 4)] as number)
      : (phrase[i % phrase.length] as number),
  );
  return {
    prompt,
    maxTokens: 25 + pick(seed, 11, 20),
    temperature: [0, 0.3, 1, 1.5][seed % 4] as number,
    topP: seed % 3 === 0 ? 0.9 : 1,
    seed,
    logprobs: seed % 2 === 0 ? 2 : 0,
    endTokens: seed % 5 === 0 ? [alphabet[0] as number] : [],
    logitBias: new Map(seed % 7 === 0 ? [] : alphabet.map((id) => [id, 9] as const)),
    repetitionPenalty: seed % 4 === 1 ? 1.1 : 1,
    frequencyPenalty: seed % 4 === 2 ? 0.3 : 0,
    presencePenalty: seed % 6 === 2 ? 0.5 : 0,
    stop: seed % 9 === 4 ? ['zz', 'ee'] : [],
    priority: seed % 8 === 3 ? 'batch' : 'interactive',
    tenant: `tenant ${seed % 2}`,
  };
}

describe.each(deviceNames)('answers whose tokens are guessed ahead on %s', (deviceName) => {
  let device: Device;
  const steps: StepReport[] = [];
  // By this clock all steps take equally long, so that as much is guessed as can be.
  let at = 0;
  const onStep = (step: StepReport): void => {
    at++;
    steps.push(step);
  };
  const open = (options: Partial<EngineOptions>): Promise<Engine> =>
    openTinyEngine(device, checkpoint, { now: () => at, observer: { onStep }, ...options });
  const answerEach = async (
    engine: Engine,
    requests: readonly GenerateRequest[],
  ): Promise<unknown[][]> => {
    const answers: unknown[][] = [];
    for (const request of requests)
      answers.push(said(await collectEvents(engine.generate(request))));
    return answers;
  };
  const drafted = (): number => steps.reduce((sum, { draftRows }) => sum + draftRows, 0);
  beforeAll(() => {
    device = openDevice(deviceName, { threads: 1 });
  });
  afterAll(() => device.close());

  it('are the same to the last digit, whatever is asked', async () => {
    const requests = Array.from({ length: count[deviceName] }, (_, seed) =>
      repetitiveRequest(seed),
    );
    const plain = await open({});
    const expected = await answerEach(plain, requests);
    expect(drafted()).toBe(0);
    await plain.close();
    const engine = await open({ speculate: 'lookup' });
    steps.length = 0;
    expect(await answerEach(engine, requests)).toEqual(expected);
    expect(drafted()).toBeGreaterThan(4 * requests.length);
    // What was guessed wrongly has left nothing behind: the same again, now from shared pages.
    expect(await answerEach(engine, requests)).toEqual(expected);
    const together = await Promise.all(
      requests.map((request) => collectEvents(engine.generate(request))),
    );
    expect(together.map(said)).toEqual(expected);
    const { pages } = engine.stats();
    expect(pages.free + pages.kept).toBe(pages.total);
    await engine.close();
  });

  it('take fewer steps, and tell how many guesses were right', async () => {
    const engine = await open({ speculate: 'lookup' });
    const request = { prompt: [5, 6, 7, 8, 5, 6], maxTokens: 60, temperature: 0, endTokens: [] };
    // The same two tokens over and over.
    const logitBias = new Map([[40, 50]]);
    steps.length = 0;
    const events = await collectEvents(engine.generate({ ...request, logitBias }));
    expect(idsOf(events)).toEqual(Array(60).fill(40));
    expect(steps.length).toBeLessThan(12);
    const end = events.at(-1);
    const { draftedTokens = 0, acceptedTokens = 0 } =
      end?.type === 'request-end' ? end.timings : {};
    expect(draftedTokens).toBe(drafted());
    // Each step brings one token of its own; all others were guessed.
    expect(acceptedTokens).toBe(60 - steps.length);
    steps.length = 0;
    await collectEvents(engine.generate({ ...request, logitBias, speculate: 'off' }));
    expect([steps.length, drafted()]).toEqual([60, 0]);
    await engine.close();
  });

  it('obey constraints, and are not longer than allowed', async () => {
    const tokenizer = tinyTokenizer(vocab);
    const constraint = await compileConstraint(
      { kind: 'regex', pattern: '(the( cat| dog)(, )?){2,9}\\.' },
      tokenizer,
    );
    const requests = Array.from({ length: 3 }, (_, seed) => ({
      ...repetitiveRequest(seed),
      prompt: tokenizer.encode('the cat, the dog, the cat, the dog, '),
      constraint,
      logitBias: new Map(),
      maxTokens: 40 + 9 * seed,
      endTokens: [2],
    }));
    const plain = await open({});
    const expected = await answerEach(plain, requests);
    await plain.close();
    const engine = await open({ speculate: 'lookup' });
    steps.length = 0;
    expect(await answerEach(engine, requests)).toEqual(expected);
    expect(drafted()).toBeGreaterThan(10);
    await engine.close();
  });

  it('are the same though they had to stop and start again for want of pages', async () => {
    const requests = Array.from({ length: 5 }, (_, seed) => repetitiveRequest(seed + 1));
    const plain = await open({});
    const expected = await answerEach(plain, requests);
    await plain.close();
    // 160 tokens are 20 pages; five requests need up to nine each.
    const crowded = await open({ speculate: 'lookup', sequences: 1 });
    steps.length = 0;
    const together = await Promise.all(
      requests.map((request) => collectEvents(crowded.generate(request))),
    );
    expect(together.map(said)).toEqual(expected);
    expect(drafted()).toBeGreaterThan(0);
    const { pages } = crowded.stats();
    expect(pages.free + pages.kept).toBe(20);
    await crowded.close();
  });

  it('leave every page behind when they end in the middle', async () => {
    const engine = await open({ speculate: 'lookup' });
    const leave = async (seed: number): Promise<void> => {
      let tokens = 0;
      for await (const { type } of engine.generate(repetitiveRequest(seed))) {
        if (type === 'token-delta' && ++tokens > 2 * seed) return;
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, seed) => leave(seed)));
    const { pages, running } = engine.stats();
    expect([pages.free + pages.kept, running]).toEqual([pages.total, 0]);
    await engine.close();
  });

  it('are all foreseen by the same model, and the same under the guesses of another', async () => {
    const requests = [1, 2, 4].map((seed) => ({
      ...repetitiveRequest(seed),
      endTokens: [],
      stop: [],
      frequencyPenalty: 0,
      presencePenalty: 0,
    }));
    const plain = await open({});
    const expected = await answerEach(plain, requests);
    // It draws with the same random numbers: a guess is wrong only if it comes too late to count.
    const engine = await open({ speculate: 'draft', drafter: plain });
    for (const [index, request] of requests.entries()) {
      const events = await collectEvents(engine.generate(request));
      expect(said(events)).toEqual(expected[index]);
      const end = events.at(-1);
      const timings = end?.type === 'request-end' ? end.timings : undefined;
      expect(timings?.draftedTokens).toBeGreaterThan(0);
      expect(timings?.acceptedTokens).toBe(timings?.draftedTokens);
    }
    await engine.close();
    // Half the size, a smaller vocabulary and a context that the answers outgrow.
    const other = tinyCheckpoint(tinyConfig({ layers: 1, vocab: 280, context: 50 }), { seed: 3 });
    const stranger = await openTinyEngine(device, other);
    const misled = await open({ speculate: 'draft', drafter: stranger, sequences: 1 });
    const together = await Promise.all(
      requests.map((request) => collectEvents(misled.generate(request))),
    );
    expect(together.map(said)).toEqual(expected);
    const ends = together.map((events) => events.at(-1));
    expect(ends.some((end) => end?.type === 'request-end' && end.timings.draftedTokens > 0)).toBe(
      true,
    );
    for (const each of [misled, stranger, plain]) {
      const { pages, running } = each.stats();
      expect([pages.free + pages.kept, running]).toEqual([pages.total, 0]);
      await each.close();
    }
  });

  it('go on when whoever guesses fails', async () => {
    const failing: Drafter = {
      context: 99,
      config: { vocab },
      generate: () => {
        throw new Error('no memory');
      },
    };
    const engine = await open({ speculate: 'draft', drafter: failing });
    const events = await collectEvents(engine.generate(repetitiveRequest(0)));
    expect(events.at(-1)).toMatchObject({ timings: { draftedTokens: 0 } });
    await engine.close();
  });

  it('refuse a way of guessing that there is not', async () => {
    const engine = await open({});
    expect(() => engine.generate({ prompt: [1], speculate: 'magic' as 'off' })).toThrow(
      'speculate is magic; allowed: off, lookup, draft',
    );
    expect(() => engine.generate({ prompt: [1], speculate: 'draft' })).toThrow(
      'speculate is draft; allowed: off, lookup; draft only of a model that was opened with another',
    );
    await engine.close();
  });
});
