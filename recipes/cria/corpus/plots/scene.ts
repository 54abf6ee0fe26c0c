// Scenes without a plot: a few things that happen to two or three people, or people who are only introduced.
import type { Character } from '../entities.ts';
import type { World } from '../world.ts';
import { dear, open, own, setOut } from './parts.ts';

/** Lets a few things happen. */
export function happen(world: World): void {
  const { dice } = world;
  const A = open(world);
  const acts = dice.shuffle([
    () => giveSomething(world, A),
    () => visit(world),
    () => findSomething(world, A),
    () => world.tell('friend', { A, B: world.newCharacter() }),
    () => tellFear(world, A),
    () => own(world, A),
    () => void setOut(world, A),
    () => breakOwn(world),
  ]);
  for (const act of acts.slice(0, dice.integer(1, 3))) act();
}

/** Tells who lives where, one after the other. */
export function introduce(world: World): void {
  const { dice } = world;
  for (let left = dice.integer(2, 4); left > 0; left--) {
    const A = world.newCharacter();
    world.tell('openAtHome', { A, P: world.newPlace() });
    if (dice.chance(0.3)) own(world, A);
  }
}

function giveSomething(world: World, A: Character): void {
  const { dice } = world;
  const T = own(world, A);
  const B = world.newCharacter();
  world.tell('meet', { A, B });
  world.give(A, B, T, dice.pick(['giveInThanks', 'giveForLuck', 'giveAsPresent']));
  world.feel('happy', {
    A: B,
    B: A,
    T,
    when: '{A.he} got {T}',
    because: '{B.name} had given {A.them} {T}',
  });
}

function visit(world: World): void {
  world.tell('newcomer', { A: world.newCharacter(), P: world.newPlace() });
}

function findSomething(world: World, A: Character): void {
  const P = world.newPlace();
  const T = world.newThing(dear);
  world.take('find', { A, T, P });
}

function tellFear(world: World, A: Character): void {
  world.tell('fear', { A, fear: world.dice.pick(['the dark', 'thunder', 'deep water', 'bees']) });
}

function breakOwn(world: World): void {
  const [A, B] = [world.newCharacter(), world.newCharacter()];
  const T = world.newThing(['toy', 'tool', 'music'], { singular: true });
  world.hold(B, T);
  world.tell('friendOwns', { A, B, T });
  world.tell('break', { A, B, T });
}
