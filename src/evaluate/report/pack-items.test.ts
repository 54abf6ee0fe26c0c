// Packing items for the page.
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { makeEvaluation } from '../../../test/make-evaluation.ts';
import { describeResult } from '../results/read-results.ts';
import { encodeItems, packItems } from './pack-items.ts';

it('keeps what all prompts of a task begin with once', async () => {
  const result = makeEvaluation({ shots: 2 });
  const { tasks } = await packItems([describeResult(result)]);
  const [task] = tasks;
  const asked = result.tasks[0]?.items[3]?.requests[0];
  expect(task?.prefix).toMatch(/^Questions about .*Answer: B\n\n$/s);
  expect(asked?.kind === 'loglikelihood' && asked.context).toBe(
    (task?.prefix ?? '') + task?.items[3]?.[2][0],
  );
  expect(task?.items[3]?.[3]).toEqual([' A', ' B', ' C', ' D']);
});

it('puts the answers of several models side by side', async () => {
  const results = ['a', 'b'].map((model, index) =>
    describeResult(makeEvaluation({ model, skill: index })),
  );
  const { models, tasks } = await packItems(results);
  expect(models).toEqual(['a', 'b']);
  const verdicts = tasks[0]?.items.map(([, , , , answers]) => answers.map((one) => one?.[2][0]));
  expect(verdicts).toEqual(new Array(20).fill([0, 1]));
});

it('gives models that were asked differently rows of their own', async () => {
  const results = [1, 2].map((shots) => describeResult(makeEvaluation({ shots, items: 5 })));
  const { tasks } = await packItems(results);
  const present = tasks[0]?.items.map(([docId, , , , answers]) => [
    docId,
    ...answers.map((answer) => answer !== null),
  ]);
  expect(present?.slice(0, 4)).toEqual([
    [0, true, false],
    [0, false, true],
    [1, true, false],
    [1, false, true],
  ]);
});

it('encodes what can be decoded, in letters that need no escaping', async () => {
  const items = await packItems([describeResult(makeEvaluation())]);
  const text = encodeItems(items);
  expect(text).toMatch(/^[A-Za-z0-9+/]+=*$/);
  expect(JSON.parse(gunzipSync(Buffer.from(text, 'base64')).toString())).toEqual(items);
});
