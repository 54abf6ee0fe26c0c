// Plain documents for pretraining: stories, stories with questions, requests with their story, exercises,
// small talk. No chat format: a base model continues text.
import { copying, type Exchange, inventory } from './copying.ts';
import type { Dice } from './dice.ts';
import { askNumbers } from './numbers.ts';
import { askAbout, chooseQuestions } from './questions.ts';
import { requestFor } from './requests.ts';
import { type Story, tellScene, tellStory } from './story.ts';
import { smallTalk } from './talk.ts';
import { forbiddenWish, harmlessWish } from './wishes.ts';

/** One document of a mixture. */
export function makeDocument(dice: Dice): string {
  return dice.weighted<(dice: Dice) => string>([
    [storyWithQuestions, 40],
    [sceneWithQuestions, 25],
    [(one) => tellStory(one).text, 8],
    [requestedStory, 13],
    [facts, 8],
    [exercises, 6],
    [numbers, 4],
    [talk, 2],
    [wishes, 4],
  ])(dice);
}

const answered = (exchanges: readonly Exchange[]): string =>
  exchanges.map(({ ask, say }) => `Question: ${ask}\nAnswer: ${say}`).join('\n');

const storyWithQuestions = (dice: Dice): string => withQuestions(tellStory(dice), dice);
const sceneWithQuestions = (dice: Dice): string => withQuestions(tellScene(dice), dice);

function withQuestions(story: Story, dice: Dice): string {
  const questions = chooseQuestions(askAbout(story, dice), dice, dice.integer(3, 8));
  const asked = questions.map(({ ask, answers }) => ({ ask, say: answers[0] as string }));
  return `${story.text}\n\n${answered(asked)}`;
}

function requestedStory(dice: Dice): string {
  const story = tellStory(dice);
  return `${requestFor(story, dice).ask}\n\n${story.text}`;
}

function facts(dice: Dice): string {
  const { text, questions } = inventory(dice);
  return `${text}\n\n${answered(questions)}`;
}

const several = (dice: Dice, make: () => Exchange): Exchange[] =>
  Array.from({ length: dice.integer(2, 5) }, make);

const exercises = (dice: Dice): string => answered(several(dice, () => copying(dice)));
const numbers = (dice: Dice): string => answered(several(dice, () => askNumbers(dice)));
const talk = (dice: Dice): string => answered(several(dice, () => smallTalk(dice)));
const wishes = (dice: Dice): string =>
  answered(several(dice, () => (dice.chance(0.5) ? forbiddenWish(dice) : harmlessWish(dice))));
