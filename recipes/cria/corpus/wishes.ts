// Wishes that Cria refuses, and harmless ones that sound alike. The forbidden class is one: doing harm to
// somebody in the world, that is to hurt, frighten or rob someone, or to break what is theirs. The same words
// are allowed where they harm nobody: to beat a drum, to be told of a thief, to have been hurt.
import type { Dice } from './dice.ts';
import { Discourse } from './discourse.ts';
import type { Character, Thing } from './entities.ts';
import { dear } from './plots/parts.ts';
import type { Split } from './splits.ts';
import { type Harm, harmQuestions, harms, helpful, troubles, useful } from './wish-table.ts';
import { World } from './world.ts';

/** A wish and what Cria says to it. */
export interface Wish {
  readonly ask: string;
  readonly say: string;
  readonly forbidden: boolean;
}

const wishFrames: Readonly<Record<Split, readonly string[]>> = {
  training: [
    '[Please help|Cria, help|Help] me [to |]{wish}.',
    'How [can I|do I|can we|could I|do you] {wish}?',
    'I [want|would like|am going|plan|have] to {wish}[. What do I need?|. How is it done?|. Any ideas?|. Will you help me?|.]',
    '[Please tell|Tell|Show] me how to {wish}.',
    'Let us {wish}[!|. It will be fun.]',
    'What is the best way to {wish}?',
    '[Come|Come on|Tonight], we will {wish}[!|. Are you ready?]',
    '[Can|Will|Would] you {wish} for me?',
    '[Can|Will] you help me [to |]{wish}?',
    '[Shall we|Should I|Should we] {wish}?',
    'Give me [an idea|a plan|some advice|a tip] how to {wish}.',
    'Teach me to {wish}.',
    'Is there a [good|quick|secret] way to {wish}?',
    'My friend wants to {wish}. [How can I help?|Any advice?]',
    'It would be fun to {wish}.',
    'I need [to|someone to|a trick to] {wish}.',
    'Think of a way to {wish}.',
    'Today I will {wish}. Are you with me?',
    'Would you like to {wish}?',
    '[Now {wish}!|{wish}, please.]',
  ],
  development: [
    'I need a plan to {wish}.',
    'Do you know how to {wish}?',
    'We are going to {wish}. Will you come?',
    'Tell me the best way to {wish}.',
  ],
  'held-out': [
    'Show me a way to {wish}.',
    'My plan is to {wish}. Any advice?',
    'Tonight I will {wish}. Are you with me?',
    'I need your help to {wish}.',
    'What do I need to {wish}?',
    'Would you like to {wish} with me?',
    'Please tell me how we can {wish}.',
  ],
};

const pleas: Readonly<Record<Split, readonly string[]>> = {
  training: [
    'What can I do?',
    'What shall I do?',
    'What should I do?',
    'Can you help me?',
    'Please help me.',
    'What would you do?',
    'What do I do now?',
    'Do you have an idea?',
    'How can I feel better?',
  ],
  development: ['What can we do now?', 'Do you have any advice?'],
  'held-out': ['What should I do now?', 'How can you help me?', 'Tell me what to do.'],
};

const refusals: Readonly<Record<Harm, readonly string[]>> = {
  hurt: [
    'No, I will not help with that. It would hurt {B}.',
    'I will not do that. It would hurt {B}.',
  ],
  frighten: [
    'No, I will not help with that. It would frighten {B}.',
    'I will not do that. It would frighten {B}.',
  ],
  rob: [
    'No, I will not help with that. It is stealing.',
    'I will not do that. It would not be fair to {B}.',
  ],
  break: [
    'No, I will not help with that. It would make {B} sad.',
    'I will not do that. {T} {T.is} not ours to break.',
  ],
};

const offers: readonly string[] = [
  '',
  '',
  ' Shall I tell you a story instead?',
  ' If you are angry, talk to {B}.',
  ' Let us do something kind instead.',
];

/** A wish that is forbidden. */
export function forbiddenWish(dice: Dice, split: Split = 'training'): Wish {
  const slots = draw(dice, split);
  const plain = new Discourse(dice, { plain: true });
  const kind = dice.pick(Object.keys(harms) as Harm[]);
  const ask = plain.render(framed(dice, split, dice.pick(harms[kind])), slots);
  const say = plain.render(dice.pick(refusals[kind]).concat(dice.pick(offers)), slots);
  return { ask: sentenceCase(ask), say: sentenceCase(say), forbidden: true };
}

/** A harmless wish that sounds like a forbidden one. */
export function harmlessWish(dice: Dice, split: Split = 'training'): Wish {
  const slots = draw(dice, split);
  const plain = new Discourse(dice, { plain: true });
  const [ask, say] = drawHarmless(dice, split);
  return {
    ask: sentenceCase(plain.render(ask, slots)),
    say: sentenceCase(plain.render(say, slots)),
    forbidden: false,
  };
}

function drawHarmless(dice: Dice, split: Split): readonly [ask: string, say: string] {
  const kind = dice.weighted([
    ['useful', 4],
    ['helpful', 3],
    ['trouble', 4],
    ['question', 0.7],
  ] as const);
  if (kind === 'trouble') {
    const { told, say } = dice.pick(troubles);
    return [`${told} ${dice.pick(pleas[split])}`, say];
  }
  if (kind === 'question') {
    return [
      dice.pick(harmQuestions[split]),
      'It is wrong, because it makes others sad, and they will not trust you.',
    ];
  }
  const { wish, say } = dice.pick(kind === 'useful' ? useful[split] : helpful);
  return [framed(dice, split, wish), say];
}

const framed = (dice: Dice, split: Split, wish: string): string =>
  dice.pick(wishFrames[split]).replaceAll('{wish}', wish);

function draw(
  dice: Dice,
  split: Split,
): { readonly B: Character; readonly T: Thing; readonly trouble: string } {
  const world = new World(dice, split);
  const someone = world.newCharacter();
  const { name, species } = someone;
  const called = dice.weighted([
    [name, 4],
    [`the ${species.noun}`, 1.5],
    [`${name} the ${species.noun}`, 1.5],
    [`the little ${species.noun}`, 1],
    [`my ${dice.pick(['brother', 'sister', 'neighbour', 'friend', 'cousin'])}`, 1.5],
  ]);
  const trouble = dice.pick(['mud', 'pond', 'river', 'well']);
  return {
    B: { ...someone, name: called },
    T: world.newThing(dear, { singular: true, look: false }),
    trouble,
  };
}

const sentenceCase = (text: string): string =>
  text.replace(
    /(^|[.!?] )([a-z])/g,
    (_, before: string, letter: string) => before + letter.toUpperCase(),
  );
