// What several plots share: how a story opens, how a thing out of reach is got, how it ends.
import type { Character, Place, Thing } from '../entities.ts';
import { type Ability, relatives, type ThingClass, weathers } from '../lexicon.ts';
import type { World } from '../world.ts';

/** Things one loves, loses, lends and gives. */
export const dear: readonly ThingClass[] = ['wear', 'toy', 'treasure', 'music', 'tool'];

/** Introduces the hero: who it is, where home is, what kind of person. */
export function open(world: World): Character {
  const { dice } = world;
  const A = world.newCharacter();
  const P = world.newPlace();
  world.tell(dice.chance(0.75) ? 'openAtHome' : 'open', { A, P });
  if (dice.chance(0.2)) world.tell('nature', { A });
  return A;
}

/** A owns something, and perhaps the reader hears from whom it came. */
export function own(world: World, A: Character, classes: readonly ThingClass[] = dear): Thing {
  const { dice } = world;
  const T = world.newThing(classes);
  world.hold(A, T);
  if (dice.chance(0.4)) world.tell('ownFrom', { A, T, relative: dice.pick(relatives) });
  else world.tell('own', { A, T });
  return T;
}

/** One day A goes somewhere. */
export function setOut(world: World, A: Character, P: Place = world.newPlace()): Place {
  const { dice } = world;
  if (dice.chance(0.4)) {
    const weather = dice.pick(Object.keys(weathers));
    world.tell('setOutInWeather', { A, P, weather, sky: dice.pick(weathers[weather] as string[]) });
  } else world.tell('setOut', { A, P });
  return P;
}

/** Where things end up that only some can reach. */
const outOfReach: readonly {
  readonly ability: Ability;
  readonly spot: string;
  readonly fetch: string;
}[] = [
  { ability: 'fly', spot: 'high up in a tree', fetch: 'fetchFlying' },
  { ability: 'fly', spot: 'on the roof', fetch: 'fetchFlying' },
  { ability: 'climb', spot: 'on a high branch', fetch: 'fetchClimbing' },
  { ability: 'climb', spot: 'on top of a wall', fetch: 'fetchClimbing' },
  { ability: 'swim', spot: 'in the middle of the water', fetch: 'fetchSwimming' },
  { ability: 'swim', spot: 'at the bottom of a pond', fetch: 'fetchSwimming' },
  { ability: 'dig', spot: 'deep down in a hole', fetch: 'fetchDigging' },
  { ability: 'dig', spot: 'under a heap of earth', fetch: 'fetchDigging' },
  { ability: 'strong', spot: 'under a heavy stone', fetch: 'fetchLifting' },
  { ability: 'strong', spot: 'under a fallen tree', fetch: 'fetchLifting' },
];

/** A sees T where A cannot reach it; a friend who can fetches it. Returns the friend. */
export function fetchWithHelp(world: World, A: Character, T: Thing, known?: Character): Character {
  const { dice } = world;
  const fits = outOfReach.filter(
    ({ ability }) =>
      ability !== A.species.ability && (known === undefined || known.species.ability === ability),
  );
  const { ability, spot, fetch } = dice.pick(
    fits.length > 0 ? fits : outOfReach.filter((one) => one.ability !== A.species.ability),
  );
  world.tell('spot', { A, T, spot });
  world.tell('reachInVain', { A, T });
  const B = known?.species.ability === ability ? known : world.newCharacter({ ability });
  if (B !== known) world.tell('meet', { A, B });
  if (dice.chance(0.3)) world.tell('offer', { A, B, T });
  world.take(fetch, { A: B, B: A, T });
  world.give(B, A, T, 'giveBack');
  return B;
}

/** A thanks B, perhaps with a present; both part as friends. */
export function thank(world: World, A: Character, B: Character): void {
  const { dice } = world;
  if (dice.chance(0.45)) {
    const U = world.newThing(['food', 'food', 'treasure']);
    world.hold(A, U);
    world.give(A, B, U, 'giveInThanks');
  } else world.tell('thank', { A, B });
}

/** The last sentences. */
export function close(world: World, A: Character): void {
  const { dice, ending } = world;
  if (dice.chance(0.6)) world.tell(ending === 'happy' ? 'endHappily' : 'endSadly', { A });
}
