// The world of one story: its cast, things and places, who holds what, who is where and feels how. Plots
// act in it; every act changes the state and is logged as an event, from which text and questions come.
import { invariant } from '../../../src/base/invariant.ts';
import { compoundThings, describedPlaces } from './compounds.ts';
import type { Dice } from './dice.ts';
import type { Character, Look, Place, Roles, Thing } from './entities.ts';
import {
  type Ability,
  colours,
  looks,
  materialsOf,
  places,
  type Species,
  species,
  type ThingClass,
  things,
  traits,
} from './lexicon.ts';
import { namesOf } from './names.ts';
import type { Split } from './splits.ts';

/** Something that happened. `kind` names a row of the tables of phrasings and of questions. */
export interface Event {
  readonly kind: string;
  readonly roles: Roles;
}

/** A break between paragraphs. */
export const pause: unique symbol = Symbol('pause');

export type Feeling =
  | 'happy'
  | 'sad'
  | 'proud'
  | 'afraid'
  | 'angry'
  | 'lonely'
  | 'tired'
  | 'surprised'
  | 'ashamed'
  | 'worried'
  | 'excited'
  | 'jealous'
  | 'grateful'
  | 'relieved';

export class World {
  readonly dice: Dice;
  readonly #split: Split;
  readonly cast: Character[] = [];
  readonly things: Thing[] = [];
  readonly log: (Event | typeof pause)[] = [];
  /** Who has a thing now; absent while nobody has it. */
  readonly holder: Map<Thing, Character> = new Map();
  readonly feeling: Map<Character, Feeling> = new Map();
  readonly #placesUsed = new Set<string>();
  /** What the story is about in a few words, such as `lost {A.his} {T.noun}`, for those who ask for it. */
  deed: { readonly text: string; readonly roles: Roles } | undefined;
  ending: 'happy' | 'sad' = 'happy';

  /** `split` says where names, things and places come from. */
  constructor(dice: Dice, split: Split = 'training') {
    this.dice = dice;
    this.#split = split;
  }

  get hero(): Character {
    const [hero] = this.cast;
    invariant(hero !== undefined, 'a story needs a hero before it begins');
    return hero;
  }

  /** Someone new. Nobody in a story shares the first letter or the kind of another. */
  newCharacter(
    wish: { ability?: Ability; gender?: 'she' | 'he'; unlike?: Ability } = {},
  ): Character {
    const { dice } = this;
    const gender = wish.gender ?? dice.pick(['she', 'he'] as const);
    const kind: Species = this.#draw(
      () => dice.pick(species),
      ({ noun, ability }) =>
        !this.cast.some((other) => other.species.noun === noun) &&
        (wish.ability === undefined || ability === wish.ability) &&
        (wish.unlike === undefined || ability !== wish.unlike),
    );
    const name = this.#draw(
      () => dice.pick(namesOf(this.#split, gender)),
      (one) => !this.cast.some((other) => other.name[0] === one[0]),
    );
    const age = dice.weighted([
      ['', 5],
      ['little', 3],
      ['old', 2],
      ['young', 2],
      ['big', 1],
      ['small', 1],
    ]);
    const character: Character = {
      is: 'character',
      name,
      gender,
      species: kind,
      age,
      trait: dice.pick(traits),
    };
    this.cast.push(character);
    return character;
  }

  /** A new thing of one of these classes; it lies nowhere yet. */
  newThing(
    classes: readonly ThingClass[],
    options: { singular?: boolean; look?: boolean } = {},
  ): Thing {
    const { dice } = this;
    const kind = dice.pick(classes);
    const pool = dice.chance(0.45) ? compoundThings[this.#split][kind] : things[kind];
    const entry = this.#draw(
      () => dice.pick(pool),
      (one) =>
        !this.things.some(({ noun }) => sharePart(noun, one.replace('+', ''))) &&
        !(options.singular === true && one.endsWith('+')),
    );
    const thing: Thing = {
      is: 'thing',
      noun: entry.replace('+', ''),
      plural: entry.endsWith('+'),
      class: kind,
      look: options.look === false ? undefined : this.#drawLook(kind),
    };
    this.things.push(thing);
    return thing;
  }

