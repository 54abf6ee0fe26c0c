// A process that evaluates small tasks on a random model and sends what it found: made to be killed.
// usage: node test/evaluation-child.ts MODEL DATABASE
import { openEngineAnswerer } from '../src/evaluate/engine-answerer.ts';
import { openEvaluationDatabase } from '../src/evaluate/evaluation-database.ts';
import { runEvaluation } from '../src/evaluate/run-evaluation.ts';
import { load } from '../src/index.ts';
import { choiceTask, generateTask, rollingTask } from './evaluation-tasks.ts';

const [model = '', path = ''] = process.argv.slice(2);
using database = openEvaluationDatabase(path);
await using answerer = await openEngineAnswerer(await load(model, { threads: 1 }), { database });
const { tasks } = await runEvaluation({
  tasks: [choiceTask(400), rollingTask(), generateTask(20)],
  answerer,
  database,
  settings: { limit: null, shots: null, seed: 1234, bootstrapIterations: 0, chatTemplate: false },
  corralVersion: '0',
  now: Date.now,
  onProgress: ({ done }) => process.send?.({ done }),
});
const answered = tasks.flatMap(({ items }) =>
  items.map(({ responses, score }) => ({ responses, score })),
);
process.send?.({ answered });
