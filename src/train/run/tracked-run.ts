// A run with its row in the table of runs, kept up to date while it goes: `corral train` and `corral tune`.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { type Logger, silentLogger } from '../../base/log.ts';
import { messageOf } from '../../base/message-of.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { nameOf } from './open-model.ts';
import { type RunRecord, RunRegistry } from './run-registry.ts';
import { type RunEvent, type TrainOptions, type TrainReport, trainRecipe } from './train-run.ts';

// How often the row follows the steps.
const updateMs = 2000;
// Steps that the speed is a mean of.
const speedWindow = 50;

/** Trains as trainRecipe does, and keeps the run's row. A table that cannot be written ends no run. */
export async function trainTracked(
  recipe: Recipe,
  options: TrainOptions & { readonly command: RunRecord['command'] },
): Promise<TrainReport> {
  const { logger = silentLogger, store, command, onEvent } = options;
  const commit = await findCommit();
  const row = new RunRow({ recipe, store, command, commit, logger });
  try {
    const report = await trainRecipe(recipe, {
      ...options,
      onEvent: (event) => {
        row.follow(event);
        onEvent?.(event);
      },
    });
    row.end(report.reason);
    return report;
  } catch (error) {
    row.end('failed', messageOf(error));
    throw error;
  }
}

interface RowOptions {
  readonly recipe: Recipe;
  readonly store: string;
  readonly command: RunRecord['command'];
  readonly commit: string;
  readonly logger: Logger;
}

/** The row of one run. */
class RunRow {
  readonly #options: RowOptions;
  readonly #recent: { tokens: number; seconds: number }[] = [];
  #row: RunRecord | undefined;
  #tokens = 0;
  #written = 0;

  constructor(options: RowOptions) {
    this.#options = options;
  }

  follow(event: RunEvent): void {
    const now = new Date().toISOString();
    if (event.type === 'start') {
      const { recipe, command, commit, store } = this.#options;
      const known = this.#find(store, event.run);
      this.#row = {
        id: event.run,
        name: nameOf(recipe),
        command,
        status: 'running',
        startedAt: known?.startedAt ?? now,
        updatedAt: now,
        folder: resolve(event.folder),
        recipe: JSON.stringify(recipe),
        dataHash: event.dataHash,
        seed: recipe.seed,
        commit,
        device: event.device,
        step: event.resumedAt,
        steps: event.steps,
        loss: known?.loss ?? null,
        bestLoss: known?.bestLoss ?? null,
        bestStep: known?.bestStep ?? null,
        tokensPerSecond: null,
        error: null,
        process: process.pid,
      };
      this.#write();
      return;
    }
    if (this.#row === undefined) return;
    if (event.type === 'step') {
      const { step, loss, tokens, seconds } = event;
      if (this.#tokens > 0) this.#recent.push({ tokens: tokens - this.#tokens, seconds });
      if (this.#recent.length > speedWindow) this.#recent.shift();
      this.#tokens = tokens;
      this.#row = { ...this.#row, step, loss, tokensPerSecond: this.#speed(), updatedAt: now };
      if (performance.now() - this.#written > updateMs) this.#write();
    } else if (event.type === 'evaluation' && event.best) {
      const { loss: bestLoss, step: bestStep } = event;
      this.#row = { ...this.#row, bestLoss, bestStep, updatedAt: now };
      this.#write();
    }
  }

  end(status: RunRecord['status'], error?: string): void {
    if (this.#row === undefined) return;
    const updatedAt = new Date().toISOString();
    this.#row = { ...this.#row, status, updatedAt, error: error ?? null };
    this.#write();
  }

  #speed(): number | null {
    const seconds = this.#recent.reduce((sum, each) => sum + each.seconds, 0);
    if (seconds === 0) return null;
    return this.#recent.reduce((sum, each) => sum + each.tokens, 0) / seconds;
  }

  #find(store: string, id: string): RunRecord | undefined {
    return this.#withRegistry(store, (registry) => registry.list().find((run) => run.id === id));
  }

  #write(): void {
    const row = this.#row;
    if (row === undefined) return;
    this.#withRegistry(this.#options.store, (registry) => registry.put(row));
    this.#written = performance.now();
  }

  // Opened for each write: a run of days holds no lock that another waits for.
  #withRegistry<T>(store: string, use: (registry: RunRegistry) => T): T | undefined {
    try {
      using registry = new RunRegistry(store);
      return use(registry);
    } catch (error) {
      this.#options.logger.warn(`the table of runs: ${(error as Error).message}`);
      return undefined;
    }
  }
}

/** The commit of the working folder, with `+` where files differ from it; empty where there is none. */
async function findCommit(): Promise<string> {
  const git = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)('git', args, { timeout: 5000 })).stdout.trim();
  try {
    const commit = await git('rev-parse', 'HEAD');
    const changes = await git('status', '--porcelain', '--untracked-files=no');
    return changes === '' ? commit : `${commit}+`;
  } catch {
    return '';
  }
}
