// A bar on stderr for long work, drawn only on a terminal and loaded only when there is one.
import type { OnProgress, Progress } from '../base/progress.ts';
import { forTerminal, type Io } from './io.ts';
import { formatBytes } from './present.ts';

/** Draws what it is told until disposed. */
export interface ProgressBar extends Disposable {
  readonly onProgress: OnProgress;
}

/** A bar for this io; it draws nothing when stderr is no terminal. */
export async function openProgressBar(io: Io): Promise<ProgressBar> {
  if (!io.isTerminal.stderr) return { onProgress: () => {}, [Symbol.dispose]: () => {} };
  const { SingleBar } = await import('cli-progress');
  const bar = new SingleBar({
    // The library's type names a TTY stream; it only writes and moves the cursor.
    stream: io.stderr as NodeJS.WriteStream,
    clearOnComplete: true,
    hideCursor: true,
    barsize: 24,
    etaBuffer: 50,
    format: '{task} [{bar}] {percentage} % {done}/{of} {speed} {left}',
    barCompleteChar: '=',
    barIncompleteChar: ' ',
  });
  let task: string | undefined;
  let begun = { at: 0, done: 0 };
  const onProgress = (progress: Progress): void => {
    const now = performance.now();
    if (progress.task !== task) {
      if (task !== undefined) bar.stop();
      task = progress.task;
      begun = { at: now, done: progress.done };
      bar.start(progress.total, progress.done, describe(progress, 0));
      return;
    }
    const seconds = (now - begun.at) / 1000;
    const rate = seconds > 0 ? (progress.done - begun.done) / seconds : 0;
    bar.update(progress.done, describe(progress, rate));
  };
  return {
    onProgress,
    [Symbol.dispose]: () => {
      if (task !== undefined) bar.stop();
      task = undefined;
    },
  };
}

function describe(progress: Progress, rate: number): Record<string, string> {
  const show = (amount: number): string =>
    progress.unit === 'bytes' ? formatBytes(amount) : `${Math.round(amount)}`;
  const unit = progress.unit === 'bytes' ? '' : ` ${progress.unit}`;
  return {
    task: forTerminal(progress.task),
    done: show(progress.done),
    of: `${show(progress.total)}${unit}`,
    speed: rate > 0 ? `${show(rate)}/s` : '',
    left: rate > 0 ? formatLeft((progress.total - progress.done) / rate) : '',
  };
}

/** `about 3 min left`; nothing for the last seconds, which are over before they are read. */
function formatLeft(seconds: number): string {
  if (seconds < 5) return '';
  if (seconds < 90) return `about ${Math.round(seconds)} s left`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `about ${minutes} min left`;
  return `about ${Math.round(minutes / 60)} h left`;
}
