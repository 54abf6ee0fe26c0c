// AGIEval's scoring (Zhong et al. 2023; lm_eval/tasks/agieval/utils.py, 0.4.13): questions may have
// several right choices, and the answers of its MATH part are dug out of free text.
import { pythonFindAll, pythonRegex } from '../definition/python-regex.ts';
import { characterCount, leftStrip, rightStrip } from '../definition/python-text.ts';
import { argmax } from '../scoring/argmax.ts';
import { lastBoxed, sameMathText, unwrapBoxed } from '../scoring/math-text.ts';
import type { Doc, ItemValue } from '../task.ts';

/** acc and acc_norm against every choice in `gold`. */
export function processChoiceResults(
  doc: Doc,
  answers: readonly unknown[],
): Readonly<Record<string, ItemValue>> {
  const logprobs = answers.map((answer) => (answer as readonly [number])[0]);
  const { gold, choices } = doc as { gold: readonly number[]; choices: readonly string[] };
  const perCharacter = logprobs.map((logprob, i) => logprob / characterCount(choices[i] ?? ''));
  return {
    acc: Number(gold.includes(argmax(logprobs))),
    acc_norm: Number(gold.includes(argmax(perCharacter))),
  };
}

/** Is the answer found in the text the one found in the solution? */
export function processMathResults(
  doc: Doc,
  answers: readonly unknown[],
): Readonly<Record<string, ItemValue>> {
  const answer = findAnswer(String(answers[0]));
  const gold = findAnswer(String(doc['answer']));
  return { acc: Number(sameMathText(answer, gold, { slash: 'any' })) };
}

const inDollars = pythonRegex('\\$(.*)\\$');
const numbers = pythonRegex('(?:\\$)?\\d+(?:\\.\\d+)?(?![\\w\\d])');

/** What stands in the last box, else between dollars, else after the last `=`, else the last number. */
export function findAnswer(text: string): string | undefined {
  if (text.includes('\\boxed')) {
    const boxed = lastBoxed(text, { spaced: false });
    const inside = boxed === undefined ? undefined : unwrapBoxed(boxed, { spaced: false });
    return inside === undefined ? undefined : afterEquals(inside);
  }
  const dollars = pythonFindAll(text, inDollars).at(-1);
  if (typeof dollars === 'string' && dollars !== '') return afterEquals(dollars);
  if (text.includes('=')) {
    // the two characters backslash and n, as in a text that was escaped
    return rightStrip(afterEquals(text), '.').split('\\n')[0];
  }
  const last = pythonFindAll(text, numbers).at(-1);
  return typeof last === 'string' ? last : undefined;
}

function afterEquals(text: string): string {
  return text.includes('=') ? leftStrip(text.split('=').at(-1) ?? '', ' ') : text;
}
