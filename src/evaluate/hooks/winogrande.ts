// WinoGrande by partial evaluation (Trinh and Le 2018; lm_eval/tasks/winogrande/preprocess_winogrande.py,
// 0.4.13): the options stand in two contexts, and what follows the blank is the one continuation.
import { strip } from '../definition/python-text.ts';
import type { Doc } from '../task.ts';

/** Index of the context with the right option. */
export function docToText(doc: Doc): number {
  return Number(doc['answer']) - 1;
}

/** What follows the blank. */
export function docToTarget(doc: Doc): string {
  const sentence = String(doc['sentence']);
  return strip(sentence.slice(sentence.indexOf('_') + 1));
}

/** The sentence up to the blank, with each option in it. */
export function docToChoice(doc: Doc): string[] {
  const sentence = String(doc['sentence']);
  const before = sentence.slice(0, sentence.indexOf('_'));
  return [doc['option1'], doc['option2']].map((option) => `${before}${option}`);
}
