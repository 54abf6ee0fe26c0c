// Speculative decoding for a step's answers: asks their speculators, weighs what guesses cost against what
// they promise, and learns from how it went. Guesses take only rows that nobody else wants.
import { errors } from '../base/errors.ts';
import type { TokenId } from '../tokenizer/tokenizer.ts';
import { chooseDraftLengths, type Draftable } from './draft-lengths.ts';
import type { Sequence } from './sequence.ts';
import type { Speculator } from './speculator.ts';
import { medianOf, StepCosts } from './step-costs.ts';

/** Ways to guess: not at all, from what the text itself repeats, or by a smaller model. */
export const speculateKinds = ['off', 'lookup', 'draft'] as const;

/** Where guesses come from. */
export type Speculate = (typeof speculateKinds)[number];

/** Refuses a way to guess that there is not. Throws OPTION_INVALID. */
export function checkSpeculate(found: unknown, { hasDrafter }: { hasDrafter: boolean }): void {
  if (found === 'draft' && !hasDrafter) {
    const allowed =
      'off, lookup; draft only of a model that was opened with another to guess for it';
    throw errors.OPTION_INVALID({ option: 'speculate', found, allowed });
  }
  if (speculateKinds.some((kind) => kind === found)) return;
  const allowed = speculateKinds.join(', ');
  throw errors.OPTION_INVALID({ option: 'speculate', found: String(found), allowed });
}

/** Guessed tokens of the next step by whose answer they would go on. */
export type Drafts = ReadonlyMap<Sequence, readonly TokenId[]>;

/** No guesses. */
export const noDrafts: Drafts = new Map();

/** An answer that waits for its next token. */
export interface OpenAnswer {
  readonly sequence: Sequence;
  readonly speculator: Speculator | undefined;
}

// Steps with guesses after which one goes without: what that costs must not be forgotten.
const plainEvery = 64;
const rememberedRounds = 5;

/** The speculation of one engine. */
export class Speculation {
  readonly #now: () => number;
  readonly #costs = new StepCosts();
  /** Of the last rounds of a source that is not free: seconds per guess. */
  readonly #guessSeconds: number[] = [];
  #sincePlain = 0;

  /** `now` gives seconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Guesses for a step that consists of these answers, with `rows` left beside theirs. */
  async propose(answers: readonly OpenAnswer[], rows: number): Promise<Drafts> {
    const open = answers.flatMap(({ sequence, speculator }) => {
      const draftable = speculator?.look(sequence.tokens);
      return speculator && draftable ? [{ sequence, speculator, ...draftable }] : [];
    });
    if (open.length === 0) return noDrafts;
    const costly = open.filter(({ speculator }) => !speculator.source.isFree);
    const perGuess = costly.length === 0 ? 0 : medianOf(this.#guessSeconds);
    const wanted = this.#lengths(open, {
      answers: answers.length,
      rows,
      stepSeconds: (count: number) => this.#costs.estimate(count),
      guessSeconds: (length: number) => length * perGuess,
    });
    const startedAt = this.#now();
    const guesses = await Promise.all(
      open.map(({ speculator }, index) => speculator.guess(wanted[index] ?? 0)),
    );
    const longest = Math.max(...costly.map((each) => wanted[open.indexOf(each)] ?? 0));
    if (longest > 0) this.#noteGuessing((this.#now() - startedAt) / longest);
    const drafts = open
      .map(({ sequence }, index) => [sequence, guesses[index] ?? []] as const)
      .filter(([, guess]) => guess.length > 0);
    this.#sincePlain = drafts.length === 0 ? 0 : this.#sincePlain + 1;
    return new Map(drafts);
  }

  /** Notes a step without prompts: its rows, and seconds from its plan until its tokens were chosen. */
  note(rows: number, seconds: number): void {
    this.#costs.note(rows, seconds);
  }

  #lengths(
    open: readonly (Draftable & Pick<OpenAnswer, 'speculator'>)[],
    setting: Parameters<typeof chooseDraftLengths>[1],
  ): number[] {
    if (this.#sincePlain >= plainEvery) return open.map(() => 0);
    const best = chooseDraftLengths(open, setting);
    // A trial of what is unknown never comes before the plain step is known.
    if (setting.stepSeconds(setting.answers) === undefined) return best;
    return open.map(({ speculator, longest }, index) =>
      Math.min(speculator?.temper(best[index] ?? 0, longest) ?? 0, setting.rows),
    );
  }

  #noteGuessing(seconds: number): void {
    this.#guessSeconds.push(seconds);
    if (this.#guessSeconds.length > rememberedRounds) this.#guessSeconds.shift();
  }
}
