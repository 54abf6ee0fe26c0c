// From tokens to batches: what every epoch holds, what bins look like, where windows lie. Sequences are
// made up so that each token says where it comes from.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Batch, BatchSource, Example } from '../batch.ts';
import { exampleSource, packedSource } from './example-source.ts';
import { layOut } from './lay-out.ts';
import { packBins } from './pack.ts';
import { shuffled } from './shuffle.ts';
import { openTokenFile, type TokenFile, writeTokenFile } from './token-file.ts';
import { type SequenceOptions, selectSequences, type TokenSource } from './token-set.ts';
import { consecutiveWindows, randomWindows } from './window-source.ts';

let folder: string;
let files = 0;
const opened: TokenFile[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'corral-batches-'));
});

afterAll(async () => {
  for (const file of opened) await file.close();
  rmSync(folder, { recursive: true, force: true });
});

async function sourceOf(
  examples: readonly Example[],
  { isText = false, repeat = 1 }: { readonly isText?: boolean; readonly repeat?: number } = {},
): Promise<TokenSource> {
  const path = join(folder, `${files++}.tokens`);
  await writeTokenFile(path, {
    vocab: 2 ** 20,
    fill: async (sink) => {
      for (const example of examples) await sink.add(example, { closes: true, isText });
    },
  });
  const file = await openTokenFile(path);
  opened.push(file);
  return { path, file, repeat };
}

/** Example e has the tokens 1000e, 1000e + 1, …; `learn` defaults to all but the first. */
function numbered(index: number, length: number, learn?: readonly number[]): Example {
  return {
    tokens: Int32Array.from({ length }, (_, at) => index * 1000 + at),
    learn: Uint8Array.from({ length }, (_, at) => learn?.[at] ?? (at === 0 ? 0 : 1)),
  };
}

const all = {
  context: 16,
  overlong: 'auto',
  part: { of: 'all' },
  repeats: true,
} as const satisfies SequenceOptions;

function epochOf(source: BatchSource, epoch: number): Batch[] {
  const steps = source.stepsPerEpoch as number;
  return Array.from({ length: steps }, (_, at) => source.step(epoch * steps + at)).flat();
}

function targetsOf(batches: readonly Batch[]): number[] {
  return batches.flatMap(({ targets }) => [...targets]).sort((a, b) => a - b);
}

/** Everything a batch promises: starts and positions agree, rows follow each other, targets come next. */
function checkBatch({ tokens, positions, starts, outputs, targets }: Batch): void {
  for (const [row, start] of starts.entries()) {
    expect(positions[row]).toBe(row - start);
    if (positions[row] !== 0) {
      expect(tokens[row]).toBe((tokens[row - 1] as number) + 1);
      expect(start).toBe(starts[row - 1]);
    }
  }
  for (const [at, row] of outputs.entries()) {
    expect(targets[at]).toBe((tokens[row] as number) + 1);
    if (at > 0) expect(row).toBeGreaterThan(outputs[at - 1] as number);
  }
}

describe('laying out', () => {
  it('puts sequences end to end, and asks for those rows whose next token is learned', () => {
    const sequences = [numbered(1, 4, [0, 0, 1, 1]), numbered(2, 3)];
    expect(layOut(sequences)).toEqual({
      tokens: Int32Array.of(1000, 1001, 1002, 2000, 2001),
      positions: Int32Array.of(0, 1, 2, 0, 1),
      starts: Int32Array.of(0, 0, 0, 3, 3),
      outputs: Int32Array.of(1, 2, 3, 4),
      targets: Int32Array.of(1002, 1003, 2001, 2002),
    });
  });
});

