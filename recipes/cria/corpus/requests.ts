// Requests for a story, made from what the story turned out to be: so that hero, thing, place, deed and
// ending asked for are those told.
import type { Dice } from './dice.ts';
import { Discourse } from './discourse.ts';
import type { Thing } from './entities.ts';
import type { Split } from './splits.ts';
import type { Story } from './story.ts';

/** A request with what an answer to it must contain. */
export interface StoryRequest {
  readonly ask: string;
  /** Name or kind of the hero, whichever the request says (both if it says both). */
  readonly hero: readonly string[];
  readonly thing: string | undefined;
}

const frames: Readonly<Record<Split, readonly string[]>> = {
  training: [
    'Tell me a story about {what}.',
    '[Please tell|Now tell|Cria, tell|Tell] [me |us |]a [short |little |nice |new |good |]story about {what}.',
    '[Can|Could|Will|Would] you [please |][tell|write|make up] a [short |little |nice |]story about {what}?',
    '[Can|Will] you tell [me|us] a story about {what}?',
    '[I want|I would like|We want|We would like|My brother wants|The children want] [to hear |]a story about {what}.',
    'A story about {what}[, please|].',
    'Now a story about {what}[, please|].',
    '[Please write|Write|Make up|Invent] a [short |little |new |]story about {what}.',
    'Do you know a [good |nice |]story about {what}?',
    'I am [tired|bored|sad|ill]. Tell me a story about {what}.',
    '[Hello|Hi|Good evening|Good morning][, Cria|]! [Please tell|Tell] [me |]a story about {what}.',
    '[Tell me|Write] about {what}.',
    'Please read [me |us |]a story about {what}.',
    'We need a story about {what}.',
    'Have you got a story about {what} for [me|my friend]?',
    'One more story, [please. Tell it about|this time about] {what}.',
  ],
  development: [
    'Could I have a story about {what}?',
    'It is late. Tell me one more story about {what}.',
    'Do you know any little story about {what}?',
    'My mother wants to hear a story about {what}.',
  ],
  'held-out': [
    'My sister would like a story about {what}.',
    'It is bedtime. Please tell a story about {what}.',
    'Do you have a story about {what} for us?',
    'Could we hear a story about {what}, please?',
    'Think of a new story about {what}.',
    'Cria, will you write me a story about {what}?',
  ],
};

/** A request this story fulfils. */
export function requestFor(story: Story, dice: Dice, split: Split = 'training'): StoryRequest {
  const { world, told } = story;
  const plain = new Discourse(dice, { plain: true });
  const A = world.hero;
  const T: Thing | undefined = (world.deed?.roles['T'] as Thing | undefined) ?? story.things[0];
  const P = story.events.find(({ roles }) => roles.P !== undefined)?.roles.P;
  const kindTold = told.has(A);
  const naming = kindTold
    ? dice.weighted([
        ['{A.a}', 3],
        ['{A.a} [called|named] {A}', 3],
        ['{A} the {A.kind}', 2],
        ['{A.a} whose name is {A}', 0.5],
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
    ask: plain.render(dice.pick(frames[split]), { what }),
    hero: [
      ...(naming.includes('{A}') ? [A.name] : []),
      ...(naming.includes('.a}') || naming.includes('kind') ? [A.species.noun] : []),
    ],
    thing: thingSaid ? T?.noun : undefined,
  };
}
