// Counting and simple sums, up to twenty: what a very small model can learn by heart and by rule.
import type { Dice } from './dice.ts';
import { Discourse } from './discourse.ts';
import { things } from './lexicon.ts';
import { allNames } from './names.ts';
import type { Split } from './splits.ts';

/** A question with its answer. */
export interface NumberQuestion {
  readonly ask: string;
  readonly say: string;
  /** The number or list an answer must contain. */
  readonly result: string;
}

interface Row {
  readonly ask: readonly string[];
  readonly held: readonly string[];
  readonly say: string;
  readonly result: string;
}

const countable: readonly string[] = [...things.treasure, ...things.toy]
  .filter((noun) => !/\+$|brooch|box|torch|diary/.test(noun))
  .map((noun) => `${noun}s`);

/** Is this sum kept for tests? One in nine is. */
export const isHeldOutSum = (a: number, b: number): boolean => (a * 7 + b * 3) % 9 === 4;

/** A question about numbers. Sums kept for tests appear only where `split` is `held-out`. */
export function askNumbers(dice: Dice, split: Split = 'training'): NumberQuestion {
  const held = split === 'held-out';
  const row = dice.weighted<() => Row>([
    [() => plus(...drawSum(dice, held)), 5],
    [() => minus(dice, held), 4],
    [() => count(dice), 2],
    [() => after(dice), 1.5],
    [() => compare(dice), 1],
    [() => tale(dice, held), 3],
  ])();
  const plain = new Discourse(dice, { plain: true });
  return {
    ask: plain.render(dice.pick(held ? row.held : row.ask), {}),
    say: row.say,
    result: row.result,
  };
}

function drawSum(dice: Dice, held: boolean): [number, number] {
  for (;;) {
    const a = dice.integer(0, 10);
    const b = dice.integer(0, 10);
    if (isHeldOutSum(a, b) === held) return [a, b];
  }
}

function plus(a: number, b: number): Row {
  return {
    ask: [
      `What is ${a} plus ${b}?`,
      `How much is ${a} plus ${b}?`,
      `What is ${a} + ${b}?`,
      `${a} + ${b}?`,
      `Add ${a} and ${b}.`,
      `How much is ${a} and ${b}?`,
    ],
    held: [
      `Can you tell me what ${a} plus ${b} is?`,
      `What do you get for ${a} plus ${b}?`,
      `Please add ${a} and ${b}.`,
    ],
    say: `${a} plus ${b} is ${a + b}.`,
    result: `${a + b}`,
  };
}

function minus(dice: Dice, held: boolean): Row {
  const [b, rest] = drawSum(dice, held);
  const a = b + rest;
  return {
    ask: [
      `What is ${a} minus ${b}?`,
      `How much is ${a} minus ${b}?`,
      `What is ${a} - ${b}?`,
      `${a} - ${b}?`,
      `Take ${b} away from ${a}.`,
    ],
    held: [
      `Can you tell me what ${a} minus ${b} is?`,
      `What do you get for ${a} minus ${b}?`,
      `Please take ${b} away from ${a}.`,
    ],
    say: `${a} minus ${b} is ${rest}.`,
    result: `${rest}`,
  };
}

function count(dice: Dice): Row {
  const from = dice.chance(0.6) ? 1 : dice.integer(2, 8);
  const to = from + dice.integer(2, 9);
  const up = Array.from({ length: to - from + 1 }, (_, at) => from + at);
  const back = dice.chance(0.25);
  const list = (back ? up.reverse() : up).join(', ');
  const range = back ? `from ${to} to ${from}` : from === 1 ? `to ${to}` : `from ${from} to ${to}`;
  return {
    ask: [`Count ${range}.`, `Can you count ${range}?`, `Please count ${range}.`],
    held: [`Will you count ${range} for me?`, `Let us count ${range}.`],
    say: `${list}.`,
    result: list,
  };
}

function after(dice: Dice): Row {
  const n = dice.integer(1, 19);
  const before = dice.chance(0.4);
  const result = before ? n - 1 : n + 1;
  const word = before ? 'before' : 'after';
  return {
    ask: [`What comes ${word} ${n}?`, `Which number comes ${word} ${n}?`],
    held: [`Tell me the number that comes ${word} ${n}.`],
    say: `${result} comes ${word} ${n}.`,
    result: `${result}`,
  };
}

function compare(dice: Dice): Row {
  const a = dice.integer(0, 20);
  const b = (a + dice.integer(1, 20)) % 21;
  const more = Math.max(a, b);
  return {
    ask: [`Which is more, ${a} or ${b}?`, `What is more, ${a} or ${b}?`],
    held: [`Is ${a} more, or is ${b} more?`],
    say: `${more} is more.`,
    result: `${more}`,
  };
}

function tale(dice: Dice, held: boolean): Row {
  const split = held ? 'held-out' : 'training';
  const name = dice.pick(allNames(split));
  const noun = dice.pick(countable);
  const [a, b] = drawSum(dice, held);
  const [more, less] = [a + 2, b + 1];
  const gains = dice.chance(0.55);
  const start = gains ? more : more + less;
  const result = gains ? more + less : more;
  const change = gains
    ? dice.pick(['finds', 'gets', 'buys'])
    : dice.pick(['loses', 'gives away', 'sells']);
  const ending = gains ? `${less} more` : `${less} of them`;
  return {
    ask: [
      `${name} has ${start} ${noun} and ${change} ${ending}. How many ${noun} does ${name} have now?`,
    ],
    held: [
      `${name} has ${start} ${noun}. Then ${name} ${change} ${ending}. How many ${noun} are there now?`,
    ],
    say: `${name} has ${result} ${noun} now.`,
    result: `${result}`,
  };
}
