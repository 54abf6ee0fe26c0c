// What training text must never contain, so that tests show what was learned rather than remembered:
// names, things and places. Phrasings kept for tests stand beside their siblings, under `held`.

import type { Place, ThingClass } from './lexicon.ts';
import { heldOutNames } from './names.ts';

export const heldOutThings: Readonly<Record<ThingClass, readonly string[]>> = {
  wear: ['raincoat', 'sandals+', 'poncho', 'sunhat'],
  toy: ['pinwheel', 'snowball', 'playhouse', 'rowboat'],
  treasure: ['seashell', 'compass', 'keyring', 'magnet'],
  tool: ['teaspoon', 'wheelbarrow', 'hammock', 'flowerpot'],
  food: ['mango', 'pretzel', 'apricots+', 'cupcake'],
  music: ['harmonica', 'ukulele', 'cowbell', 'bagpipe'],
};

export const heldOutPlaces: readonly Place[] = [
  { name: 'the quarry', at: 'in the quarry' },
  { name: 'the windy ridge', at: 'on the windy ridge' },
  { name: 'the ferry', at: 'by the ferry' },
  { name: 'the observatory', at: 'at the observatory' },
];

/** Every word of the above that occurs nowhere in training, in lower case. */
export const heldOutWords: ReadonlySet<string> = new Set(
  [
    ...Object.values(heldOutNames).flat(),
    ...Object.values(heldOutThings).flat(),
    'quarry',
    'ridge',
    'ferry',
    'observatory',
  ].map((word) => word.replace('+', '').toLowerCase()),
);

/** The first held-out word of a text, or undefined. */
export function findHeldOut(text: string): string | undefined {
  for (const [word] of text.toLowerCase().matchAll(/[a-z]+/g)) {
    if (heldOutWords.has(word)) return word;
  }
  return undefined;
}
