// Tests Cria on what it has never seen: people, things, places and phrasings kept out of its corpus. Every
// score comes with a 95 % interval (Wilson, JASA 22, 1927). `node recipes/cria/evaluate.ts MODEL [--split development] [--json FILE]`.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Llama, load } from '../../src/index.ts';
import { type Split, splits } from './corpus/splits.ts';
import { type ExamItem, type Goal, makeExams } from './exams.ts';

/** A score with its interval and what it has to reach. */
export interface Score {
  readonly name: string;
  readonly right: number;
  readonly of: number;
  readonly low: number;
  readonly high: number;
  readonly goal?: Goal;
}

/** All scores of a model, and some wrong answers of each exam to look at. */
export interface Report {
  readonly scores: readonly Score[];
  readonly wrong: Readonly<
    Record<string, readonly { readonly asked: string; readonly answer: string }[]>
  >;
}

/** The 95 % interval of a share. */
export function wilson(right: number, of: number): { low: number; high: number } {
  const z = 1.959964;
  const share = right / of;
  const centre = share + z ** 2 / (2 * of);
  const spread = z * Math.sqrt((share * (1 - share)) / of + z ** 2 / (4 * of ** 2));
  return {
    low: (centre - spread) / (1 + z ** 2 / of),
    high: (centre + spread) / (1 + z ** 2 / of),
  };
}

/** Takes every exam, or those whose name begins with `only`. `size` is how many questions each has. */
export async function evaluateCria(
  llama: Llama,
  options: { size: number; seed: number; split?: Split; only?: string },
): Promise<Report> {
  const scores: Score[] = [];
  const wrong: Record<string, { asked: string; answer: string }[]> = {};
  let [ended, asked] = [0, 0];
  const { only = '' } = options;
  for (const exam of makeExams(options).filter(({ name }) => name.startsWith(only))) {
    const answers = await answerAll(llama, exam.items);
    const right = exam.items.filter((item, at) => item.isRight(answers[at]?.text ?? '')).length;
    ended += answers.filter(({ stopped }) => stopped).length;
    asked += answers.length;
    const score = {
      name: exam.name,
      right,
      of: exam.items.length,
      ...wilson(right, exam.items.length),
    };
    scores.push(exam.goal === undefined ? score : { ...score, goal: exam.goal });
    wrong[exam.name] = exam.items.flatMap((item, at) => {
      const answer = answers[at]?.text ?? '';
      // where a share is to stay low, the items that count are the bad ones
      const bad = item.isRight(answer) === (exam.goal?.atMost ?? false);
      return bad ? [{ asked: item.messages.map(({ content }) => content).join('\n'), answer }] : [];
    });
  }
  scores.push({
    name: 'answers that stop',
    right: ended,
    of: asked,
    ...wilson(ended, asked),
    goal: { share: 1, atMost: false },
  });
  return { scores, wrong };
}

async function answerAll(
  llama: Llama,
  items: readonly ExamItem[],
): Promise<{ readonly text: string; readonly stopped: boolean }[]> {
  const answers: { text: string; stopped: boolean }[] = [];
  const together = 16;
  for (let at = 0; at < items.length; at += together) {
    const some = items.slice(at, at + together).map(async ({ messages }) => {
      const { text, finishReason } = await llama.chat(messages, { temperature: 0 }).result();
      return { text: text.trim(), stopped: finishReason === 'stop' };
    });
    answers.push(...(await Promise.all(some)));
  }
  return answers;
}

/** Does a score reach its goal? */
export const reaches = ({ right, of, goal }: Score): boolean =>
  goal === undefined || (goal.atMost ? right / of <= goal.share : right / of >= goal.share);

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** The scores as lines of a table. */
export function formatScores(scores: readonly Score[]): string {
  const rows = scores.map((score) => [
    score.name,
    percent(score.right / score.of),
    `${percent(score.low)} – ${percent(score.high)}`,
    `${score.of}`,
    score.goal === undefined ? '' : `${score.goal.atMost ? '≤' : '≥'} ${percent(score.goal.share)}`,
  ]);
  const head = ['exam', 'score', '95 % interval', 'n', 'goal'];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

if (process.argv[1] === import.meta.filename) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'string' },
      size: { type: 'string', default: '300' },
      seed: { type: 'string', default: '7' },
      split: { type: 'string', default: 'held-out' },
      only: { type: 'string', default: '' },
      wrong: { type: 'string', default: '3' },
    },
  });
  await using llama = await load(positionals[0] ?? 'models/cria-chat');
  const report = await evaluateCria(llama, {
    size: Number(values.size),
    seed: Number(values.seed),
    split: splits.find((one) => one === values.split) ?? 'held-out',
    only: values.only,
  });
  process.stdout.write(`${formatScores(report.scores)}\n`);
  for (const [name, answers] of Object.entries(report.wrong)) {
    for (const { asked, answer } of answers.slice(0, Number(values.wrong))) {
      process.stdout.write(`\n--- ${name}\n${asked}\n→ ${answer}\n`);
    }
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
}
