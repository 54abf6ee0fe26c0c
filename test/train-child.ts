// Runs a recipe in a process of its own, for tests that kill it or take its disk away: a line on stdout
// for each step, on stderr the code of the error it ended with.
// usage: node test/train-child.ts RECIPE.json STORE
import { readFileSync } from 'node:fs';
import type { Recipe } from '../src/train/recipe/recipe.ts';
import { trainRecipe } from '../src/train/run/train-run.ts';

const [path = '', store = ''] = process.argv.slice(2);
const recipe = JSON.parse(readFileSync(path, 'utf8')) as Recipe;
try {
  await trainRecipe(recipe, {
    store,
    resume: 'any',
    onEvent: (event) => {
      if (event.type === 'step') process.stdout.write(`${event.step}\n`);
    },
  });
} catch (error) {
  process.stderr.write(`${(error as { code?: string }).code} ${(error as Error).message}\n`);
  process.exitCode = 1;
}
