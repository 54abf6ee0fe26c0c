// The filter `multi_choice_regex`: finds which lettered choice a free answer means, by a pattern, by the
// choice's own text, or by a letter after a colon (lm_eval/filters/extraction.py, 0.4.13).
import { z } from 'zod';
import { pythonFindAll, pythonRegex, pythonReplace } from '../definition/python-regex.ts';
import { strip } from '../definition/python-text.ts';
import type { Doc } from '../task.ts';

const schema = z.object({
  regex_pattern: z.string().default('#### (\\-?[0-9\\.\\,]+)'),
  group_select: z.int().default(0),
  fallback: z.string().default('[invalid]'),
  ignore_case: z.boolean().default(false),
  ignore_punctuation: z.boolean().default(false),
  regexes_to_ignore: z.array(z.string()).nullish(),
});

/** The answers as `(A)`, `(B)` …; documents need a list `choices`. */
export function choiceLetterFilter(
  raw: Readonly<Record<string, unknown>>,
): (answers: readonly unknown[], doc: Doc) => readonly string[] {
  const options = schema.parse(raw);
  const regex = pythonRegex(options.regex_pattern);
  const select = (text: string, pattern: RegExp): string | undefined => {
    const match = pythonFindAll(text, pattern).at(options.group_select);
    const found = typeof match === 'string' ? match : match?.find((group) => group !== '');
    return found === undefined ? undefined : strip(found);
  };
  const plain = (text: string): string => {
    let out = text;
    for (const pattern of options.regexes_to_ignore ?? []) out = pythonReplace(out, pattern, '');
    if (options.ignore_case) out = out.toLowerCase();
    return options.ignore_punctuation ? out.replace(/\p{P}/gu, '') : out;
  };
  return (answers, doc) => {
    const choices = (doc['choices'] as readonly string[]).map((choice) => plain(strip(choice)));
    const letters = choices.map((_, i) => String.fromCharCode(65 + i));
    const byText = new RegExp(choices.map(escapeRegex).join('|'), 'gu');
    const byLetter = pythonRegex(`:[\\s]*(${letters.join('|')})`);
    return answers.map((given) => {
      const answer = String(given);
      const found = select(answer, regex);
      if (found) return found;
      const text = select(plain(answer), byText);
      if (text) return choices.includes(text) ? `(${letters[choices.lastIndexOf(text)]})` : text;
      const letter = select(answer, byLetter);
      return letter ? `(${letter})` : options.fallback;
    });
  };
}

function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/gu, '\\$&');
}
