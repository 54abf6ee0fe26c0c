import { describe, expect, it } from 'vitest';
import { Dice } from './dice.ts';
import { askAbout, chooseQuestions, unsaid } from './questions.ts';
import { type Story, tellStory } from './story.ts';

const stories: readonly Story[] = Array.from({ length: 400 }, (_, at) =>
  tellStory(new Dice(8, at)),
);
const asked = stories.map((story, at) => ({ story, questions: askAbout(story, new Dice(9, at)) }));

describe('questions about a story', () => {
  it('are answered with names, things and places that the story mentions', () => {
    for (const { story, questions } of asked) {
      const known = `${story.text} Because Yes No To The It They His Her About In On At By Under Behind Near For Of From`;
      for (const { answers } of questions) {
        for (const answer of answers.filter((one) => one !== unsaid)) {
          const names = answer.match(/\b[A-Z][a-z]+/g) ?? [];
          const unknown = names.filter(
            (name) => !known.includes(name) && !story.text.includes(name.toLowerCase()),
          );
          expect(
            unknown.filter((name) => story.world.cast.every((one) => one.name !== name)),
          ).toEqual([]);
        }
      }
    }
  });

  it('have one answer: no question is asked twice with different ones', () => {
    for (const { questions } of asked) {
      expect(new Set(questions.map(({ ask }) => ask)).size).toBe(questions.length);
    }
  });

  it('tell yes from no by what happened', () => {
    let [yes, no] = [0, 0];
    for (const { story, questions } of asked) {
      for (const { ask, answers, kind } of questions) {
        const [, name, thing] = ask.match(/^Did (\S+) lose the (\S+)\?$/) ?? [];
        if (kind !== 'yes-no' || name === undefined) continue;
        const loss = story.events.find(
          ({ kind: event }) => event.startsWith('lose') && event !== 'loseWay',
        );
        const isTrue = loss?.roles.A.name === name && loss.roles.T?.noun === thing;
        expect(answers[0]).toMatch(isTrue ? /^Yes/ : /^No/);
        if (isTrue) yes++;
        else no++;
      }
    }
    expect(Math.min(yes, no)).toBeGreaterThan(15);
  });

  it('ask for a colour only where the text tells one', () => {
    for (const { story, questions } of asked) {
      for (const { ask, answers } of questions) {
        const [, thing] = ask.match(/^What colour (?:was|were) the (\S+)\?$/) ?? [];
        if (thing === undefined) continue;
        const colour = answers[0]?.match(/(\w+)\.$/)?.[1];
        if (answers[0] === unsaid) {
          expect(story.text).not.toMatch(
            new RegExp(`\\b(red|blue|green|yellow|golden) ${thing}\\b`),
          );
        } else expect(story.text).toContain(`${colour} ${thing}`);
      }
    }
  });

  it('come in all kinds, also those that the story does not answer', () => {
    const dice = new Dice(10, 0);
    const kinds = asked.flatMap(({ questions }) =>
      chooseQuestions(questions, dice, 5).map(({ kind }) => kind),
    );
    const share = (kind: string): number =>
      kinds.filter((one) => one === kind).length / kinds.length;
    for (const kind of ['event', 'yes-no', 'feeling', 'look', 'unsaid']) {
      expect(share(kind)).toBeGreaterThan(0.06);
    }
    expect(share('unsaid')).toBeLessThan(0.25);
  });
});
