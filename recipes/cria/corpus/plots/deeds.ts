// Plots about what someone dares or does for others: fears, rescues, errands, contests, new neighbours.
import type { World } from '../world.ts';
import { close, open, own, setOut } from './parts.ts';

const fears: readonly (readonly [string, string])[] = [
  ['the dark', 'walk through the dark cellar'],
  ['thunder', 'look out of the window in a storm'],
  ['deep water', 'jump into the pond'],
  ['high places', 'cross the high bridge'],
  ['strangers', 'speak to the new neighbour'],
  ['the old cave', 'look into the old cave'],
  ['bees', 'walk past the beehive'],
  ['the big wind', 'climb the windy hill'],
];

/** The hero is afraid of something and dares it, or does not. */
export function dare(world: World): void {
  const { dice } = world;
  const A = open(world);
  const [fear, test] = dice.pick(fears);
  world.tell('fear', { A, fear });
  world.deed = { text: `was afraid of ${fear}`, roles: { A } };
  const B = world.newCharacter();
  world.tell('friend', { A, B });
  world.tell('challenge', { A: B, B: A, test });
  world.pause();
  if (world.ending === 'sad') {
    world.tell('runAway', { A, fear });
    world.feel('ashamed', { A, when: '{A.he} ran away', because: '{A.he} had run away' });
    close(world, A);
    return;
  }
  if (dice.chance(0.6)) {
    const T = world.newThing(['treasure', 'wear', 'tool'], { singular: true });
    world.hold(B, T);
    world.give(B, A, T, 'giveForLuck');
  } else world.tell('holdHand', { A: B, B: A });
  world.tell('dareIt', { A, test });
  world.feel('proud', { A, when: '{A.he} had done it', because: `{A.he} had dared to ${test}` });
  if (dice.chance(0.5)) world.tell('praise', { A: B, B: A });
  close(world, A);
}

const traps: readonly (readonly [string, string])[] = [
  ['stuck in the mud', 'pulled'],
  ['in a deep hole', 'pulled'],
  ['caught in a bush of thorns', 'pulled'],
  ['on a rock in the river', 'led'],
  ['up in a tree and could not get down', 'led'],
  ['shut in an empty shed', 'let'],
  ['lost in the fog', 'led'],
];

/** The hero hears a call for help and rescues someone, perhaps with a tool of a third. */
export function rescue(world: World): void {
  const { dice } = world;
  const A = open(world);
  const P = setOut(world, A);
  const B = world.newCharacter();
  const [trap] = dice.pick(traps);
  world.tell('hearCall', { A, P });
  world.tell('trapped', { A: B, B: A, trap });
  world.deed = { text: `helped someone who was ${trap}`, roles: { A, B } };
  world.pause();
  if (world.ending === 'sad') {
    world.tell('helpInVain', { A, B });
    world.feel('sad', {
      A,
      B,
      when: '{A.he} could not help',
      because: '{A.he} could not help {B.name}',
    });
    world.tell('waitTogether', { A, B });
    return;
  }
  if (dice.chance(0.65)) {
    const T = world.newThing(['tool'], { singular: true });
    const C = world.newCharacter();
    world.hold(C, T);
    world.tell('runFor', { A, C, B: C });
    world.give(C, A, T, 'lendTool');
    world.tell('rescueWith', { A, B, T });
  } else world.tell('rescue', { A, B });
  world.feel('grateful', {
    A: B,
    B: A,
    when: '{B.name} had helped {A.them}',
    because: '{B.name} had helped {A.them}',
  });
  if (dice.chance(0.6)) {
    const U = world.newThing(['food', 'treasure']);
    world.hold(B, U);
    world.give(B, A, U, 'giveInThanks');
  }
  close(world, A);
}

