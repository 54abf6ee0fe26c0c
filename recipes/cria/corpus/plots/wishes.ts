// Plots about what someone wants: a thing, a present for a friend, something made with one's own hands.
import type { World } from '../world.ts';
import { close, dear, fetchWithHelp, open, setOut, thank } from './parts.ts';

const chores: readonly string[] = [
  'sweep the floor',
  'carry the water',
  'pick the plums',
  'wash the windows',
  'stack the wood',
  'feed the hens',
  'paint the fence',
  'water the flowers',
  'peel the turnips',
  'clean the stable',
  'fold the sheets',
  'mix the dough',
];

/** The hero sees something and gets it by a trade or by work; or does not get it. */
export function wishForSomething(world: World): void {
  const { dice } = world;
  const A = open(world);
  const T = world.newThing(dear);
  const B = world.newCharacter();
  world.hold(B, T);
  const P = setOut(world, A);
  world.tell('seeWithOther', { A, B, T, P });
  world.tell('want', { A, T });
  world.deed = { text: 'wanted {T.a}', roles: { A, T } };
  world.pause();
  if (world.ending === 'sad') {
    world.tell('refuse', { A: B, B: A, T });
    world.feel('sad', { A, T, when: '{B.name} said no', because: '{A.he} could not have {T}', B });
    close(world, A);
    return;
  }
  if (dice.chance(0.5)) {
    const U = world.newThing(dear);
    world.hold(A, U);
    world.tell('askForTrade', { A: B, B: A, T, U });
    if (dice.chance(0.5)) world.tell('thinkOver', { A, U });
    world.holder.set(T, A);
    world.holder.set(U, B);
    world.tell('trade', { A, B, T, U });
  } else {
    const chore = dice.pick(chores);
    world.tell('askForWork', { A: B, B: A, T, chore });
    world.tell('work', { A, B, T, chore });
    world.give(B, A, T, 'giveAsWages', { chore });
  }
  world.feel(dice.pick(['happy', 'proud'] as const), {
    A,
    T,
    when: '{A.he} got {T}',
    because: '{A.he} had got {T}',
  });
  close(world, A);
}

/** A friend's birthday comes; the hero looks for a present. */
export function giveAPresent(world: World): void {
  const { dice } = world;
  const A = open(world);
  const B = world.newCharacter();
  world.tell('birthday', { A, B });
  world.feel('worried', {
    A,
    B,
    when: '{A.he} thought of the birthday',
    because: '{A.he} had no present for {B.name}',
  });
  world.deed = { text: 'looked for a present', roles: { A } };
  const C = world.newCharacter();
  const T = world.newThing(['wear', 'toy', 'treasure', 'music', 'food']);
  if (dice.chance(0.6)) world.tell('suggest', { A: C, B: A, C: B, T });
  else world.tell('askAdviceInVain', { A, B: C });
  world.pause();
  const way = dice.weighted([
    ['find', 3],
    ['make', 3],
    ['fetch', 2],
  ] as const);
  if (way === 'find') {
    const P = setOut(world, A);
    world.take('findPresent', { A, T, P, B });
  } else if (way === 'make') world.take('make', { A, T, B });
  else {
    setOut(world, A);
    fetchWithHelp(world, A, T, C);
  }
  if (world.ending === 'sad') {
    world.give(A, B, T, 'giveAsPresent');
    world.tell('dislike', { A: B, T, B: A });
    world.feel('sad', {
      A,
      B,
      T,
      when: '{B.name} did not like {T}',
      because: '{B.name} did not like {T}',
    });
  } else {
    world.give(A, B, T, 'giveAsPresent');
    world.feel('happy', {
      A: B,
      T,
      B: A,
      when: '{A.he} got {T}',
      because: '{B.name} had given {A.them} {T}',
    });
    if (dice.chance(0.5)) world.tell('party', { A, B });
  }
  close(world, A);
}

/** The hero builds something; one piece is missing and a friend has it. */
export function buildSomething(world: World): void {
  const { dice } = world;
  const A = open(world);
  const T = world.newThing(['toy', 'music'], { singular: true });
  const P = world.newPlace();
  world.tell('startBuilding', { A, T, P });
  world.deed = { text: 'built {T.a}', roles: { A, T } };
  const missing = dice.pick([
    'a nail',
    'a piece of string',
    'some glue',
    'a wheel',
    'a board',
    'some paint',
    'a strap',
    'a stick',
  ]);
  world.tell('missPiece', { A, T, missing });
  world.pause();
  if (dice.chance(0.5)) world.tell('askPieceInVain', { A, B: world.newCharacter(), missing });
  if (world.ending === 'sad') {
    world.tell('fallApart', { A, T });
    world.feel('sad', { A, T, when: '{T} fell apart', because: '{T} had fallen apart' });
  } else {
    const B = world.newCharacter();
    world.tell('bringPiece', { A: B, B: A, missing });
    world.take('finish', { A, T });
    world.feel('proud', { A, T, when: '{T} {T.was} ready', because: '{A.he} had built {T}' });
    if (dice.chance(0.6)) thank(world, A, B);
  }
  close(world, A);
}
