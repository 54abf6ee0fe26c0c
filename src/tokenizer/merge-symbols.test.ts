// Short and long words must merge alike, and both as the definition says.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MergeRules } from './merge-rules.ts';
import { mergeSymbols } from './merge-symbols.ts';

type Rule = readonly [left: number, right: number, result: number, rank: number];

function mergeNaively(symbols: readonly number[], rules: readonly Rule[]): number[] {
  const list = [...symbols];
  const byPair = new Map<string, Rule>();
  for (const rule of rules) {
    const key = `${rule[0]},${rule[1]}`;
    const other = byPair.get(key);
    if (!other || rule[3] < other[3]) byPair.set(key, rule);
  }
  for (;;) {
    let best: Rule | undefined;
    let at = -1;
    for (let i = 0; i + 1 < list.length; i++) {
      const rule = byPair.get(`${list[i]},${list[i + 1]}`);
      if (rule && (!best || rule[3] < best[3])) [best, at] = [rule, i];
    }
    if (!best) return list;
    list.splice(at, 2, best[2]);
  }
}

it('merges the lowest rank first and of equals the leftmost, for any rules and lengths', () => {
  const symbol = fc.integer({ min: 0, max: 5 });
  const rule = fc.tuple(symbol, symbol, symbol, fc.integer({ min: 0, max: 4 }));
  fc.assert(
    fc.property(
      fc.array(rule, { maxLength: 12 }),
      fc.array(fc.integer({ min: -1, max: 5 }), { maxLength: 120 }),
      (rules, symbols) => {
        const table = new MergeRules(1);
        for (const [left, right, result, rank] of rules) table.add(left, right, result, rank);
        const merged = Int32Array.from(symbols);
        const count = mergeSymbols(merged, symbols.length, table);
        expect([...merged.subarray(0, count)]).toEqual(mergeNaively(symbols, rules));
      },
    ),
    { numRuns: 2000 },
  );
});
