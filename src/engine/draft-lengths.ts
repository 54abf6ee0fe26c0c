// How many tokens to guess for each answer of a step: as many as give the most tokens per second that can
// be expected, as in SmartSpec (arXiv 2406.14066), and no more than leaves every other answer its pace.

/** Most guesses of one answer in one step: with its own row they fill a kernel's tile of 16. */
export const longestDraft = 15;

// What promises less than this many times the tokens per second is not worth its risk.
const leastGain = 1.05;
// No answer of the step may come slower than this share of its pace without guesses.
const leastPace = 0.9;

/** An answer for which tokens can be guessed. */
export interface Draftable {
  /** Share of guesses that are right, each given that all before it were. */
  readonly rate: number;
  readonly longest: number;
}

/** What the step is without guesses, and what guesses cost. */
export interface DraftSetting {
  /** Answers in the step, those of `draftables` among them. */
  readonly answers: number;
  /** Rows that are left for guesses. */
  readonly rows: number;
  /** Seconds of a step of so many rows; undefined where that is unknown: it is not tried. */
  readonly stepSeconds: (rows: number) => number | undefined;
  /** Seconds it takes to guess so many tokens for any of the answers. */
  readonly guessSeconds: (length: number) => number;
}

/** The number of guesses for each. */
export function chooseDraftLengths(
  draftables: readonly Draftable[],
  { answers, rows, stepSeconds, guessSeconds }: DraftSetting,
): number[] {
  const none = draftables.map(() => 0);
  const plainSeconds = stepSeconds(answers);
  if (plainSeconds === undefined) return none;
  // The likeliest guess of all answers first. Guesses of one answer only lose by their depth, so that they keep their order.
  const steps = draftables
    .flatMap(({ rate, longest }, index) =>
      Array.from({ length: longest }, (_, depth) => ({ index, depth, gain: rate ** (depth + 1) })),
    )
    .sort((a, b) => b.gain - a.gain || a.depth - b.depth)
    .slice(0, rows);
  const lengths = [...none];
  const expected = draftables.map(() => 1);
  let total = answers;
  let best = { pace: (leastGain * answers) / plainSeconds, lengths: none };
  for (const [place, { index, gain }] of steps.entries()) {
    lengths[index] = (lengths[index] as number) + 1;
    expected[index] = (expected[index] as number) + gain;
    total += gain;
    const rowSeconds = stepSeconds(answers + place + 1);
    if (rowSeconds === undefined) break;
    const seconds = rowSeconds + guessSeconds(Math.max(...lengths));
    const slowest = draftables.length < answers ? 1 : Math.min(...expected);
    const isFair = slowest / seconds >= leastPace / plainSeconds;
    if (isFair && total / seconds > best.pace)
      best = { pace: total / seconds, lengths: [...lengths] };
  }
  return best.lengths;
}