describe('packing', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 300 });

  it('puts every example into one bin, and no bin over its limit', () => {
    fc.assert(
      fc.property(lengths, fc.option(fc.nat(), { nil: undefined }), (list, seed) => {
        const sizes = Int32Array.from(list);
        const { count, items, starts } = packBins(sizes, { capacity: 50, seed });
        expect([...items].sort((a, b) => a - b)).toEqual([...sizes.keys()]);
        expect(starts).toHaveLength(count + 1);
        for (let bin = 0; bin < count; bin++) {
          const own = items.subarray(starts[bin], starts[bin + 1]);
          expect(own.length).toBeGreaterThan(0);
          const rows = own.reduce((sum, item) => sum + (sizes[item] as number), 0);
          expect(rows).toBeLessThanOrEqual(50);
        }
        // best-fit decreasing needs at most 11/9 of the best plus four bins (Johnson 1973)
        const total = list.reduce((sum, length) => sum + length, 0);
        const longs = list.filter((length) => length > 25).length;
        const least = Math.max(Math.ceil(total / 50), longs);
        expect(count).toBeLessThanOrEqual((least * 11) / 9 + longs / 2 + 4);
      }),
    );
  });

  it('puts each into the fullest bin with room, long ones first', () => {
    const { items, starts } = packBins(Int32Array.of(2, 7, 5, 3, 3), {
      capacity: 10,
      seed: undefined,
    });
    // 7; 5 → new bin; 3 → beside 7 (room 3 < 5); 3 → beside 5; 2 → beside 5 and 3
    expect([[...items], [...starts]]).toEqual([
      [1, 3, 2, 4, 0],
      [0, 2, 5],
    ]);
  });

  it('orders as a function of seed, use and epoch', () => {
    const order = (seed: number, epoch: number): number[] => [
      ...shuffled(100, { seed, use: 'epoch', epoch }),
    ];
    expect(order(1, 0)).toEqual(order(1, 0));
    expect(order(1, 0)).not.toEqual(order(1, 1));
    expect(order(1, 0)).not.toEqual(order(2, 0));
    expect([...order(3, 4)].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 100 }, (_, i) => i),
    );
  });
});

