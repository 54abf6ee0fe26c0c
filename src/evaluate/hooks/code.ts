// Programs that models wrote, put together with their tests, and pass@k over them (Chen et al. 2021;
// lm_eval/tasks/humaneval/utils.py, 0.4.13; the human-eval repository; MultiPL-E, Cassano et al. 2022).
import { errors } from '../../base/errors.ts';
import { passAtK as estimate } from '../scoring/pass-at-k.ts';
import type { Doc } from '../task.ts';
import type { MetricInput } from './hook.ts';

/** HumanEval and its translations: the prompt is the beginning of the program. */
export function prependPrompt(answers: readonly string[], doc: Doc): readonly string[] {
  return answers.map((answer) => `${String(doc['prompt'])}${answer}`);
}

const languages = ['python', 'javascript', 'typescript'] as const;

/** pass@k for each k asked for: runs every program with the tests that the target holds. */
export async function passAtK(input: MetricInput): Promise<Readonly<Record<string, number>>> {
  const { codeRunner, predictions, target, options } = input;
  if (codeRunner === undefined) throw errors.CODE_EXECUTION_NOT_ALLOWED({ tasks: 'This task' });
  const language = languages.find((name) => name === options['language']) ?? 'python';
  let correct = 0;
  for (const prediction of predictions) {
    const { result } = await codeRunner.run({ source: `${prediction}\n${target}`, language });
    if (result === 'passed') correct += 1;
  }
  const samples = predictions.length;
  const ks = [options['k'] ?? 1].flat().map(Number);
  return Object.fromEntries(
    ks.filter((k) => k <= samples).map((k) => [`pass@${k}`, estimate({ samples, correct, k })]),
  );
}

/** pass@1 under the name the harness's MBPP gives it. */
export async function passAtOne(input: MetricInput): Promise<Readonly<Record<string, number>>> {
  const values = await passAtK({ ...input, options: { ...input.options, k: 1 } });
  return { pass_at_1: values['pass@1'] ?? 0 };
}
