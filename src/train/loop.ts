// The loop: steps with a learning rate, and between them evaluations, samples and checkpoints. A function
// of its state and its plan: a run that goes on from a checkpoint does what the unbroken one would have
// done. Effects come as arguments; knows neither files nor devices.
import { CorralError } from '../base/define-errors.ts';
import { errors } from '../base/errors.ts';
import { present } from '../base/invariant.ts';
import type { BatchSource } from './batch.ts';
import { type HeldOutLoss, sumOf } from './evaluator.ts';
import { type BatchEncoder, countRows, countTargets, dropoutSeedOf } from './language-model.ts';
import type { Metrics } from './metrics.ts';
import { learningRateAt, type Schedule } from './schedule.ts';
import type { Trainer } from './trainer.ts';

/** What happens when. Steps are counted from 1 here: after step `every` the first time. */
export interface LoopPlan {
  readonly schedule: Schedule;
  readonly clip: number;
  readonly seed: number;
  /** Does the loss program read a dropout seed? */
  readonly dropout: boolean;
  readonly evaluateEvery: number;
  readonly sampleEvery: number;
  readonly checkpointEvery: number;
  /** Evaluations in a row without a gain that end the run; absent: none do. */
  readonly patience?: number | undefined;
  /** A loss is a gain when it is lower than the best by more than this. */
  readonly minimumGain: number;
}

/** How far a run is: what checkpoints keep, and all that the loop remembers. */
export interface LoopState {
  /** Steps made. */
  readonly step: number;
  /** Rows computed in them. */
  readonly tokens: number;
  /** The lowest held-out loss so far. */
  readonly best: { readonly step: number; readonly loss: number } | undefined;
  /** Evaluations since then. */
  readonly sinceBest: number;
  /** Has what was due after the last step been done: evaluation and samples? */
  readonly settled: boolean;
}

/** What a run begins with. */
export const initialState: LoopState = {
  step: 0,
  tokens: 0,
  best: undefined,
  sinceBest: 0,
  settled: true,
};

/** What the loop works with. */
export interface LoopTools {
  readonly trainer: Trainer;
  readonly encoder: BatchEncoder;
  readonly source: BatchSource;
  /** Absent: nothing is held out. */
  readonly evaluate?: (() => Promise<HeldOutLoss>) | undefined;
  /** Absent: no samples were asked for. */
  readonly sample?: ((prompt: string) => Promise<string>) | undefined;
  readonly prompts: readonly string[];
  readonly saveCheckpoint: (state: LoopState) => Promise<void>;
  /** The weights are the best so far. */
  readonly saveBest: () => Promise<void>;
  readonly record: (metrics: Metrics) => Promise<void>;
  /** A clock in milliseconds. */
  readonly now: () => number;
  /** Ends the run after a checkpoint. */
  readonly signal?: AbortSignal | undefined;
}

/** How a run ended. */
export interface LoopEnd {
  readonly state: LoopState;
  readonly reason: 'finished' | 'stopped-early' | 'interrupted';
}

/**
 * Runs until the schedule's last step. Throws TRAINING_DIVERGED, or what the tools throw; the last
 * checkpoint then stays as it is.
 */
export async function runLoop(
  plan: LoopPlan,
  start: LoopState,
  tools: LoopTools,
): Promise<LoopEnd> {
  let state = start;
  let saved = start.step;
  const save = async (): Promise<void> => {
    if (saved !== state.step) await tools.saveCheckpoint(state);
    saved = state.step;
  };
  try {
    if (!state.settled) state = await settle(plan, state, tools);
    while (state.step < plan.schedule.steps) {
      if (isOutOfPatience(plan, state)) {
        await save();
        return { state, reason: 'stopped-early' };
      }
      state = await makeStep(plan, state, tools);
      state = await settle(plan, state, tools);
      if (isTimeFor(plan.checkpointEvery, plan, state)) await save();
    }
    await save();
    return { state, reason: 'finished' };
  } catch (error) {
    const isAbort = CorralError.isInstance(error) && error.code === 'CORRAL_ABORTED';
    if (!isAbort || tools.signal?.aborted !== true) throw error;
    await save();
    return { state, reason: 'interrupted' };
  }
}

function isTimeFor(every: number, plan: LoopPlan, { step }: LoopState): boolean {
  return step % every === 0 || step === plan.schedule.steps;
}

function isOutOfPatience({ patience }: LoopPlan, { sinceBest }: LoopState): boolean {
  return patience !== undefined && sinceBest >= patience;
}

async function makeStep(plan: LoopPlan, state: LoopState, tools: LoopTools): Promise<LoopState> {
  const { trainer, encoder, source, signal, now } = tools;
  const startAt = now();
  const batches = source.step(state.step).filter(({ targets }) => targets.length > 0);
  const targets = countTargets(batches);
  if (targets === 0) {
    const reason = `all of step ${state.step + 1} is masked: there is nothing to learn`;
    throw errors.DATA_EMPTY({ path: 'The training data', reason });
  }
  const passes = batches.map((batch, index) =>
    encoder.encode(batch, {
      lossWeight: 1 / targets,
      ...(plan.dropout ? { seed: dropoutSeedOf(plan.seed, state.step, index) } : {}),
    }),
  );
  const learningRate = learningRateAt(state.step, plan.schedule);
  const fetch = ['nll'];
  const { clip } = plan;
  const outcome = await trainer.step(passes, { learningRate, clip, fetch, signal });
  const sums = outcome.outputs.map(({ nll }) => sumOf(present(nll, 'nll')));
  const loss = sums.reduce((total, sum) => total + sum, 0) / targets;
  const next = {
    ...state,
    step: state.step + 1,
    tokens: state.tokens + countRows(batches),
    settled: false,
  };
  await tools.record({
    type: 'step',
    step: next.step,
    loss,
    learningRate,
    gradientNorm: outcome.gradientNorm,
    tokens: next.tokens,
    seconds: (now() - startAt) / 1000,
  });
  return next;
}

// Recorded together at the end: an interruption on the way leaves no half of it behind.
async function settle(plan: LoopPlan, state: LoopState, tools: LoopTools): Promise<LoopState> {
  const lines: Metrics[] = [];
  let next: LoopState = { ...state, settled: true };
  if (tools.evaluate !== undefined && isTimeFor(plan.evaluateEvery, plan, state)) {
    next = await evaluate(plan, next, tools, lines);
  }
  if (tools.sample !== undefined && isTimeFor(plan.sampleEvery, plan, state)) {
    for (const prompt of tools.prompts) {
      lines.push({ type: 'sample', step: state.step, prompt, text: await tools.sample(prompt) });
    }
  }
  for (const line of lines) await tools.record(line);
  return next;
}

async function evaluate(
  plan: LoopPlan,
  state: LoopState,
  tools: LoopTools,
  lines: Metrics[],
): Promise<LoopState> {
  const startAt = tools.now();
  const { loss, targets } = await present(tools.evaluate, 'evaluate')();
  const isBest = state.best === undefined || loss < state.best.loss - plan.minimumGain;
  const { step } = state;
  const seconds = (tools.now() - startAt) / 1000;
  lines.push({ type: 'evaluation', step, loss, targets, best: isBest, seconds });
  if (!isBest) return { ...state, sinceBest: state.sinceBest + 1 };
  await tools.saveBest();
  return { ...state, best: { step, loss }, sinceBest: 0 };
}
