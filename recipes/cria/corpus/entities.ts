// Who and what a story is about. Plain values; world.ts makes them, discourse.ts names them.
import type { Place, Species, ThingClass, Trait } from './lexicon.ts';

export type { Place } from './lexicon.ts';

/** Someone in a story. */
export interface Character {
  readonly is: 'character';
  readonly name: string;
  readonly gender: 'she' | 'he';
  readonly species: Species;
  /** Such as `little` or `old`; may be empty. */
  readonly age: string;
  readonly trait: Trait;
}

/** How a thing looks. */
export interface Look {
  readonly kind: 'colour' | 'material' | 'other';
  readonly word: string;
}

/** A thing in a story. */
export interface Thing {
  readonly is: 'thing';
  readonly noun: string;
  readonly plural: boolean;
  readonly class: ThingClass;
  readonly look: Look | undefined;
}

/** What may stand in a slot of a pattern. */
export type Referent = Character | Thing | Place | string;

/** Who plays which part in a sentence: `A` does it, `B` and `C` are others, `T` and `U` things, `P` and `Q` places. */
export interface Roles {
  readonly A: Character;
  readonly B?: Character;
  readonly C?: Character;
  readonly T?: Thing;
  readonly U?: Thing;
  readonly P?: Place;
  readonly Q?: Place;
  /** Words and clauses by other names; they may hold slots themselves. */
  readonly [word: string]: Referent | undefined;
}

/** `a` or `an`, as the next word sounds. */
export function withArticle(words: string): string {
  return /^([aeio]|u(?!k|n[ai]|se))/i.test(words) ? `an ${words}` : `a ${words}`;
}

/** Look and noun: "red hat". */
export function fullNoun({ look, noun }: Thing): string {
  return look === undefined ? noun : `${look.word} ${noun}`;
}

/** "a red hat", "a pair of red boots", "some red berries". */
export function indefinite(thing: Thing): string {
  if (!thing.plural) return withArticle(fullNoun(thing));
  const pair = thing.class === 'wear' || thing.noun === 'skates' || thing.noun === 'stilts';
  return `${pair ? 'a pair of' : 'some'} ${fullNoun(thing)}`;
}