/** The hero carries something to someone far off and meets an obstacle. */
export function errand(world: World): void {
  const { dice } = world;
  const A = open(world);
  const B = world.newCharacter();
  const ill = dice.chance(0.5);
  const T = ill ? world.newThing(['food']) : world.newThing(['treasure', 'tool', 'wear', 'music']);
  const P = world.newPlace();
  world.hold(A, T);
  world.tell(ill ? 'errandForIll' : 'errand', { A, B, T, P });
  world.deed = { text: 'brought {T.a} to a friend', roles: { A, T, B } };
  const obstacle = dice.pick(['loseWay', 'riverInWay', 'hungryOnWay'] as const);
  world.pause();
  const C = world.newCharacter(obstacle === 'riverInWay' ? { ability: 'swim' } : {});
  world.tell(obstacle, { A, T });
  if (world.ending === 'sad') {
    world.drop('loseToRiver', { A, T, P });
    world.feel('sad', { A, T, when: '{T} {T.was} gone', because: '{T} {T.was} gone' });
    world.tell('comeEmptyHanded', { A, B });
    close(world, A);
    return;
  }
  world.tell(`${obstacle}Helped`, { A: C, B: A, T });
  world.give(A, B, T, 'deliver', { P });
  world.feel(dice.pick(['happy', 'grateful'] as const), {
    A: B,
    B: A,
    T,
    when: '{B.name} came',
    because: '{B.name} had brought {T}',
  });
  close(world, A);
}

const contests: readonly (readonly [string, string])[] = [
  ['a race', 'run'],
  ['a singing contest', 'sing'],
  ['a baking contest', 'bake'],
  ['a dancing contest', 'dance'],
  ['a jumping contest', 'jump'],
  ['a drawing contest', 'draw'],
  ['a swimming race', 'swim'],
];

/** A contest: the hero practises, wins or loses, and a prize changes hands. */
export function compete(world: World): void {
  const { dice } = world;
  const A = open(world);
  const P = world.newPlace();
  const [contest, verb] = dice.pick(contests);
  world.tell('contest', { A, P, contest });
  world.deed = { text: `took part in ${contest}`, roles: { A } };
  const B = world.newCharacter();
  world.tell('practise', { A, B, verb });
  world.pause();
  const T = world.newThing(['treasure', 'wear', 'food', 'toy']);
  const rival = world.newCharacter();
  const winner = world.ending === 'happy' && dice.chance(0.7) ? A : rival;
  world.take('win', { A: winner, B: winner === A ? rival : A, T });
  if (winner === A) {
    world.feel('proud', { A, T, when: '{A.he} won', because: '{A.he} had won' });
    if (dice.chance(0.4)) world.tell('shareWith', { A, B, T });
  } else if (world.ending === 'happy') {
    world.tell('congratulate', { A, B: rival });
    world.feel('happy', {
      A,
      B: rival,
      when: '{B.name} said thank you',
      because: '{A.he} had a new friend',
    });
  } else {
    world.feel(dice.pick(['sad', 'jealous'] as const), {
      A,
      B: rival,
      when: '{B.name} won',
      because: '{B.name} had won',
    });
  }
  close(world, A);
}

/** A stranger comes to live nearby; somebody makes the first step. */
export function newNeighbour(world: World): void {
  const { dice } = world;
  const A = open(world);
  world.feel('lonely', { A, when: 'the story began', because: '{A.he} had no friends' });
  const B = world.newCharacter();
  const P = world.newPlace();
  world.tell('newcomer', { A: B, P });
  world.deed = { text: 'had no friends', roles: { A } };
  world.pause();
  if (world.ending === 'sad') {
    world.tell('tooShy', { A, B });
    world.tell('moveAway', { A: B });
    world.feel('sad', {
      A,
      B,
      when: '{B.name} moved away',
      because: '{A.he} had never said hello',
    });
    close(world, A);
    return;
  }
  const T = dice.chance(0.5) ? world.newThing(['food']) : own(world, A, ['toy', 'music']);
  world.hold(A, T);
  world.give(A, B, T, 'giveWelcome');
  world.tell('playTogether', { A, B });
  world.feel('happy', {
    A,
    B,
    when: '{B.name} became {A.his} friend',
    because: '{A.he} had a friend now',
  });
  close(world, A);
}
