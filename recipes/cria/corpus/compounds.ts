// Words and phrases put together from parts: things such as a snowball or a starlamp, and places such as the
// lonely barn. Some pairs are kept for tests; their parts are known to training.
import { type Place, places as plainPlaces, type ThingClass } from './lexicon.ts';
import { dealPairs, type Split, splits } from './splits.ts';

// parts that stay pieces of their own when they meet, whichever way the tokenizer joins letters
const firsts: readonly string[] =
  'rain sun snow moon star wind fire wood water flower straw silver sea cloud night corn honey leaf feather river'.split(
    ' ',
  );
const seconds: readonly (readonly [string, ThingClass])[] = (
  [
    ['wear', 'hat coat cap'],
    ['toy', 'ball boat wheel hoop'],
    ['treasure', 'bell book coin bead'],
    ['tool', 'cup pot bag box'],
    ['food', 'cake bun pie'],
    ['music', 'horn harp flute'],
  ] as const
).flatMap(([kind, nouns]) => nouns.split(' ').map((noun) => [noun, kind] as const));

const compounds = dealPairs(firsts, seconds, (first, [noun, kind]) => ({
  noun: first + noun,
  class: kind,
}));

function byClass(split: Split): Readonly<Record<ThingClass, readonly string[]>> {
  const of = (kind: ThingClass): readonly string[] =>
    compounds[split].filter((one) => one.class === kind).map(({ noun }) => noun);
  return {
    wear: of('wear'),
    toy: of('toy'),
    treasure: of('treasure'),
    tool: of('tool'),
    food: of('food'),
    music: of('music'),
  };
}

/** Compound nouns by class. */
export const compoundThings: Readonly<
  Record<Split, Readonly<Record<ThingClass, readonly string[]>>>
> = {
  training: byClass('training'),
  development: byClass('development'),
  'held-out': byClass('held-out'),
};

const adjectives = 'quiet wide dark sunny windy lonely narrow hidden'.split(' ');

/** Places with an adjective before a plain one. */
export const describedPlaces: Readonly<Record<Split, readonly Place[]>> = dealPairs(
  adjectives,
  plainPlaces.filter(({ name }) => name.split(' ').length === 2),
  (adjective, { name, at }) => ({
    name: name.replace('the ', `the ${adjective} `),
    at: at.replace('the ', `the ${adjective} `),
  }),
);

/** Everything above that is not for training: words, and phrases of places. */
export const heldOutCompounds: readonly string[] = splits
  .filter((split) => split !== 'training')
  .flatMap((split) => [
    ...compounds[split].map(({ noun }) => noun),
    ...describedPlaces[split].map(({ name }) => name.replace('the ', '')),
  ]);
