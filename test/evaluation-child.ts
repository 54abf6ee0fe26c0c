// A process that evaluates small tasks on a random model and writes the files of its result: made to be killed.
// usage: node test/evaluation-child.ts MODEL DATABASE FOLDER
import { dirname } from 'node:path';
import { openEngineAnswerer } from '../src/evaluate/engine-answerer.ts';
import { openEvaluationDatabase } from '../src/evaluate/evaluation-database.ts';
import { writeResults } from '../src/evaluate/results/write-results.ts';
import { runEvaluation } from '../src/evaluate/run-evaluation.ts';
import { load } from '../src/index.ts';
import { choiceTask, generateTask, rollingTask } from './evaluation-tasks.ts';

const [model = '', path = '', folder = ''] = process.argv.slice(2);
using database = openEvaluationDatabase(path);
await using answerer = await openEngineAnswerer(await load(model, { threads: 1 }), { database });
const result = await runEvaluation({
  tasks: [choiceTask(400), rollingTask(), generateTask(20)],
  answerer,
  database,
  settings: { limit: null, shots: null, seed: 1234, bootstrapIterations: 0, chatTemplate: false },
  corralVersion: '0',
  now: Date.now,
  onProgress: ({ done }) => process.send?.({ done }),
});
const written = await writeResults(result, { folder, now: Date.now() });
process.send?.({ written: dirname(written.path) });
