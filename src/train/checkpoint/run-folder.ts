// The output folder of a run: checkpoints to go on from, the best weights, metrics. Decides what a run
// goes on from; knows nothing of what weights are.
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { CorralError } from '../../base/define-errors.ts';
import { errors } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { messageOf } from '../../base/message-of.ts';
import { tryLock } from '../../store/lock.ts';
import type { LoopState } from '../loop.ts';
import { readSeal, removeUnfinished, writeSealedFolder } from './sealed-folder.ts';

/** What a checkpoint says beside its weights. */
export interface SavedState {
  readonly loop: LoopState;
  /** Updates the optimizer has made. */
  readonly updates: number;
  /** Length of metrics.jsonl when the checkpoint was made. */
  readonly metricsBytes: number;
  /** Hash of the data and of how batches are drawn from them. */
  readonly dataHash: string;
  /** The run in `corral runs`. */
  readonly run: string;
  /** The recipe, without what does not change results. */
  readonly recipe: unknown;
}

const stateSchema: z.ZodType<SavedState> = z.object({
  loop: z.object({
    step: z.number().int().min(0),
    tokens: z.number().int().min(0),
    best: z
      .object({ step: z.number(), loss: z.number() })
      .nullish()
      .transform((best) => best ?? undefined),
    sinceBest: z.number().int().min(0),
    settled: z.boolean(),
  }),
  updates: z.number().int().min(0),
  metricsBytes: z.number().int().min(0),
  dataHash: z.string(),
  run: z.string(),
  recipe: z.unknown(),
});

/** A checkpoint that is whole. */
export interface FoundCheckpoint {
  readonly path: string;
  readonly state: SavedState;
}

const stepName = /^step-(\d{8})$/;

/** Paths in a run's folder, and the checkpoints in it. */
export class RunFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  get metrics(): string {
    return join(this.path, 'metrics.jsonl');
  }

  /** The recipe as it was read, defaults filled in. */
  get recipe(): string {
    return join(this.path, 'recipe.yaml');
  }

  /** The weights with the lowest held-out loss. */
  get best(): string {
    return join(this.path, 'best');
  }

  /** The weights of the last step, where those are what is exported. */
  get last(): string {
    return join(this.path, 'last');
  }

  get checkpoints(): string {
    return join(this.path, 'checkpoints');
  }

  /** Makes the folder, and keeps other processes out of it until disposed. Throws RUN_BUSY or FILE_UNWRITABLE. */
  async lock(): Promise<Disposable> {
    await this.#writing(() => mkdir(this.path, { recursive: true }));
    const lock = tryLock(this.path, '.run');
    if ('holder' in lock) throw errors.RUN_BUSY({ path: this.path, holder: lock.holder });
    return lock;
  }

  /** Removes what writers that were killed left. Throws FILE_UNWRITABLE. */
  async prepare(): Promise<void> {
    await this.#writing(async () => {
      await mkdir(this.checkpoints, { recursive: true });
      await removeUnfinished(this.path);
      await removeUnfinished(this.checkpoints);
    });
  }

  /** Removes checkpoints and the best weights: a run that begins anew. */
  async clear(): Promise<void> {
    await rm(this.checkpoints, { recursive: true, force: true });
    await rm(this.best, { recursive: true, force: true });
  }

  /** The latest checkpoint that is whole; damaged ones are passed over with a warning. */
  async latest(logger: Logger): Promise<FoundCheckpoint | undefined> {
    for (const name of (await this.#names()).reverse()) {
      const path = join(this.checkpoints, name);
      try {
        return { path, state: stateSchema.parse(await readSeal(path)) };
      } catch (error) {
        if (!CorralError.isInstance(error) && !(error instanceof z.ZodError)) throw error;
        logger.warn(`passing over ${path}: ${error.message}`);
      }
    }
    return undefined;
  }

  /** Saves a checkpoint, then removes all but the latest `keep`. Throws FILE_UNWRITABLE, and then keeps all. */
  async save(
    state: SavedState,
    keep: number,
    write: (folder: string) => Promise<void>,
  ): Promise<string> {
    const name = `step-${String(state.loop.step).padStart(8, '0')}`;
    const path = join(this.checkpoints, name);
    // A damaged one of this step that was passed over.
    await rm(path, { recursive: true, force: true });
    await writeSealedFolder(path, state, write);
    const names = await this.#names();
    for (const old of names.slice(0, Math.max(0, names.length - keep))) {
      await rm(join(this.checkpoints, old), { recursive: true, force: true });
    }
    return path;
  }

  async #writing(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      const reason = messageOf(cause);
      throw errors.FILE_UNWRITABLE({ path: this.path, reason }, { cause });
    }
  }

  async #names(): Promise<string[]> {
    const names = await readdir(this.checkpoints).catch(() => []);
    return names.filter((name) => stepName.test(name)).sort();
  }
}
