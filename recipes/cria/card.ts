// Writes models/CARD.md and the loss curves beside it from the records of a run: what was made from what,
// how it learned, what it scores, and what it cannot do.
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { LlamaConfig } from '../../src/formats/llama-config.ts';
import { drawCurves } from './curves.ts';
import { formatScores, type Report } from './evaluate.ts';
import type { Settings } from './settings.ts';
import type { StageRecord } from './stages.ts';

/** What a card is made from. */
export interface CardFacts {
  readonly settings: Settings;
  readonly stages: Readonly<Record<string, StageRecord>>;
  readonly report: Report;
  /** Recipe files, in the order of the lessons. */
  readonly recipes: readonly string[];
  /** Values in one model, and its shape. */
  readonly parameters: number;
  readonly shape: Pick<LlamaConfig, 'dim' | 'layers' | 'heads' | 'context' | 'vocab'>;
}

interface Line {
  readonly type: string;
  readonly step: number;
  readonly loss: number;
  readonly tokens: number;
  readonly seconds: number;
}

/** Writes CARD.md and a drawing of the losses into the folder of the models. */
export function writeCard(facts: CardFacts): void {
  const { settings, stages, report, recipes, parameters, shape } = facts;
  const lessons = ['pretraining', 'tuning'].map((name) => ({ name, ...readLesson(stages[name]) }));
  writeFileSync(
    join(settings.models, 'losses.svg'),
    drawCurves(lessons.map(({ name, steps, heldOut }) => ({ name, steps, heldOut }))),
  );
  const models = Object.keys(stages['export']?.outputs ?? {});
  const text = `# Cria

A cria is a baby llama. \`cria-base\` continues stories; \`cria-chat\` talks: it tells the story you ask for, answers
questions about a story, counts, does simple sums, and refuses to help with harm. Both were trained by Corral alone,
on a processor, from text that \`recipes/cria/corpus\` makes up. This page is written by \`npm run cria\`, which makes
everything it describes.

| model | parameters | size | sha256 |
| --- | --- | --- | --- |
${models.map((path) => `| \`${basename(path)}\` | ${(parameters / 1e6).toFixed(2)} M | ${(statSync(path).size / 1e6).toFixed(1)} MB | \`${stages['export']?.outputs[path]}\` |`).join('\n')}

Llama blocks, ${shape.dim} wide, ${shape.layers} layers, ${shape.heads} heads, context ${shape.context}, tied embeddings, ${shape.vocab} pieces (SentencePiece BPE with byte
fallback and split digits). Weights are q8_0; training was in f32.

## Scores

On names, things, places and phrasings that the corpus does not contain (a check while it is written makes sure):
they are new pairs of parts that it does contain, such as \`M\` + \`ilo\`, \`snow\` + \`ball\`, a known question in a new frame.
Greedy answers of the q8_0 file above. The questions of this exam (seed ${settings.evaluation.seed}) were settled before the training that
made these files; what was tried out before was tried on another split of words.

${formatScores(report.scores)}

Questions count as right only when the whole answer is one of those that follow from the story's simulation.

## Data

${corpusTable(facts)}

Every document comes from a simulated event log: a plot acts in a small world, a grammar tells what happened, and the
questions are answered from the log, never from the text. Document *n* is a function of seed and *n* (seed
${settings.corpus.seed}), so the corpus is not stored: it is made again, byte by byte.

## Training

![Loss over tokens](losses.svg)

| lesson | tokens | steps | first loss | last loss | held-out loss | time |
| --- | --- | --- | --- | --- | --- | --- |
${lessons.map(lessonRow).join('\n')}

${recipes.map((path) => `\`${path}\`:\n\n\`\`\`yaml\n${readFileSync(path, 'utf8').trim()}\n\`\`\``).join('\n\n')}

The same seed gives the same bytes on the same instruction set, whatever the number of threads.

## Limits

- It knows nothing but its world. About ours it says that it does not know, or makes something up.
- It has not learned to look words up: of a row of words it says back a mixture, of two names in a story it may make a
  third, and animals that it is asked for become llamas. Most of what it gets wrong above is this one thing.
- Its sums are right up to about twenty, and only in the ways it was asked while it learned.
- What it refuses is one class: to hurt, frighten or rob somebody, or to break what is theirs, in the some sixty verbs
  of its corpus. It is no safety filter, and other words for the same get past it.
- Stories longer than about 250 tokens, and conversations longer than its context of 512, are beyond it.
- English only; words it has never seen are spelled out of pieces, and it may misspell them.
`;
  writeFileSync(join(settings.models, 'CARD.md'), text);
}

function readLesson(stage: StageRecord | undefined): {
  readonly steps: readonly Line[];
  readonly heldOut: readonly Line[];
} {
  const path = Object.keys(stage?.outputs ?? {}).find((one) => one.endsWith('metrics.jsonl'));
  const lines = path === undefined ? [] : readFileSync(path, 'utf8').trim().split('\n');
  const metrics = lines.map((line) => JSON.parse(line) as Line);
  const steps = metrics.filter(({ type }) => type === 'step');
  const heldOut = metrics
    .filter(({ type }) => type === 'evaluation')
    .map((line) => ({
      ...line,
      tokens: steps.find(({ step }) => step === line.step)?.tokens ?? 0,
    }));
  return { steps, heldOut };
}

type Lesson = ReturnType<typeof readLesson> & { readonly name: string };

function lessonRow({ name, steps, heldOut }: Lesson): string {
  const seconds = [...steps, ...heldOut].reduce((sum, line) => sum + line.seconds, 0);
  const last = steps.slice(-20);
  const mean = last.reduce((sum, { loss }) => sum + loss, 0) / last.length;
  const cells = [
    name,
    `${((steps.at(-1)?.tokens ?? 0) / 1e6).toFixed(2)} M`,
    `${steps.length}`,
    steps[0]?.loss.toFixed(3),
    mean.toFixed(3),
    heldOut.at(-1)?.loss.toFixed(3),
    `${(seconds / 60).toFixed(1)} min`,
  ];
  return `| ${cells.join(' | ')} |`;
}

function corpusTable({ stages, settings }: CardFacts): string {
  const { documents, dialogues, chats, validation } = settings.corpus;
  const counts = [documents, validation, dialogues, chats, validation];
  const rows = Object.entries(stages['corpus']?.outputs ?? {}).map(
    ([path, hash], at) =>
      `| \`${basename(path)}\` | ${counts[at]?.toLocaleString('en')} | ${(statSync(path).size / 1e6).toFixed(1)} MB | \`${hash}\` |`,
  );
  return ['| file | rows | size | sha256 |', '| --- | --- | --- | --- |', ...rows].join('\n');
}
