// The whole road to Cria: corpus, tokenizer, pretraining, chat tuning, export, evaluation, card. Every
// stage is resumed where it was cut off and skipped where it is done. `npm run cria`, or with
// `-- --miniature` a tiny one of about a minute that shows that the road is open.
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { main } from '../../src/cli/main.ts';
import { openCheckpoint } from '../../src/formats/index.ts';
import { load } from '../../src/index.ts';
import { type CardFacts, writeCard } from './card.ts';
import { makeCorpus } from './corpus/corpus.ts';
import { evaluateCria, formatScores, type Report, reaches } from './evaluate.ts';
import { full, miniature, type Settings } from './settings.ts';
import { Stages } from './stages.ts';

const here = relative('.', import.meta.dirname) || '.';
const most = 12 * 1000 * 1000; // bytes that both models may take in the repository

/** Walks the road; resolves with what the evaluation found. */
export async function makeCria(settings: Settings, say: (line: string) => void): Promise<Report> {
  const { folder, models, overrides } = settings;
  const at = (...names: string[]): string => join(folder, ...names);
  const corpus = [
    'documents',
    'documents-validation',
    'dialogues',
    'chats',
    'chats-validation',
  ].map((name) => at('corpus', `${name}.jsonl`));
  const [documents = '', , dialogues = ''] = corpus;
  const stages = new Stages(at('stages.json'), say);
  const shipped = [join(models, 'cria-base.gguf'), join(models, 'cria-chat.gguf')] as const;

  await stages.run({
    name: 'corpus',
    inputs: { values: settings.corpus, files: sourcesIn(join(here, 'corpus')) },
    outputs: corpus,
    work: async () => {
      makeCorpus({ ...settings.corpus, out: at('corpus') });
    },
  });
  const tokenizer = at('tokenizer.model');
  const controls = ['<|system|>', '<|user|>', '<|assistant|>'];
  await stages.run({
    name: 'tokenizer',
    inputs: { values: [settings.vocabulary, controls], files: [documents, dialogues] },
    outputs: [tokenizer],
    work: () =>
      corral([
        'tokenizer',
        'train',
        documents,
        dialogues,
        '--out',
        tokenizer,
        '--force',
        '--vocab-size',
        `${settings.vocabulary}`,
        '--coverage',
        '1',
        ...controls.flatMap((control) => ['--control', control]),
      ]),
  });
  const lessons = [
    {
      name: 'pretraining',
      command: 'train',
      recipe: 'pretrain.yaml',
      out: at('base'),
      files: [tokenizer, join(here, 'chat-template.jinja'), ...corpus.slice(0, 3)],
    },
    {
      name: 'tuning',
      command: 'tune',
      recipe: 'tune.yaml',
      out: at('chat'),
      files: [at('base', 'model-q8_0.gguf'), join(here, 'chat-template.jinja'), ...corpus.slice(3)],
    },
  ] as const;
  for (const { name, command, recipe, out, files } of lessons) {
    const path = join(here, recipe);
    const changes = overrides[command];
    await stages.run({
      name,
      inputs: { values: changes, files: [path, ...files] },
      outputs: [join(out, 'model-q8_0.gguf'), join(out, 'metrics.jsonl')],
      work: ({ begun }) =>
        corral([
          command,
          path,
          ...changes.flatMap((change) => ['--set', change]),
          ...(begun ? [] : ['--fresh']),
        ]),
    });
  }
  await stages.run({
    name: 'export',
    inputs: { values: shipped, files: lessons.map(({ out }) => join(out, 'model-q8_0.gguf')) },
    outputs: shipped,
    work: async () => {
      mkdirSync(models, { recursive: true });
      for (const [index, { out }] of lessons.entries()) {
        copyFileSync(join(out, 'model-q8_0.gguf'), shipped[index] as string);
      }
      const sizeBytes = shipped.reduce((sum, path) => sum + statSync(path).size, 0);
      if (sizeBytes > most)
        throw new Error(`The models take ${sizeBytes} bytes; allowed: ${most}.`);
    },
  });
  const report = at('report.json');
  await stages.run({
    name: 'evaluation',
    inputs: { values: settings.evaluation, files: [shipped[1], ...sourcesIn(here)] },
    outputs: [report],
    work: async () => {
      await using llama = await load(shipped[1]);
      const found = await evaluateCria(llama, settings.evaluation);
      writeFileSync(report, `${JSON.stringify(found, null, 2)}\n`);
    },
  });
  const found = JSON.parse(readFileSync(report, 'utf8')) as Report;
  writeCard({
    settings,
    stages: stages.done,
    report: found,
    recipes: lessons.map(({ recipe }) => join(here, recipe)),
    ...(await describeModel(shipped[1])),
  });
  say(formatScores(found.scores));
  return found;
}

async function describeModel(path: string): Promise<Pick<CardFacts, 'parameters' | 'shape'>> {
  const checkpoint = await openCheckpoint(path);
  const sizes = [...checkpoint.tensors.values()].map(({ shape }) =>
    shape.reduce((a, b) => a * b, 1),
  );
  await checkpoint.close();
  const parameters = sizes.reduce((sum, size) => sum + size, 0);
  return { parameters, shape: checkpoint.config };
}

/** The code of a folder, by which stages know that it changed. */
function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .sort()
    .map((name) => join(folder, name));
}

async function corral(args: readonly string[]): Promise<void> {
  const status = await main(args);
  if (status !== 0) throw new Error(`corral ${args.join(' ')} ended with status ${status}.`);
}

if (resolve(process.argv[1] ?? '') === import.meta.filename) {
  const { values } = parseArgs({ options: { miniature: { type: 'boolean', default: false } } });
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const { scores } = await makeCria(values.miniature ? miniature : full, say);
  const short = values.miniature ? [] : scores.filter((score) => !reaches(score));
  for (const { name } of short) say(`below its goal: ${name}`);
  process.exitCode = short.length === 0 ? 0 : 1;
}
