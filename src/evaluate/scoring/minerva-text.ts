// The normalisation of final answers that Minerva defines (Lewkowycz et al. 2022, appendix D), with the
// repairs of lm-evaluation-harness 0.4.13 (lm_eval/tasks/minerva_math/utils.py, `normalize_final_answer`).

const substitutions: readonly (readonly [string, string])[] = [
  ['an ', ''],
  ['a ', ''],
  ['.$', '$'],
  ['\\$', ''],
  ['\\ ', ''],
  [' ', ''],
  ['mbox', 'text'],
  [',\\text{and}', ','],
  ['\\text{and}', ','],
  ['\\text{m}', '\\text{}'],
];

const unitWords =
  'square ways integers dollars mph inches ft hours km units sue points feet minutes digits cents degrees cm gm pounds meters meals edges students childrentickets multiples';

// in the order of the paper: what is removed first decides what is found later
const removed: readonly string[] = [
  ...unitWords.split(' ').slice(0, 10),
  '\\ldots',
  ...unitWords.split(' ').slice(10),
  '\\text{s}',
  '\\text{.}',
  '\\text{\ns}',
  '\\text{}^2',
  '\\text{}^3',
  '\\text{\n}',
  '\\text{}',
  '\\mathrm{th}',
  '^\\circ',
  '^{\\circ}',
  '\\;',
  ',\\!',
  '{,}',
  '"',
  '\\dots',
];

const isWord = (expression: string): boolean => /^[a-z]+$/u.test(expression);

/** A final answer without units, text marks and the ways to write the same; `1,000` becomes `1000`. */
export function normaliseFinalAnswer(answer: string): string {
  let out = answer.split('=').at(-1) ?? '';
  for (const expression of removed.filter(isWord)) {
    out = out.replace(wholeWord(expression), '');
  }
  for (const [before, after] of substitutions) out = out.replaceAll(before, after);
  for (const expression of removed) {
    if (isWord(expression)) {
      // a unit may be glued to a number, but `ft` in `\left` is none
      const segments = out.split(/(\\[a-zA-Z]+)/u);
      out = segments
        .map((part, i) => (i % 2 === 0 ? part.replaceAll(expression, '') : part))
        .join('');
    } else {
      out = out.replaceAll(expression, '');
    }
  }
  out = out
    .replace(/([^\n]*?)\$([^\n]*?)\$([^\n]*)/gu, (_, __, inside: string) => `$${inside}$`)
    .replace(/\\text\{([^\n]*?)\}/gu, '$1')
    .replace(/\\textbf\{([^\n]*?)\}/gu, '$1')
    .replace(/\\overline\{([^\n]*?)\}/gu, '$1')
    .replace(/\\boxed\{([^\n]*)\}/gu, '$1')
    .replace(/frac([^{])([^\n])/gu, 'frac{$1}{$2}')
    .replace(/sqrt(\[[^\]]*\])([\p{L}\p{N}_])/gu, 'sqrt$1{$2}')
    .replace(/sqrt(?!\[)([^{])/gu, 'sqrt{$1}')
    .replaceAll('$', '');
  return /^-?\p{Nd}{1,3}(,\p{Nd}{3})+$/u.test(out) ? out.replaceAll(',', '') : out;
}

function wholeWord(word: string): RegExp {
  const inWord = '[\\p{L}\\p{N}_]';
  return new RegExp(`(?<!\\\\)(?<!${inWord})${word}(?!${inWord})`, 'gu');
}
