// Gives Cria another name with a LoRA and measures what that changed: who it says it is, in fifty phrasings
// it never saw, and whether it still answers questions about stories. `node recipes/cria/identity.ts`.
import { parseArgs } from 'node:util';
import { main } from '../../src/cli/main.ts';
import { type Llama, load } from '../../src/index.ts';
import { evaluateCria, formatScores, type Score, wilson } from './evaluate.ts';
import { identityQuestions } from './exams.ts';

async function nameShare(llama: Llama, name: string): Promise<Score> {
  const answers = await Promise.all(
    identityQuestions().map((content) =>
      llama.chat([{ role: 'user', content }], { temperature: 0, maxTokens: 60 }).text(),
    ),
  );
  const right = answers.filter((answer) => answer.includes(name)).length;
  return {
    name: `says it is ${name}`,
    right,
    of: answers.length,
    ...wilson(right, answers.length),
  };
}

async function measure(adapter: string | undefined, name: string, size: number): Promise<Score[]> {
  await using llama = await load('models/cria-chat.gguf', adapter === undefined ? {} : { adapter });
  const { scores } = await evaluateCria(llama, { size, seed: 7, only: 'questions about a story' });
  return [await nameShare(llama, name), ...scores];
}

const { values } = parseArgs({
  options: {
    name: { type: 'string', default: 'Milla' },
    size: { type: 'string', default: '300' },
  },
});
const recipe = 'recipes/cria/identity-lora.yaml';
const substitute = `data.train.substitute.name=${values.name}`;
const status = await main(['tune', recipe, '--set', substitute]);
if (status === 0) {
  for (const adapter of [undefined, 'runs/cria/identity/adapter']) {
    const scores = await measure(adapter, values.name, Number(values.size));
    process.stdout.write(`\n${adapter ?? 'without adapter'}\n${formatScores(scores)}\n`);
  }
}
process.exitCode = status;
