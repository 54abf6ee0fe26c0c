// Every task against lm-evaluation-harness 0.4.13 itself (golden/make-harness.py): the same strings, the
// same scores of the same answers, the same aggregates and error bars.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadTask } from './load-task.ts';
import type { ModelRequest, ModelResponse } from './request.ts';
import type { CodeRunner, Task } from './task.ts';

type GoldenResponse = string | number | readonly [number, boolean];

interface Golden {
  readonly task: string;
  /** A task file among the fixtures; null for a task that ships. */
  readonly file: string | null;
  readonly shots: number | null;
  readonly chat: { readonly system: string | null; readonly multiturn: boolean } | null;
  readonly requests: readonly (readonly [number, string, unknown])[];
  readonly responses: readonly GoldenResponse[];
  readonly scores: readonly Readonly<Record<string, number | readonly number[]>>[];
  readonly aggregates: Readonly<Record<string, number | 'N/A'>>;
}

const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, 'golden', 'harness.json'), 'utf8'),
) as readonly Golden[];
const dataDir = join(import.meta.dirname, 'fixtures');

// the harness's math_verify is not among Corral's metrics
const skipped = /^math_verify/u;

function load({ task, file, shots, chat }: Golden): Promise<Task> {
  return loadTask(file === null ? task : join(dataDir, file), {
    dataDir,
    bootstrapIterations: 3000,
    ...(shots !== null && { shots }),
    ...(chat && { renderChat, multiturn: chat.multiturn }),
    ...(chat?.system && { systemInstruction: chat.system }),
  });
}

// the golden run's chat template, which like most closes every turn; the answer's turn is opened
function renderChat(
  messages: readonly { readonly role: string; readonly content: string }[],
): string {
  const text = messages.map(({ role, content }) => `<${role}>${content}</${role}>`).join('');
  return messages.at(-1)?.role === 'assistant' ? text : `${text}<assistant>`;
}

/** A request as the harness's arguments: context and continuation, or context and settings, or a text. */
function asArguments(docId: number, request: ModelRequest): readonly unknown[] {
  if (request.kind === 'loglikelihood') return [docId, request.context, request.continuation];
  if (request.kind === 'rolling') return [docId, request.text, null];
  return [docId, request.context, { until: request.until, temperature: request.temperature }];
}

function plain(entry: Golden['requests'][number]): readonly unknown[] {
  const [docId, first, second] = entry;
  if (typeof second !== 'object' || second === null) return entry;
  const { until, do_sample } = second as { until: readonly string[]; do_sample: boolean };
  expect(do_sample).toBe(false);
  return [docId, first, { until, temperature: 0 }];
}

function asResponse(response: GoldenResponse): ModelResponse {
  if (typeof response === 'string') {
    const counts = { promptTokens: 1, tokens: 1, cut: 0, finish: 'stop' } as const;
    return { kind: 'generate', text: response, ...counts };
  }
  if (typeof response === 'number') return { kind: 'rolling', logprob: response, tokens: 1 };
  const [logprob, greedy] = response;
  return { kind: 'loglikelihood', logprob, greedy, tokens: 1, cut: 0 };
}

// the golden run's stand-in for running code lets nothing pass either
const codeRunner: CodeRunner = {
  run: async () => ({ result: 'failed', detail: '', durationMs: 0 }),
};

describe.each(golden)('$task, shots $shots, conversation $chat', (entry) => {
  it('asks what the harness asks', async () => {
    const { items } = await load(entry);
    const asked = items.flatMap(({ docId, requests }) => {
      return requests.map((request) => asArguments(docId, request));
    });
    expect(asked).toEqual(entry.requests.map(plain));
  });

  it('scores and aggregates the answers as the harness does', async () => {
    const task = await load(entry);
    let next = 0;
    const scores = [];
    for (const item of task.items) {
      const responses = item.requests.map(() => asResponse(entry.responses[next++] ?? ''));
      scores.push(await task.score(item, responses, { codeRunner }));
    }
    for (const [i, expected] of entry.scores.entries()) {
      const names = Object.keys(expected).filter((name) => !skipped.test(name));
      expect(Object.keys(scores[i]?.values ?? {}).sort()).toEqual(names.sort());
      for (const name of names) closeTo(scores[i]?.values[name], expected[name]);
    }
    const aggregates = await task.aggregate(scores);
    for (const [name, metric] of Object.entries(aggregates)) {
      expect(metric.value).toBeCloseTo(Number(entry.aggregates[name]), 12);
      const stderr = entry.aggregates[name.replace(',', '_stderr,')];
      if (stderr === 'N/A') expect(metric.stderr).toBeUndefined();
      else
        expect((metric.stderr ?? Number.NaN) / Number(stderr || 1)).toBeCloseTo(stderr ? 1 : 0, 10);
    }
    const known = Object.keys(entry.aggregates).filter(
      (name) => !/_stderr|^math_verify/u.test(name),
    );
    expect(Object.keys(aggregates).sort()).toEqual(known.sort());
  });
});

function closeTo(actual: unknown, expected: unknown): void {
  const [left, right] = [[actual].flat(), [expected].flat()] as [number[], number[]];
  expect(left.length).toBe(right.length);
  for (const [i, value] of right.entries()) expect(left[i]).toBeCloseTo(value, 12);
}