  #drawLook(kind: ThingClass): Look | undefined {
    const { dice } = this;
    const draw = dice.next();
    const taken = this.things.flatMap(({ look }) => (look === undefined ? [] : [look.word]));
    const free = (words: readonly string[]): string =>
      this.#draw(
        () => dice.pick(words),
        (word) => !taken.includes(word),
      );
    if (kind === 'food') {
      return draw < 0.4
        ? { kind: 'other', word: free(['big', 'little', 'sweet', 'ripe', 'fresh', 'round']) }
        : undefined;
    }
    if (draw < 0.5) return { kind: 'colour', word: free(colours) };
    const materials = materialsOf[kind];
    if (draw < 0.65) return { kind: 'material', word: free(materials) };
    return draw < 0.85 ? { kind: 'other', word: free(looks) } : undefined;
  }

  /** A place that the story has not used. */
  newPlace(fits: (place: Place) => boolean = () => true): Place {
    const pool = this.dice.chance(0.4) ? describedPlaces[this.#split] : places;
    const lastWord = ({ name }: Place): string => name.split(' ').at(-1) as string;
    const free = pool.filter((one) => fits(one) && !this.#placesUsed.has(lastWord(one)));
    const place = this.dice.pick(free);
    this.#placesUsed.add(lastWord(place));
    return place;
  }

  /** Logs an event that changes nothing but what the reader knows. */
  tell(kind: string, roles: Roles): void {
    this.log.push({ kind, roles });
  }

  /** A new paragraph begins. */
  pause(): void {
    this.log.push(pause);
  }

  /** A has T from now on, without a word about it. */
  hold(A: Character, T: Thing): void {
    this.holder.set(T, A);
  }

  /** A gives T to B. */
  give(
    A: Character,
    B: Character,
    T: Thing,
    kind = 'give',
    roles: Omit<Roles, 'A' | 'B' | 'T'> = {},
  ): void {
    invariant(this.holder.get(T) === A, `${A.name} does not have the ${T.noun}`);
    this.holder.set(T, B);
    this.tell(kind, { ...roles, A, B, T });
  }

  /** A loses T; nobody has it. */
  drop(kind: string, roles: Roles & { readonly T: Thing }): void {
    invariant(
      this.holder.get(roles.T) === roles.A,
      `${roles.A.name} does not have the ${roles.T.noun}`,
    );
    this.holder.delete(roles.T);
    this.tell(kind, roles);
  }

  /** A finds or takes T, which nobody had. */
  take(kind: string, roles: Roles & { readonly T: Thing }): void {
    invariant(!this.holder.has(roles.T), `someone has the ${roles.T.noun} already`);
    this.holder.set(roles.T, roles.A);
    this.tell(kind, roles);
  }

  /** A feels F. `when` and `because` are clauses about it: "{A.he} lost {T}", "{A.he} had lost {T}". */
  feel(
    feeling: Feeling,
    roles: Roles & { readonly when?: string; readonly because?: string },
  ): void {
    this.feeling.set(roles.A, feeling);
    this.tell('feel', { ...roles, feeling });
  }

  #draw<Item>(draw: () => Item, fits: (item: Item) => boolean): Item {
    for (let attempt = 0; attempt < 500; attempt++) {
      const item = draw();
      if (fits(item)) return item;
    }
    throw new Error('Corral bug: nothing in the lexicon fits');
  }
}

// "snowball" and "ball", "snowball" and "snowhat": too alike to be told apart at a glance
const sharePart = (one: string, other: string): boolean =>
  one.slice(0, 3) === other.slice(0, 3) || one.slice(-3) === other.slice(-3);
