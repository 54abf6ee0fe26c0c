// Data sets whose copies at hand are not of the original's shape, brought near to it. Tasks that use
// these are named `…_local` and marked as not comparable.
import { strip } from '../definition/python-text.ts';
import type { Doc } from '../task.ts';
import { cleanText } from './hellaswag.ts';
import { processMinervaDocs } from './math.ts';

/** HellaSwag as AbstainQA re-wrote it: question and lettered choices, the activity's name lost. */
export function hellaswag(docs: readonly Doc[]): readonly Doc[] {
  return docs.map((doc) => {
    const lettered = doc['choices'] as Readonly<Record<string, string>>;
    const letters = Object.keys(lettered).sort();
    return {
      ...doc,
      query: cleanText(String(doc['question'])),
      choices: letters.map((letter) => cleanText(lettered[letter] ?? '')),
      gold: letters.indexOf(String(doc['answer'])),
    };
  });
}

/** TruthfulQA's CSV of questions with their true and false answers, as targets of mc1 and mc2. */
export function truthfulqa(docs: readonly Doc[]): readonly Doc[] {
  return docs.map((doc) => {
    const list = (column: string): string[] =>
      String(doc[column])
        .split(';')
        .map((answer) => strip(answer))
        .filter((answer) => answer !== '');
    const [best, right, wrong] = [
      list('Best Answer'),
      list('Correct Answers'),
      list('Incorrect Answers'),
    ];
    return {
      question: doc['Question'],
      mc1_targets: labelled(best.slice(0, 1), wrong),
      mc2_targets: labelled(right, wrong),
    };
  });
}

function labelled(right: readonly string[], wrong: readonly string[]): object {
  return {
    choices: [...right, ...wrong],
    labels: [...right.map(() => 1), ...wrong.map(() => 0)],
  };
}

/** AGIEval's own files, with the zero-shot prompt of its repository (src/dataset_loader.py). */
export function agieval(docs: readonly Doc[]): readonly Doc[] {
  return docs.map((doc) => {
    const passage = doc['passage'] ?? '';
    const options = doc['options'] as readonly string[] | null;
    if (options === null) {
      return { query: `${passage}Q: ${doc['question']}\nA: The answer is`, answer: doc['answer'] };
    }
    const letters = 'ABCDEFG';
    const last = letters[options.length - 1];
    return {
      query: `${passage}Q: ${doc['question']} Answer Choices: ${options.join(' ')}\nA: Among A through ${last}, the answer is`,
      choices: options,
      gold: Array.from(String(doc['label']), (letter) => letters.indexOf(letter)),
    };
  });
}

/** MATH as llm-foundry's gauntlet has it, for the Minerva protocol. */
export function math(docs: readonly Doc[]): readonly Doc[] {
  return processMinervaDocs(
    docs.map(({ context, chain_of_thought, category }) => {
      return { problem: context, solution: chain_of_thought, type: category };
    }),
  );
}

const title = /^ = [^=].* = $/u;

/** WikiText as lines, into pages: a page begins with a title of the first rank. */
export function wikitextPages(docs: readonly Doc[]): readonly Doc[] {
  const pages: string[][] = [];
  for (const { text } of docs) {
    const line = String(text);
    if (title.test(line) || pages.length === 0) pages.push([]);
    pages.at(-1)?.push(line);
  }
  return pages
    .map((lines) => ({ page: `${lines.join('\n')}\n` }))
    .filter(({ page }) => strip(page) !== '');
}
