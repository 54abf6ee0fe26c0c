// metrics.jsonl: one line for each thing that happened in a run, in order. A resumed run cuts it back to
// the checkpoint it goes on from, so that the file reads as if the run had never stopped.
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { errors } from '../base/errors.ts';
import { messageOf } from '../base/message-of.ts';

/** One optimizer step. */
export interface StepMetrics {
  readonly type: 'step';
  /** Counted from 1. */
  readonly step: number;
  /** Mean negative log-likelihood of the step's targets, in nats. */
  readonly loss: number;
  readonly learningRate: number;
  /** Before clipping. */
  readonly gradientNorm: number;
  /** Rows computed in all steps so far. */
  readonly tokens: number;
  /** Seconds this step took. */
  readonly seconds: number;
}

/** The loss on the whole held-out set. */
export interface EvaluationMetrics {
  readonly type: 'evaluation';
  readonly step: number;
  readonly loss: number;
  readonly targets: number;
  /** Is it the lowest so far? */
  readonly best: boolean;
  readonly seconds: number;
}

/** A text written by the model. */
export interface SampleMetrics {
  readonly type: 'sample';
  readonly step: number;
  readonly prompt: string;
  readonly text: string;
}

/** A line of metrics.jsonl. */
export type Metrics = StepMetrics | EvaluationMetrics | SampleMetrics;

/** The file while a run writes it. Throws FILE_UNWRITABLE, for example when the disk is full. */
export class MetricsFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  #bytes: number;

  private constructor(path: string, handle: FileHandle, bytes: number) {
    this.#path = path;
    this.#handle = handle;
    this.#bytes = bytes;
  }

  /** Opens the file and keeps its first `keepBytes` bytes. */
  static async open(path: string, keepBytes: number): Promise<MetricsFile> {
    const unwritable = (cause: unknown): never => refuse(path, cause);
    const handle = await open(path, keepBytes === 0 ? 'w' : 'r+').catch(unwritable);
    await handle.truncate(keepBytes).catch(unwritable);
    return new MetricsFile(path, handle, keepBytes);
  }

  async append(line: Metrics): Promise<void> {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    try {
      for (let done = 0; done < bytes.length; ) {
        const rest = bytes.length - done;
        done += (await this.#handle.write(bytes, done, rest, this.#bytes + done)).bytesWritten;
      }
    } catch (cause) {
      refuse(this.#path, cause);
    }
    this.#bytes += bytes.length;
  }

  /** Puts everything on disk; returns the length of the file. */
  async sync(): Promise<number> {
    await this.#handle.sync().catch((cause) => refuse(this.#path, cause));
    return this.#bytes;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** The lines of a metrics file; a last line that was cut off by a crash is left out. */
export async function readMetrics(path: string): Promise<Metrics[]> {
  const text = await readFile(path, 'utf8').catch((cause) => {
    throw errors.FILE_UNREADABLE({ path, reason: messageOf(cause) }, { cause });
  });
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Metrics);
}

function refuse(path: string, cause: unknown): never {
  throw errors.FILE_UNWRITABLE({ path, reason: messageOf(cause) }, { cause });
}
