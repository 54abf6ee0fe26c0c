// Requests for a story, made from what the story turned out to be: so that hero, thing, place, deed and
// ending asked for are those told.
import type { Dice } from './dice.ts';
import { Discourse } from './discourse.ts';
import type { Thing } from './entities.ts';
import type { Phrasing } from './questions.ts';
import type { Story } from './story.ts';

/** A request with what an answer to it must contain. */
export interface StoryRequest {
  readonly ask: string;
  /** Name or kind of the hero, whichever the request says (both if it says both). */
  readonly hero: readonly string[];
  readonly thing: string | undefined;
}

const frames: Readonly<Record<Phrasing, readonly string[]>> = {
  training: [
    'Tell me a story about {what}.',
    'Tell a story about {what}.',
    'Please tell [me|us] a story about {what}.',
    'Write a [short |little |]story about {what}.',
    'Can you tell me a story about {what}?',
    '[I want|I would like] to hear a story about {what}.',
    'A story about {what}, please.',
    'Please write a story about {what}.',
    'Tell me about {what}.',
    'Will you tell me a story about {what}?',
    'Now a story about {what}.',
  ],
  'held-out': [
    'Could you make up a story about {what}?',
    'My sister wishes for a story about {what}.',
    'It is bedtime. Tell a story about {what}, please.',
    'Let me hear a story about {what}.',
    'Do you have a story about {what} for me?',
  ],
};

/** A request this story fulfils. */
export function requestFor(
  story: Story,
  dice: Dice,
  phrasing: Phrasing = 'training',
): StoryRequest {
  const { world, told } = story;
  const plain = new Discourse(dice, { plain: true });
  const A = world.hero;
  const T: Thing | undefined = (world.deed?.roles['T'] as Thing | undefined) ?? story.things[0];
  const P = story.events.find(({ roles }) => roles.P !== undefined)?.roles.P;
  const kindTold = told.has(A);
  const naming = kindTold
    ? dice.weighted([
        ['{A.a}', 4],
        ['{A.a} called {A}', 2.5],
        ['{A} the {A.kind}', 2],
        ['{A}', 1],
      ])
    : '{A}';
  const withDeed = world.deed !== undefined && dice.chance(0.55);
  const withThing =
    T !== undefined && !(withDeed && world.deed?.text.includes('{T')) && dice.chance(0.55);
  const about = [
    naming,
    withThing && !withDeed ? dice.pick([' and {T.a}', ' with {T.a}']) : '',
    withDeed ? ` who ${world.deed?.text}` : '',
    withThing && withDeed ? ', with {T.a} in it' : '',
    P !== undefined && dice.chance(0.12) ? dice.pick([', {P.at}', ' {P.at}']) : '',
    dice.chance(0.4) ? `${dice.pick([' with', ', with'])} a ${world.ending} end` : '',
  ];
  const slots = { ...world.deed?.roles, A, T, P };
  const what = plain.render(about.join(''), slots);
  const thingSaid = withThing || (withDeed && world.deed?.text.includes('{T') === true);
  return {
    ask: plain.render(dice.pick(frames[phrasing]), { what }),
    hero: [
      ...(naming.includes('{A}') ? [A.name] : []),
      ...(naming.includes('.a}') || naming.includes('kind') ? [A.species.noun] : []),
    ],
    thing: thingSaid ? T?.noun : undefined,
  };
}
