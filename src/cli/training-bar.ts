// What training looks like while it goes: one line on a terminal with the step, loss, speed, share of the
// machine's peak, memory and time left; lines for evaluations and samples everywhere.
import type { RunEvent } from '../train/index.ts';
import { forTerminal, type Io, tell } from './io.ts';
import { formatBytes, formatCount } from './present.ts';

// Weight of the newest step in the shown loss and speed: steps differ.
const newest = 0.1;

/** Shows the events of a run until disposed. */
export interface TrainingBar extends AsyncDisposable {
  readonly onEvent: (event: RunEvent) => void;
}

/** What the bar knows besides the events. */
export interface TrainingBarOptions {
  /** Bytes this process holds. */
  readonly memory: () => number;
}

/** Opens the display. Lines go to stderr; on a terminal the bar does, too. */
export async function openTrainingBar(io: Io, options: TrainingBarOptions): Promise<TrainingBar> {
  const bar = io.isTerminal.stderr ? await openBar(io) : undefined;
  const state = { steps: 0, flops: 0, peak: 0, tokens: 0, loss: 0, rate: 0, stepSeconds: 0 };
  let told: Promise<void> = Promise.resolve();
  const say = (text: string): void => {
    const line = `${io.isTerminal.stderr ? forTerminal(text) : text}\n`;
    if (bar === undefined) told = told.then(() => tell(io, line));
    else bar.log(line);
  };
  const onEvent = (event: RunEvent): void => {
    switch (event.type) {
      case 'start': {
        state.steps = event.steps;
        state.flops = event.flopsPerToken;
        state.peak = event.peakFlops ?? 0;
        const share = event.trained === event.parameters ? 'all' : formatCount(event.trained);
        say(
          `run ${event.run}: ${formatCount(event.parameters)} parameters, ${share} trained, ${event.steps} steps on ${event.device}, into ${event.folder}`,
        );
        if (event.resumedAt > 0) say(`going on after step ${event.resumedAt}`);
        bar?.start(event.steps, event.resumedAt);
        break;
      }
      case 'step': {
        const mix = (before: number, value: number): number =>
          before === 0 ? value : before + newest * (value - before);
        state.loss = mix(state.loss, event.loss);
        state.stepSeconds = mix(state.stepSeconds, event.seconds);
        if (state.tokens > 0) {
          state.rate = mix(state.rate, (event.tokens - state.tokens) / event.seconds);
        }
        state.tokens = event.tokens;
        bar?.update(event.step, describeStep(state, event.step, options));
        break;
      }
      case 'evaluation':
        say(
          `step ${event.step}: held-out loss ${event.loss.toFixed(4)}${event.best ? ', the best so far' : ''} (training ${state.loss.toFixed(4)}, ${Math.round(state.rate)} tokens/s)`,
        );
        break;
      case 'sample':
        say(`step ${event.step}: ${JSON.stringify(event.prompt)} → ${JSON.stringify(event.text)}`);
        break;
      case 'checkpoint':
        break;
    }
  };
  return {
    onEvent,
    [Symbol.asyncDispose]: async () => {
      bar?.stop();
      await told;
    },
  };
}

/** What is shown of the steps so far: means that follow the newest. */
export interface ShownState {
  readonly loss: number;
  readonly rate: number;
  readonly stepSeconds: number;
  readonly steps: number;
  readonly flops: number;
  readonly peak: number;
}

interface Bar {
  start(total: number, done: number): void;
  update(done: number, payload: Record<string, string>): void;
  /** A line above the bar. */
  log(line: string): void;
  stop(): void;
}

async function openBar(io: Io): Promise<Bar> {
  const { MultiBar } = await import('cli-progress');
  const bars = new MultiBar({
    // The library's type names a TTY stream; it only writes and moves the cursor.
    stream: io.stderr as NodeJS.WriteStream,
    clearOnComplete: true,
    hideCursor: true,
    barsize: 20,
    format: '{value}/{total} [{bar}] {percentage} % {text}',
    barCompleteChar: '=',
    barIncompleteChar: ' ',
  });
  let bar: ReturnType<typeof bars.create> | undefined;
  return {
    start: (total, done) => {
      bar = bars.create(total, done, { text: '' });
    },
    update: (done, payload) => bar?.update(done, payload),
    log: (line) => bars.log(line),
    stop: () => bars.stop(),
  };
}

/** What stands beside the bar after a step. `flops` are those of a token, `peak` those of a second. */
export function describeStep(
  state: ShownState,
  step: number,
  { memory }: TrainingBarOptions,
): Record<string, string> {
  const parts = [`loss ${state.loss.toFixed(4)}`, `${Math.round(state.rate)} tokens/s`];
  if (state.peak > 0) {
    parts.push(`${Math.round((100 * state.flops * state.rate) / state.peak)} % of peak`);
  }
  parts.push(formatBytes(memory()), `${formatTime((state.steps - step) * state.stepSeconds)} left`);
  return { text: parts.join(' · ') };
}

/** 3700 → `1 h 02 min`. */
export function formatTime(seconds: number): string {
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
