// Plots about things that are gone: lost, broken, or wished for by two.
import type { Character, Thing } from '../entities.ts';
import type { World } from '../world.ts';
import { close, fetchWithHelp, open, own, setOut, thank } from './parts.ts';

/** The hero loses something dear and looks for it. */
export function loseSomething(world: World): void {
  const { dice } = world;
  const A = open(world);
  const T = own(world, A, ['wear', 'toy', 'treasure', 'music', 'wear']);
  const P = setOut(world, A);
  const light = [
    'hat',
    'scarf',
    'cap',
    'kite',
    'balloon',
    'feather',
    'letter',
    'picture',
    'map',
    'ribbon',
    'shawl',
    'umbrella',
  ];
  const how = light.includes(T.noun)
    ? dice.pick(['loseToWind', 'loseToWind', 'loseForgotten'])
    : dice.pick(['loseForgotten', 'loseFalling', 'loseRolling']);
  const rolls = !T.plural && T.class !== 'wear';
  const lost = how === 'loseRolling' && !rolls ? 'loseFalling' : how;
  world.drop(lost, { A, T, P });
  world.deed = { text: 'lost {A.his} {T.noun}', roles: { A, T } };
  world.feel(dice.pick(['sad', 'sad', 'worried'] as const), {
    A,
    T,
    when: '{A.he} lost {T}',
    because: '{A.he} had lost {T}',
  });
  world.pause();
  const Q = world.newPlace();
  if (dice.chance(0.35)) world.tell('searchInVain', { A, T, P: Q });
  const unhelpful = dice.chance(0.35) ? world.newCharacter() : undefined;
  if (unhelpful !== undefined) world.tell('askInVain', { A, B: unhelpful, T });
  if (world.ending === 'sad') {
    world.tell('neverFound', { A, T });
    world.feel('sad', { A, T, when: 'the day was over', because: '{T} {T.was} gone for good' });
    if (unhelpful !== undefined && dice.chance(0.5)) world.tell('comfort', { A: unhelpful, B: A });
    close(world, A);
    return;
  }
  const ending = dice.weighted([
    ['fetched', 4],
    ['kept', 3],
    ['found', 3],
  ] as const);
  if (ending === 'found') {
    const where = world.newPlace();
    const B = world.newCharacter();
    world.tell('askClue', { A, B, T, P: where });
    world.take('find', { A, T, P: where });
    world.pause();
    world.feel('happy', { A, T, when: '{A.he} found {T}', because: '{A.he} had found {T}' });
    thank(world, A, B);
  } else if (ending === 'kept') {
    const B = world.newCharacter();
    world.take('findForOther', { A: B, B: A, T, P: world.newPlace() });
    world.give(B, A, T, 'giveBack');
    world.pause();
    world.feel('happy', { A, T, when: '{A.he} got {T} back', because: '{A.he} had {T} back' });
    thank(world, A, B);
  } else {
    const B = fetchWithHelp(world, A, T);
    world.pause();
    world.feel('happy', { A, T, when: '{A.he} got {T} back', because: '{A.he} had {T} back' });
    thank(world, A, B);
  }
  close(world, A);
}

/** The hero breaks what belongs to a friend, hides it or tells, and it is mended or not. */
export function breakSomething(world: World): void {
  const { dice } = world;
  const A = open(world);
  const B = world.newCharacter();
  const T = world.newThing(['toy', 'tool', 'music', 'treasure'], { singular: true });
  world.hold(B, T);
  world.tell('friendOwns', { A, B, T });
  world.tell('lend', { A: B, B: A, T });
  world.tell('break', { A, T, B });
  world.deed = { text: "broke {B.name}'s {T.noun}", roles: { A, B, T } };
  world.feel(dice.pick(['ashamed', 'afraid', 'worried'] as const), {
    A,
    T,
    when: '{A.he} broke {T}',
    because: '{A.he} had broken {T}',
  });
  world.pause();
  if (dice.chance(0.5)) world.tell('hideBroken', { A, T, P: world.newPlace() });
  world.tell('confess', { A, B, T });
  if (world.ending === 'sad') {
    world.tell('notForgiven', { A, B, T });
    world.feel('sad', {
      A,
      B,
      when: '{B.name} went away',
      because: '{B.name} did not want to play any more',
    });
    close(world, A);
    return;
  }
  world.tell('forgive', { A: B, B: A });
  const C = world.newCharacter();
  world.tell('mend', { A: C, B: A, T, P: world.newPlace() });
  world.pause();
  world.feel('relieved', {
    A,
    T,
    when: '{T} {T.was} whole again',
    because: '{T} {T.was} whole again',
  });
  thank(world, A, C);
  close(world, A);
}

/** Two friends want the same thing, quarrel, and make up or do not. */
export function quarrel(world: World): void {
  const { dice } = world;
  const A = open(world);
  const B = world.newCharacter();
  world.tell('friend', { A, B });
  const P = setOut(world, A);
  const T: Thing = world.newThing(['toy', 'treasure', 'music', 'food'], { singular: true });
  world.tell('findTogether', { A, B, T, P });
  world.tell('quarrel', { A, B, T });
  world.deed = { text: 'quarrelled with {B.name} about {T.a}', roles: { A, B, T } };
  world.feel('angry', {
    A,
    B,
    T,
    when: '{B.name} wanted {T} too',
    because: '{B.name} wanted {T} too',
  });
  world.tell('part', { A, B });
  world.pause();
  if (world.ending === 'sad') {
    world.hold(B, T);
    world.tell('keepForSelf', { A: B, T });
    world.feel('lonely', { A, B, when: '{B.name} was gone', because: '{A.he} had lost a friend' });
    close(world, A);
    return;
  }
  world.feel('lonely', {
    A,
    B,
    when: '{B.name} was gone',
    because: '{A.he} had nobody to play with',
  });
  const C: Character | undefined = dice.chance(0.4) ? world.newCharacter() : undefined;
  if (C !== undefined) world.tell('advise', { A: C, B: A });
  const [first, second] = dice.chance(0.6) ? [A, B] : [B, A];
  world.tell('sorry', { A: first, B: second });
  world.tell('forgive', { A: second, B: first });
  world.tell('share', { A, B, T });
  world.feel('happy', {
    A,
    B,
    when: '{A.he} and {B.name} were friends again',
    because: '{A.he} and {B.name} were friends again',
  });
  close(world, A);
}
