// MATH's two protocols: the answer as Hendrycks et al. 2021 compare it (lm_eval/tasks/hendrycks_math), and
// as Minerva does (Lewkowycz et al. 2022, appendix D; lm_eval/tasks/minerva_math), both of 0.4.13.
import { pythonRegex } from '../definition/python-regex.ts';
import { strip } from '../definition/python-text.ts';
import { lastBoxed, sameMathText, unwrapBoxed } from '../scoring/math-text.ts';
import { normaliseFinalAnswer } from '../scoring/minerva-text.ts';
import type { Doc, ItemValue } from '../task.ts';

/** The documents with what their solution puts into its box as `answer`. */
export function processHendrycksDocs(docs: readonly Doc[]): readonly Doc[] {
  return docs.map((doc) => ({ ...doc, answer: boxedAnswer(doc) ?? '' }));
}

/** The documents with the normalised answer of their solution. */
export function processMinervaDocs(docs: readonly Doc[]): readonly Doc[] {
  return docs.map((doc) => ({ ...doc, answer: normaliseFinalAnswer(boxedAnswer(doc) ?? '') }));
}

function boxedAnswer(doc: Doc): string | undefined {
  const boxed = lastBoxed(String(doc['solution']), { spaced: true });
  return boxed === undefined ? undefined : unwrapBoxed(boxed, { spaced: true });
}

/** Is what stands between the first and the last dollar, or the whole text, the boxed answer? */
export function processHendrycksResults(
  doc: Doc,
  answers: readonly unknown[],
): Readonly<Record<string, ItemValue>> {
  const text = String(answers[0]);
  const [first, last] = [text.indexOf('$'), text.lastIndexOf('$')];
  const answer = first < last ? text.slice(first + 1, last) : text;
  return { exact_match: Number(sameMathText(answer, boxedAnswer(doc), { slash: 'numbers-only' })) };
}

const finalAnswer = pythonRegex('Final Answer: The final answer is(.*?). I hope it is correct.');

/** What stands after `Final Answer: The final answer is`. */
export function findFinalAnswer(text: string): string {
  // the text may be cut off before the closing words, so they are added
  const [match] = `${text}I hope it is correct.`.matchAll(finalAnswer);
  return match === undefined ? '[invalidanswer]' : strip(match[1] ?? '');
}

/**
 * Is the final answer, normalised, the solution's? Minerva and the harness also accept answers that sympy
 * simplifies to the same; that is not done here, so this is a lower bound of theirs.
 */
export function processMinervaResults(
  doc: Doc,
  answers: readonly unknown[],
): Readonly<Record<string, ItemValue>> {
  const answer = normaliseFinalAnswer(findFinalAnswer(String(answers[0])));
  return { exact_match: Number(answer !== '' && answer === doc['answer']) };
}
