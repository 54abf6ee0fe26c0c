// Plain documents for pretraining: stories, stories with questions, exercises in copying, sums.
// No chat format: a base model continues text.
import { copying, type Exchange, inventory } from './copying.ts';
import type { Dice } from './dice.ts';
import { askNumbers } from './numbers.ts';
import { askAbout, chooseQuestions } from './questions.ts';
import { type Story, tellCast, tellScene, tellStory } from './story.ts';

/** One document of a mixture. */
export function makeDocument(dice: Dice): string {
  return dice.weighted<(dice: Dice) => string>([
    [(one) => tellStory(one).text, 45],
    [storyWithQuestions, 20],
    [sceneWithQuestions, 8],
    [castWithQuestions, 12],
    [facts, 15],
    [exercises, 12],
    [numbers, 4],
  ])(dice);
}

const answered = (exchanges: readonly Exchange[]): string =>
  exchanges.map(({ ask, say }) => `Question: ${ask}\nAnswer: ${say}`).join('\n');

const storyWithQuestions = (dice: Dice): string => withQuestions(tellStory(dice), dice);
const sceneWithQuestions = (dice: Dice): string => withQuestions(tellScene(dice), dice);
const castWithQuestions = (dice: Dice): string => withQuestions(tellCast(dice), dice);

function withQuestions(story: Story, dice: Dice): string {
  const questions = chooseQuestions(askAbout(story, dice), dice, dice.integer(5, 10));
  const asked = questions.map(({ ask, answers }) => ({ ask, say: answers[0] as string }));
  return `${story.text}\n\n${answered(asked)}`;
}

function facts(dice: Dice): string {
  const { text, questions } = inventory(dice);
  return `${text}\n\n${answered(questions)}`;
}

const several = (dice: Dice, make: () => Exchange): Exchange[] =>
  Array.from({ length: dice.integer(2, 5) }, make);

const exercises = (dice: Dice): string => answered(several(dice, () => copying(dice)));
const numbers = (dice: Dice): string => answered(several(dice, () => askNumbers(dice)));
