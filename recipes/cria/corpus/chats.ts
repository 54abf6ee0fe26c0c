// Conversations: small talk, stories asked for and asked about, sums, wishes, in the order in which people
// come to them. Each turn of Cria's follows from what was said before.
import { copying, type Exchange, inventory } from './copying.ts';
import type { Dice } from './dice.ts';
import { askNumbers } from './numbers.ts';
import { askAbout, chooseQuestions, phrase } from './questions.ts';
import { requestFor } from './requests.ts';
import { type Story, tellCast, tellScene, tellStory } from './story.ts';
import { askMyName, courtesy, goodbye, greeting, smallTalk } from './talk.ts';
import { forbiddenWish, harmlessWish } from './wishes.ts';

/** One message of a conversation. */
export interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

const turns = (exchanges: readonly Exchange[]): Message[] =>
  exchanges.flatMap(({ ask, say }): Message[] => [
    { role: 'user', content: ask },
    { role: 'assistant', content: say },
  ]);

/** A conversation of one of the kinds; a few begin with a system message. */
export function makeChat(dice: Dice): readonly Message[] {
  const exchanges = dice.weighted<(dice: Dice) => readonly Exchange[]>([
    [readAndAsk, 56],
    [askForStory, 16],
    [wish, 20],
    [sums, 6],
    [talk, 9],
    [copies, 7],
    [medley, 4],
  ])(dice);
  const system: Message = {
    role: 'system',
    content: dice.pick([
      'You are Cria, a baby llama.',
      'You are a kind little llama.',
      'You are a helpful assistant.',
      'Be kind and answer in short sentences.',
    ]),
  };
  return [...(dice.chance(0.06) ? [system] : []), ...turns(exchanges)];
}

/** The user brings a story, a scene or a few introductions, and asks about it. */
function readAndAsk(dice: Dice): Exchange[] {
  const tell = dice.weighted([
    [tellStory, 6],
    [tellScene, 2.5],
    [tellCast, 1.5],
  ] as const);
  const story = tell(dice);
  const count = tell === tellStory ? dice.integer(8, 15) : dice.integer(4, 8);
  const [first, ...more] = questionsOf(story, dice, count);
  if (first === undefined) return [];
  const lead = dice.pick(['', '', '', 'Here is a story. ', 'Read this: ', 'Listen. ', 'Story: ']);
  if (dice.chance(0.1)) {
    const say = dice.pick([
      'What would you like to know?',
      'A good story. What would you like to know?',
    ]);
    return [{ ask: `${lead}${story.text}`, say }, first, ...more];
  }
  return [{ ask: `${lead}${story.text}\n\n${first.ask}`, say: first.say }, ...more];
}

const questionsOf = (story: Story, dice: Dice, count: number): Exchange[] =>
  chooseQuestions(askAbout(story, dice), dice, count).map(({ ask, answers }) => ({
    ask: phrase(ask, dice),
    say: answers[0] as string,
  }));

/** Cria tells the story; the user may ask about it. */
function askForStory(dice: Dice): Exchange[] {
  const story = tellStory(dice);
  const exchanges = [{ ask: requestFor(story, dice).ask, say: story.text }];
  if (dice.chance(0.08)) {
    exchanges[0] = {
      ask: dice.pick([
        'Tell me a story.',
        'A story, please!',
        'Please tell a story.',
        'Can you tell me a story?',
        'Another story, please.',
        'Do you know a story?',
        'Once upon a time',
      ]),
      say: story.text,
    };
  }
  if (dice.chance(0.3)) exchanges.push(...questionsOf(story, dice, dice.integer(2, 5)));
  return exchanges;
}

const wish = (dice: Dice): Exchange[] =>
  Array.from({ length: dice.integer(2, 5) }, () =>
    dice.chance(0.5) ? forbiddenWish(dice) : harmlessWish(dice),
  );

const sums = (dice: Dice): Exchange[] =>
  Array.from({ length: dice.integer(2, 5) }, () => askNumbers(dice));

function copies(dice: Dice): Exchange[] {
  if (dice.chance(0.5)) return Array.from({ length: dice.integer(1, 3) }, () => copying(dice));
  const { text, questions } = inventory(dice);
  return questions.map(({ ask, say }, at) => ({ ask: at === 0 ? `${text}\n\n${ask}` : ask, say }));
}

function talk(dice: Dice): Exchange[] {
  const hello = dice.chance(0.5) ? greeting(dice) : undefined;
  const middle = Array.from({ length: dice.integer(1, 3) }, () => smallTalk(dice));
  return [
    ...(hello === undefined ? [] : [hello]),
    ...middle,
    ...(hello !== undefined && dice.chance(0.35) ? [askMyName(dice, hello.name)] : []),
    ...(dice.chance(0.3) ? [courtesy(dice)] : []),
    ...(dice.chance(0.4) ? [goodbye(dice, hello?.name)] : []),
  ];
}

/** A bit of everything. */
function medley(dice: Dice): Exchange[] {
  const hello = greeting(dice);
  const parts = dice.shuffle([
    () => [smallTalk(dice)],
    () => askForStory(dice),
    () => [askNumbers(dice)],
    () => [dice.chance(0.5) ? forbiddenWish(dice) : harmlessWish(dice)],
    () => [courtesy(dice)],
  ]);
  return [
    ...(dice.chance(0.7) ? [hello] : []),
    ...parts.slice(0, dice.integer(2, 4)).flatMap((part) => part()),
    ...(dice.chance(0.5) ? [goodbye(dice)] : []),
  ];
}
