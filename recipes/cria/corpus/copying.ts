// Exercises in plain copying: say it again, which came first, who has what. They teach a small model to
// look words up in what it just read, which questions about stories need.
import type { Dice } from './dice.ts';
import { fullNoun, indefinite } from './entities.ts';
import { dear } from './plots/parts.ts';
import type { Split } from './splits.ts';
import { World } from './world.ts';

/** What is asked and what is answered. */
export interface Exchange {
  readonly ask: string;
  readonly say: string;
}

const list = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;

/** Some sentences of who has or is what, and questions about them. */
export function inventory(
  dice: Dice,
  split: Split = 'training',
): { readonly text: string; readonly questions: readonly Exchange[] } {
  const world = new World(dice, split);
  const owners = Array.from({ length: dice.integer(2, 4) }, () => {
    const A = world.newCharacter();
    const T = world.newThing([...dear, 'food']);
    return { A, T, P: world.newPlace() };
  });
  const style = dice.integer(0, 2);
  const sentences = owners.map(({ A, T, P }) =>
    style === 0
      ? `${A.name} has ${indefinite(T)}.`
      : style === 1
        ? `${A.name} the ${A.species.noun} is ${P.at}.`
        : `${A.name} has ${indefinite(T)} and is ${P.at}.`,
  );
  const questions = owners.flatMap(({ A, T, P }) => {
    const has = [
      { ask: `What does ${A.name} have?`, say: `${A.name} has ${indefinite(T)}.` },
      { ask: `Who has the ${T.noun}?`, say: `${A.name} has the ${T.noun}.` },
    ];
    const is = [
      { ask: `Where is ${A.name}?`, say: `${A.name} is ${P.at}.` },
      { ask: `Who is ${P.at}?`, say: `${A.name} is ${P.at}.` },
    ];
    return style === 0 ? has : style === 1 ? is : [...has, ...is];
  });
  return { text: sentences.join(' '), questions: dice.shuffle(questions).slice(0, 4) };
}

const sayAgain = ['Say after me:', 'Repeat these words:'] as const;

/** Is this one of `copying` that wants all words again, in their order? */
export const wantsAllAgain = ({ ask }: Exchange): boolean =>
  sayAgain.some((words) => ask.startsWith(words));

/** Words to say again, or to find in a row of words. */
export function copying(dice: Dice, split: Split = 'training'): Exchange {
  const world = new World(dice, split);
  const words = Array.from({ length: dice.integer(2, 5) }, () =>
    dice.chance(0.5) ? fullNoun(world.newThing([...dear, 'food'])) : world.newCharacter().name,
  );
  const row = words.join(', ');
  return dice.pick<() => Exchange>([
    () => ({ ask: `${sayAgain[0]} ${row}.`, say: `${row}.` }),
    () => ({ ask: `${sayAgain[1]} ${row}.`, say: `${row}.` }),
    () => ({ ask: `Here are some words: ${row}. Which comes first?`, say: `${words[0]}.` }),
    () => ({ ask: `Here are some words: ${row}. Which comes last?`, say: `${words.at(-1)}.` }),
    () => ({ ask: `How many words are these: ${row}?`, say: `These are ${words.length}.` }),
    () => {
      const at = dice.integer(0, words.length - 2);
      return {
        ask: `Here are some words: ${row}. Which comes after ${words[at]}?`,
        say: `${words[at + 1]}.`,
      };
    },
    () => ({ ask: `Greet ${list(words)}.`, say: `Hello, ${list(words)}!` }),
  ])();
}
