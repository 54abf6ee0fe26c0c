import { describe, expect, it } from 'vitest';
import { runRecord } from '../../../test/run-record.ts';
import type { StepMetrics } from '../metrics.ts';
import { makeRunsPage } from './runs-page.ts';

function steps(count: number): StepMetrics[] {
  return Array.from({ length: count }, (_, i) => ({
    type: 'step',
    step: i + 1,
    loss: 4 - i / count,
    learningRate: 0.1,
    gradientNorm: 1,
    tokens: 100 * (i + 1),
    seconds: 0.5,
  }));
}

interface Numbers {
  readonly steps: readonly number[];
  readonly loss: readonly number[];
  readonly speed: readonly number[];
  readonly evaluationLoss: readonly number[];
}

function numbersOf(page: string): Numbers[] {
  const [, json = ''] = /id="numbers">(.*?)<\/script>/.exec(page) ?? [];
  return JSON.parse(json) as Numbers[];
}

describe('makeRunsPage', () => {
  it('carries the curves of every run, and means of neighbours where there are too many steps', () => {
    const page = makeRunsPage([
      {
        record: runRecord({ name: 'short' }),
        metrics: [
          ...steps(3),
          { type: 'evaluation', step: 3, loss: 2.5, targets: 9, best: true, seconds: 1 },
        ],
      },
      { record: runRecord({ name: 'long' }), metrics: steps(5000) },
    ]);
    const [short, long] = numbersOf(page);
    expect(short?.steps).toEqual([1, 2, 3]);
    expect(short?.speed).toEqual([200, 200, 200]);
    expect(short?.evaluationLoss).toEqual([2.5]);
    expect(long?.steps).toHaveLength(1667);
    expect(long?.steps.slice(0, 2)).toEqual([3, 6]);
    expect(long?.loss[0]).toBeCloseTo(4 - 1 / 5000, 9);
    expect(long?.speed[1]).toBe(200);
  });

  it('needs nothing but itself', () => {
    const page = makeRunsPage([{ record: runRecord({}), metrics: steps(2) }]);
    expect(page).toContain('uPlot');
    expect(page).not.toMatch(/(src|href)=|@import|url\(/);
  });

  it('lets no text of a model, a name or an error become markup', () => {
    const evil = '</script><img src=x onerror=alert(1)>';
    const page = makeRunsPage([
      {
        record: runRecord({ name: evil, error: evil, recipe: JSON.stringify({ [evil]: evil }) }),
        metrics: [{ type: 'sample', step: 1, prompt: evil, text: evil }],
      },
    ]);
    expect(page).not.toContain('<img');
    expect(page.match(/<\/script>/g)).toHaveLength(3);
    expect(page).toContain('&lt;/script&gt;&lt;img src=x');
  });

  it('marks the fields in which recipes differ', () => {
    const page = makeRunsPage([
      { record: runRecord({ recipe: '{"seed":1,"model":{"dim":32}}' }), metrics: [] },
      { record: runRecord({ recipe: '{"seed":2,"model":{"dim":32}}' }), metrics: [] },
    ]);
    expect(page).toMatch(/<tr class="different"><th scope="row">seed<\/th><td>1<\/td><td>2<\/td>/);
    expect(page).toMatch(/<tr><th scope="row">model.dim<\/th><td>32<\/td><td>32<\/td>/);
  });
});
