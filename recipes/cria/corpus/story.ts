// One story: a plot plays in a world, and the log of what happened becomes text.
import { present } from '../../../src/base/invariant.ts';
import type { Dice } from './dice.ts';
import { Discourse } from './discourse.ts';
import type { Character, Roles, Thing } from './entities.ts';
import { eventPhrasings } from './phrasings-events.ts';
import { feelingPhrasings, feelingShown, framePhrasings } from './phrasings-frame.ts';
import { compete, dare, errand, newNeighbour, rescue } from './plots/deeds.ts';
import { breakSomething, loseSomething, quarrel } from './plots/loss.ts';
import { happen, introduce } from './plots/scene.ts';
import { buildSomething, giveAPresent, wishForSomething } from './plots/wishes.ts';
import type { Split } from './splits.ts';
import { type Event, pause, World } from './world.ts';

/** A story with the world it happened in. */
export interface Story {
  readonly text: string;
  readonly world: World;
  readonly events: readonly Event[];
  /** Things that occur in the text, in order. */
  readonly things: readonly Thing[];
  /** Things whose look and characters whose kind the text has told. */
  readonly told: ReadonlySet<Character | Thing>;
}

const plots: readonly (readonly [(world: World) => void, number])[] = [
  [loseSomething, 4],
  [wishForSomething, 2],
  [giveAPresent, 2],
  [rescue, 2],
  [errand, 2],
  [quarrel, 1.5],
  [breakSomething, 1.5],
  [buildSomething, 1],
  [dare, 1.5],
  [compete, 1.5],
  [newNeighbour, 1],
];

/** Makes up a story. */
export function tellStory(dice: Dice, split: Split = 'training'): Story {
  const world = new World(dice, split);
  world.ending = dice.chance(0.75) ? 'happy' : 'sad';
  return play(dice.weighted(plots), world);
}

/** Makes up a scene: a few things that happen, and no plot. Short to read, with as much to ask about. */
export function tellScene(dice: Dice, split: Split = 'training'): Story {
  return play(happen, new World(dice, split));
}

/** Introduces a few people: the shortest text with many facts to tell apart. */
export function tellCast(dice: Dice, split: Split = 'training'): Story {
  return play(introduce, new World(dice, split));
}

function play(plot: (world: World) => void, world: World): Story {
  plot(world);
  const told = realise(world);
  const things = told.events.flatMap(({ roles: { T, U } }) => [T, U]);
  return { ...told, world, things: [...new Set(things.filter((one) => one !== undefined))] };
}

function realise(world: World): Omit<Story, 'world' | 'things'> {
  const { dice } = world;
  const discourse = new Discourse(dice, { cast: world.cast });
  const used = new Set<string>();
  const paragraphs: string[][] = [[]];
  const events: Event[] = [];
  const breaks = dice.chance(0.7);
  for (const entry of world.log) {
    if (entry === pause) {
      if (!breaks) continue;
      paragraphs.push([]);
      discourse.breakParagraph();
      continue;
    }
    events.push(entry);
    const fresh = patternsFor(entry).filter((pattern) => !used.has(pattern));
    const pattern = dice.pick(fresh.length > 0 ? fresh : patternsFor(entry));
    used.add(pattern);
    present(paragraphs.at(-1), 'paragraph').push(discourse.render(pattern, rolesFor(entry, dice)));
  }
  const text = paragraphs.map((sentences) => sentences.join(' ')).join('\n');
  return { text, events, told: discourse.told };
}

function patternsFor({ kind, roles }: Event): readonly string[] {
  if (kind === 'feel') {
    return roles['because'] === undefined
      ? feelingPhrasings.filter((pattern) => !pattern.includes('{because}'))
      : feelingPhrasings;
  }
  return present(framePhrasings[kind] ?? eventPhrasings[kind], `phrasings of ${kind}`);
}

function rolesFor({ kind, roles }: Event, dice: Dice): Roles {
  if (kind === 'nature') {
    return { ...roles, trait: roles.A.trait.word, nature: dice.pick(roles.A.trait.shown) };
  }
  if (kind === 'feel') {
    const shown = feelingShown[roles['feeling'] as string];
    return { ...roles, shown: dice.pick(present(shown, 'signs of a feeling')) };
  }
  return roles;
}
