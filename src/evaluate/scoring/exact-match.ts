// exact_match as the harness has it from Hugging Face's evaluate (lm_eval/api/metrics.py
// `exact_match_hf_evaluate`, 0.4.13): both sides are cleaned the same way, then compared.
import { z } from 'zod';
import { pythonReplace } from '../definition/python-regex.ts';

const schema = z.object({
  regexes_to_ignore: z.array(z.string()).nullish(),
  ignore_case: z.boolean().default(false),
  ignore_punctuation: z.boolean().default(false),
  ignore_numbers: z.boolean().default(false),
});

/** What is ignored when answers are compared. */
export interface ExactMatchOptions {
  readonly regexes_to_ignore?: readonly string[] | null | undefined;
  readonly ignore_case: boolean;
  readonly ignore_punctuation: boolean;
  readonly ignore_numbers: boolean;
}

/** The options of a metric's entry; keys of other metrics are left alone. */
export function exactMatchOptions(entry: Readonly<Record<string, unknown>>): ExactMatchOptions {
  return schema.parse(entry);
}

// string.punctuation of Python
const punctuation = /[!-/:-@[-`{-~]/gu;

/** 1 when the prediction equals the reference, or any of several; else 0. */
export function exactMatch(
  prediction: string,
  references: readonly string[],
  options: ExactMatchOptions,
): number {
  const cleaned = cleanAnswer(prediction, options);
  return Number(references.some((reference) => cleanAnswer(reference, options) === cleaned));
}

function cleanAnswer(text: string, options: ExactMatchOptions): string {
  let out = text;
  for (const pattern of options.regexes_to_ignore ?? []) out = pythonReplace(out, pattern, '');
  if (options.ignore_case) out = out.toLowerCase();
  if (options.ignore_punctuation) out = out.replace(punctuation, '');
  return options.ignore_numbers ? out.replace(/[0-9]/gu, '') : out;
}