describe('a source of examples', () => {
  const cases = fc.record({
    lengths: fc.array(fc.integer({ min: 2, max: 40 }), { minLength: 1, maxLength: 60 }),
    context: fc.integer({ min: 4, max: 24 }),
    batch: fc.integer({ min: 1, max: 5 }),
    microRows: fc.integer({ min: 1, max: 60 }),
    seed: fc.nat(),
    kind: fc.constantFrom('packed', 'examples', 'bucketing'),
  });

  it('gives every token exactly once per epoch, whatever the layout, in batches that keep their promises', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ lengths, kind, ...options }) => {
        const examples = lengths.map((length, at) => numbered(at + 1, length));
        const source = await sourceOf(examples, { isText: true });
        const set = selectSequences([source], { ...all, context: options.context });
        const bucketing = kind === 'bucketing';
        const batches =
          kind === 'packed'
            ? packedSource(set, { ...options, hash: '' }).source
            : exampleSource(set, { ...options, bucketing, hash: '' });
        const expected = examples.flatMap(({ tokens }) => [...tokens.subarray(1)]);
        for (const epoch of [0, 1]) {
          const epochBatches = epochOf(batches, epoch);
          expect(targetsOf(epochBatches)).toEqual(expected);
          for (const batch of epochBatches) {
            checkBatch(batch);
            expect(batch.tokens.length).toBeLessThanOrEqual(
              Math.max(options.microRows, options.context),
            );
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('gives the same step again, in a source made anew as well', async () => {
    const examples = Array.from({ length: 40 }, (_, at) => numbered(at + 1, 2 + ((at * 7) % 15)));
    const source = await sourceOf(examples);
    const make = (seed: number): BatchSource =>
      packedSource(selectSequences([source], all), {
        context: 16,
        batch: 3,
        microRows: 32,
        seed,
        hash: '',
      }).source;
    const [one, two, other] = [make(5), make(5), make(6)];
    const steps = one.stepsPerEpoch as number;
    for (const step of [steps + 1, 0, 3 * steps, 1]) expect(two.step(step)).toEqual(one.step(step));
    expect(one.step(0)).not.toEqual(one.step(steps));
    expect(one.step(0)).not.toEqual(other.step(0));
    expect(epochOf(one, 0).length).toBeGreaterThan(1);
  });

  it('puts examples of like length into one step when bucketing', async () => {
    const examples = Array.from({ length: 60 }, (_, at) => numbered(at + 1, 2 + ((at * 7) % 15)));
    const set = selectSequences([await sourceOf(examples)], all);
    const batches = exampleSource(set, {
      context: 16,
      batch: 6,
      microRows: 1000,
      seed: 1,
      bucketing: true,
      hash: '',
    });
    for (let step = 0; step < 10; step++) {
      const [batch] = batches.step(step) as [Batch];
      const ends = [...batch.positions].filter(
        (_, row) => batch.positions[row + 1] !== (batch.positions[row] as number) + 1,
      );
      expect(ends).toHaveLength(6);
      expect(Math.max(...ends) - Math.min(...ends)).toBeLessThanOrEqual(2);
    }
  });

  it('splits texts, cuts conversations, drops or refuses what is too long', async () => {
    const text = await sourceOf([numbered(1, 40)], { isText: true });
    expect([...selectSequences([text], all).rows]).toEqual([16, 16, 7]);
    // 30 tokens of prompt: nothing of the answer is left when cut
    const prompt = Array.from({ length: 40 }, (_, at) => (at < 30 ? 0 : 1));
    const chat = await sourceOf([numbered(1, 40), numbered(2, 40, prompt), numbered(3, 5)]);
    const cut = selectSequences([chat], all);
    expect([...cut.rows]).toEqual([16, 4]);
    expect(cut.counts).toEqual({ split: 0, cut: 1, dropped: 1 });
    const dropped = selectSequences([chat], { ...all, overlong: 'drop' });
    expect([[...dropped.rows], dropped.counts.dropped]).toEqual([[4], 2]);
    const split = selectSequences([chat], { ...all, overlong: 'split' });
    // the second example's first piece has nothing to learn
    expect([...split.rows]).toEqual([16, 16, 7, 16, 7, 4]);
    expect(() => selectSequences([chat], { ...all, overlong: 'fatal' })).toThrow(
      /Example 1 of .* has 40 tokens; a sequence may have 17\./,
    );
  });

  it('holds out the end of each source, and repeats what is trained on', async () => {
    const first = await sourceOf(
      Array.from({ length: 10 }, (_, at) => numbered(at + 1, 3)),
      { repeat: 2 },
    );
    const second = await sourceOf(Array.from({ length: 5 }, (_, at) => numbered(at + 50, 3)));
    const firstTokens = (of: 'train' | 'heldOut', repeats: boolean): number[] => {
      const set = selectSequences([first, second], {
        ...all,
        part: { of, share: 0.2 },
        repeats,
      });
      return Array.from(
        { length: set.count },
        (_, at) => (set.read(at).tokens[0] as number) / 1000,
      );
    };
    const kept = [1, 2, 3, 4, 5, 6, 7, 8];
    expect(firstTokens('train', true)).toEqual([...kept, ...kept, 50, 51, 52, 53]);
    expect(firstTokens('heldOut', false)).toEqual([9, 10, 54]);
  });
});

describe('windows', () => {
  const shared = { context: 8, batch: 4, microRows: 16, hash: '' };

  it('lie at random places of the training part, each a function of step and number', async () => {
    const source = await sourceOf([numbered(0, 100)], { isText: true });
    const part = { of: 'train', share: 0.1 } as const;
    const windows = randomWindows([source], { ...shared, part, seed: 3 });
    const places = new Set<number>();
    for (let step = 0; step < 500; step++) {
      const batches = windows.step(step);
      expect(batches.map(({ tokens }) => tokens.length)).toEqual([16, 16]);
      for (const batch of batches) {
        checkBatch(batch);
        expect(Math.max(...batch.targets)).toBeLessThan(90);
        places.add(batch.tokens[0] as number);
      }
    }
    // nanoGPT: randint(len(data) - block_size): 0 to 81 for 90 tokens
    expect([...places].sort((a, b) => a - b)).toEqual(Array.from({ length: 82 }, (_, at) => at));
    expect(windows.step(7)).toEqual(windows.step(7));
    expect(windows.stepsPerEpoch).toBeUndefined();
  });

  it('lie side by side over all that is held out', async () => {
    const source = await sourceOf([numbered(0, 100)], { isText: true });
    const part = { of: 'heldOut', share: 0.3 } as const;
    const held = consecutiveWindows([source], { ...shared, part });
    const batches = epochOf(held, 0);
    expect(targetsOf(batches)).toEqual(Array.from({ length: 29 }, (_, at) => 71 + at));
    for (const batch of batches) checkBatch(batch);
  });

  it('need a text that is long enough', async () => {
    const source = await sourceOf([numbered(0, 8)], { isText: true });
    const options = { ...shared, part: { of: 'all' }, seed: 1 } as const;
    expect(() => randomWindows([source], options)).toThrow('it has no stretch of 9 tokens');
  });
});
