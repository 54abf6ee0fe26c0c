// WikiText's tokenisation undone, and its words counted as they were (lm_eval/tasks/wikitext/
// preprocess_wikitext.py, 0.4.13): perplexity per word is over words of the original page.
import { pythonRegex } from '../definition/python-regex.ts';
import type { Doc, ItemValue } from '../task.ts';

const punctuation = [':', ';', '.', '!', '?', ','];
// spaces inside a pair of brackets or quotes, and what the pair becomes
const pairs: readonly (readonly [RegExp, string])[] = [
  [pythonRegex('\\(\\s*([^\\)]*?)\\s*\\)'), '($1)'],
  [pythonRegex('\\[\\s*([^\\]]*?)\\s*\\]'), '[$1]'],
  [pythonRegex('\\{\\s*([^}]*?)\\s*\\}'), '{$1}'],
  [pythonRegex('"\\s*([^"]*?)\\s*"'), '"$1"'],
  [pythonRegex("'\\s*([^']*?)\\s*'"), "'$1'"],
];
const wordBreak = pythonRegex('\\s+');

/** The page as running text. */
export function detokenize(doc: Doc): string {
  let text = String(doc['page']);
  text = text.replaceAll("s '", "s'").replace(/\/' [0-9]\//gu, "/'[0-9]/");
  for (const mark of ['-', ',', '.']) text = text.replaceAll(` @${mark}@ `, mark);
  for (const mark of punctuation) text = text.replaceAll(` ${mark} `, `${mark} `);
  for (const [pattern, replacement] of pairs) text = text.replace(pattern, replacement);
  return text
    .replaceAll('= = = =', '====')
    .replaceAll('= = =', '===')
    .replaceAll('= =', '==')
    .replaceAll(' ° ', '°')
    .replaceAll(' \n', '\n')
    .replaceAll('\n ', '\n')
    .replaceAll(' N ', ' 1 ')
    .replaceAll(" 's", "'s");
}

/** The log-probability with the words and the bytes of the original page. */
export function processResults(
  doc: Doc,
  answers: readonly unknown[],
): Readonly<Record<string, ItemValue>> {
  const page = String(doc['page']);
  const logprob = answers[0] as number;
  const bytes = new TextEncoder().encode(page).length;
  return {
    word_perplexity: [logprob, page.split(wordBreak).length],
    byte_perplexity: [logprob, bytes],
    bits_per_byte: [logprob, bytes],
  };
}
