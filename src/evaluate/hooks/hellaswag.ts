// HellaSwag's clean-up of contexts and endings (lm_eval/tasks/hellaswag/utils.py, 0.4.13): its WikiHow
// part carries `[header]` and `[title]` marks.
import { capitalize, strip } from '../definition/python-text.ts';
import type { Doc } from '../task.ts';

interface Row {
  readonly activity_label: string;
  readonly ctx_a: string;
  readonly ctx_b: string;
  readonly endings: readonly string[];
  readonly label: string | number;
}

/** The documents with `query`, `choices` and `gold` beside what they had. */
export function processDocs(docs: readonly Doc[]): readonly Doc[] {
  return docs.map((doc) => {
    const { activity_label, ctx_a, ctx_b, endings, label } = doc as unknown as Row; // the hub's columns
    return {
      ...doc,
      query: cleanText(`${activity_label}: ${ctx_a} ${capitalize(ctx_b)}`),
      choices: endings.map(cleanText),
      gold: Number(label),
    };
  });
}

/** A context or an ending without WikiHow's marks. */
export function cleanText(text: string): string {
  return strip(text)
    .replaceAll(' [title]', '. ')
    .replace(/\[[^\n]*?\]/gu, '')
    .replaceAll('  ', ' ');
}
