import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyLimits } from './key-limits.ts';
import { RequestWindow } from './request-window.ts';

const minuteMs = 60_000;
const clockAt = (state: { ms: number; dateMs: number }) => ({
  monotonicMs: () => state.ms,
  dateMs: () => state.dateMs,
});

describe('limits of a key', () => {
  it('let in what a count of the minute before each request lets in, and say exactly how long to wait', () => {
    const gaps = fc.array(fc.nat({ max: 20_000 }), { maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), gaps, (limit, waits) => {
        const window = new RequestWindow({ limit, windowMs: minuteMs });
        const admitted: number[] = [];
        let at = 0;
        for (const wait of waits) {
          at += wait;
          const recent = admitted.filter((time) => time > at - minuteMs);
          expect(window.remaining(at)).toBe(limit - recent.length);
          const waitMs = window.take(at);
          expect(waitMs === 0).toBe(recent.length < limit);
          if (waitMs === 0) {
            admitted.push(at);
            continue;
          }
          // A millisecond before it is too early, then it is not.
          const later = at + waitMs;
          const countAt = (time: number): number =>
            admitted.filter((each) => each > time - minuteMs).length;
          expect(countAt(later - 1)).toBe(limit);
          expect(countAt(later)).toBeLessThan(limit);
        }
        for (const start of admitted) {
          const inMinute = admitted.filter((time) => time >= start && time < start + minuteMs);
          expect(inMinute.length).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });

  it('keep to the limit over many thousand requests', () => {
    const window = new RequestWindow({ limit: 1000, windowMs: minuteMs });
    let admitted = 0;
    // One every 10 ms for ten minutes: six times as many as may come.
    for (let at = 0; at < 10 * minuteMs; at += 10) if (window.take(at) === 0) admitted++;
    expect(admitted).toBe(10_000);
  });

  it('never let in a request once as many tokens were used as a day has, and begin anew at midnight UTC', () => {
    const day = 86_400_000;
    const moves = fc.array(
      fc.record({ waitMs: fc.nat({ max: day / 4 }), tokens: fc.nat({ max: 400 }) }),
    );
    fc.assert(
      fc.property(moves, fc.nat({ max: 900 }), (steps, before) => {
        const state = { ms: 0, dateMs: Date.UTC(2026, 10, 24, 19) };
        const limits = new KeyLimits({
          requestsPerMinute: null,
          tokensPerDay: 1000,
          tokensUsed: before,
          clock: clockAt(state),
        });
        const used = new Map([['2026-11-24', before]]);
        for (const { waitMs, tokens } of steps) {
          state.dateMs += waitMs;
          const today = new Date(state.dateMs).toISOString().slice(0, 10);
          const sum = used.get(today) ?? 0;
          expect(limits.headers()['x-ratelimit-remaining-tokens']).toBe(
            String(Math.max(0, 1000 - sum)),
          );
          const midnight = Date.parse(`${today}T00:00:00Z`) + day;
          const retrySeconds = Math.ceil((midnight - state.dateMs) / 1000);
          if (sum >= 1000) {
            expect(() => limits.admit()).toThrow(
              expect.objectContaining({
                code: 'CORRAL_TOKENS_EXCEEDED',
                data: { used: sum, allowed: 1000, retrySeconds },
              }),
            );
          } else {
            limits.admit();
            limits.spend(tokens);
            used.set(today, sum + tokens);
          }
        }
      }),
    );
  });

  it('are told in headers as OpenAI writes them', () => {
    const state = { ms: 5000, dateMs: Date.UTC(2026, 10, 24, 23, 58, 59, 500) };
    const limits = new KeyLimits({
      requestsPerMinute: 3,
      tokensPerDay: 100,
      tokensUsed: 30,
      clock: clockAt(state),
    });
    limits.admit();
    limits.spend(90);
    limits.spend(-5);
    state.ms += 59_550;
    expect(limits.headers()).toEqual({
      'x-ratelimit-limit-requests': '3',
      'x-ratelimit-remaining-requests': '2',
      'x-ratelimit-reset-requests': '450ms',
      'x-ratelimit-limit-tokens': '100',
      'x-ratelimit-remaining-tokens': '0',
      'x-ratelimit-reset-tokens': '1m1s',
    });
    state.dateMs = Date.UTC(2026, 10, 25);
    expect(limits.headers()).toMatchObject({
      'x-ratelimit-remaining-tokens': '100',
      'x-ratelimit-reset-tokens': '24h0m0s',
    });
  });
});
