// Small tasks for tests of the evaluation runner: multiple choice, a rolling text and short answers.
import type { ModelRequest, ModelResponse } from '../src/evaluate/request.ts';
import type { Task, TaskItem } from '../src/evaluate/task.ts';

function task(name: string, items: readonly TaskItem[], changes: Partial<Task> = {}): Task {
  return {
    name,
    alias: name,
    version: 1,
    config: { task: name },
    shots: 0,
    runsCode: false,
    originalCount: items.length,
    items,
    score: async (_, responses) => ({
      values: { 'sum,none': responses.reduce((sum, each) => sum + numberOf(each), 0) },
      filtered: { none: responses },
    }),
    aggregate: async (scores) => ({
      'sum,none': {
        value: scores.reduce((sum, { values }) => sum + (values['sum,none'] as number), 0),
        higherIsBetter: true,
      },
    }),
    ...changes,
  };
}

function numberOf(response: ModelResponse): number {
  return response.kind === 'generate' ? response.text.length : response.logprob;
}

// One token each in the tests' tokenizer.
const letters = ['e', 't', 'a', 'o'];
const preamble = 'The following are questions about the weather at sea.\n\n';

/** Items of `count` questions with four one-token choices after a shared preamble. */
export function choiceTask(count: number, changes: Partial<Task> = {}): Task {
  const items = Array.from({ length: count }, (_, docId): TaskItem => {
    const context = `${preamble}Question ${docId}: is it ${docId * 7 + 3} or ${docId % 5}?\nAnswer:`;
    const requests = letters.map(
      (letter): ModelRequest => ({ kind: 'loglikelihood', context, continuation: letter }),
    );
    return { docId, doc: { docId }, target: docId % 4, choices: letters, requests };
  });
  return task('choices', items, changes);
}

/** One long text and two short ones. */
export function rollingTask(): Task {
  const text = 'There was a wind in the morning and it went on to the hills. '.repeat(6);
  const items = [text, 'Short.', ''].map(
    (each, docId): TaskItem => ({
      docId,
      doc: { text: each },
      target: '',
      requests: [{ kind: 'rolling', text: each }],
    }),
  );
  return task('rolling', items);
}

/** `count` answers of up to eight tokens, half of them sampled. */
export function generateTask(count: number): Task {
  const items = Array.from(
    { length: count },
    (_, docId): TaskItem => ({
      docId,
      doc: { docId },
      target: '',
      requests: [
        {
          kind: 'generate',
          context: `Tell me of the number ${docId}:`,
          until: ['\n'],
          maxTokens: 8,
          temperature: docId % 2,
          topP: 1,
          seed: docId,
        },
      ],
    }),
  );
  return task('answers', items);
}
