// Runs a recipe in a process of its own, for tests that kill it: a line on stdout for each step.
// usage: node test/train-child.ts RECIPE.json STORE
import { readFileSync } from 'node:fs';
import type { Recipe } from '../src/train/recipe/recipe.ts';
import { trainRecipe } from '../src/train/run/train-run.ts';

const [path = '', store = ''] = process.argv.slice(2);
const recipe = JSON.parse(readFileSync(path, 'utf8')) as Recipe;
await trainRecipe(recipe, {
  store,
  onEvent: (event) => {
    if (event.type === 'step') process.stdout.write(`${event.step}\n`);
  },
});
