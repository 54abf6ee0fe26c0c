import { describe, expect, it } from 'vitest';
import { AsyncQueue } from './async-queue.ts';

describe('AsyncQueue', () => {
  it('gives everything in order, then the failure', async () => {
    const queue = new AsyncQueue<number>();
    queue.push(1);
    queue.push(2);
    queue.end({ error: new Error('broken') });
    queue.push(3);
    const seen: number[] = [];
    const read = async (): Promise<void> => {
      for await (const item of queue) seen.push(item);
    };
    await expect(read()).rejects.toThrow('broken');
    expect(seen).toEqual([1, 2]);
  });

  it('tells at once when the consumer leaves, also while it waits or before it began', async () => {
    for (const begins of [true, false]) {
      let leaves = 0;
      const queue = new AsyncQueue<number>(() => leaves++);
      const iterator = queue[Symbol.asyncIterator]();
      const pending = begins ? iterator.next() : undefined;
      await iterator.return?.();
      expect(leaves).toBe(1);
      if (pending !== undefined) expect(await pending).toEqual({ value: undefined, done: true });
      await iterator.return?.();
      expect(leaves).toBe(1);
    }
  });

  it('does not call a consumer that read to the end one that left', async () => {
    let leaves = 0;
    const queue = new AsyncQueue<number>(() => leaves++);
    queue.push(1);
    queue.end();
    for await (const _ of queue);
    expect(leaves).toBe(0);
  });

  it('has one consumer', () => {
    const queue = new AsyncQueue<number>();
    queue[Symbol.asyncIterator]();
    expect(() => queue[Symbol.asyncIterator]()).toThrow(/one consumer/);
  });
});
