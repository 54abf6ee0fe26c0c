// What training text must never contain, so that tests show what was learned rather than remembered: names,
// things and places of the other splits. Phrasings kept for tests stand beside their siblings.
import { heldOutCompounds } from './compounds.ts';
import { allNames } from './names.ts';

/** Names, things and places that occur nowhere in training, in lower case; a place is two words. */
export const heldOutWords: ReadonlySet<string> = new Set(
  [...allNames('development'), ...allNames('held-out'), ...heldOutCompounds].map((word) =>
    word.toLowerCase(),
  ),
);

/** The first held-out word of a text, or undefined. */
export function findHeldOut(text: string): string | undefined {
  let before = '';
  for (const [word] of text.toLowerCase().matchAll(/[a-z]+|[^a-z ]+/g)) {
    if (heldOutWords.has(word)) return word;
    if (heldOutWords.has(`${before} ${word}`)) return `${before} ${word}`;
    before = word;
  }
  return undefined;
}
