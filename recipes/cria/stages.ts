// Stages of a long road, each done once: a stage whose inputs and outputs are as its record says is
// skipped, one that was cut off is taken up again. Knows nothing of what the stages do.
import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** What is known about a stage that was finished. */
export interface StageRecord {
  /** Hash of everything the stage depends on. */
  readonly inputs: string;
  /** sha256 of each file it made. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly seconds: number;
}

/** A piece of the road. */
export interface Stage {
  readonly name: string;
  /** Whatever decides the outcome: texts, settings, and files by their contents. */
  readonly inputs: { readonly values: unknown; readonly files?: readonly string[] };
  readonly outputs: readonly string[];
  /** `begun`: was this very stage, with these inputs, cut off before? */
  readonly work: (state: { readonly begun: boolean }) => Promise<void>;
}

interface Book {
  readonly done: Record<string, StageRecord>;
  /** Inputs of stages that were begun and perhaps not finished. */
  readonly begun: Record<string, string>;
}

/** The record of a road, kept in one file. */
export class Stages {
  readonly #path: string;
  readonly #book: Book;
  readonly #say: (line: string) => void;

  constructor(path: string, say: (line: string) => void) {
    this.#path = path;
    this.#say = say;
    this.#book = existsSync(path)
      ? (JSON.parse(readFileSync(path, 'utf8')) as Book)
      : { done: {}, begun: {} };
  }

  /** Finished stages by name. */
  get done(): Readonly<Record<string, StageRecord>> {
    return this.#book.done;
  }

  /** Does the work of a stage unless it is done. */
  async run({ name, inputs, outputs, work }: Stage): Promise<void> {
    const hash = await hashInputs(inputs);
    const { done, begun } = this.#book;
    const known = done[name];
    if (known?.inputs === hash && (await isUnchanged(known.outputs))) {
      this.#say(`${name}: done before, skipped`);
      return;
    }
    this.#say(`${name}: begins`);
    const startAt = performance.now();
    const wasBegun = begun[name] === hash && known?.inputs !== hash;
    begun[name] = hash;
    delete done[name];
    this.#save();
    await work({ begun: wasBegun });
    const hashes = await Promise.all(
      outputs.map(async (path) => [path, await hashFile(path)] as const),
    );
    const seconds = (performance.now() - startAt) / 1000;
    done[name] = { inputs: hash, outputs: Object.fromEntries(hashes), seconds };
    this.#save();
    this.#say(`${name}: ${seconds.toFixed(0)} s`);
  }

  #save(): void {
    mkdirSync(dirname(this.#path), { recursive: true });
    writeFileSync(`${this.#path}.part`, `${JSON.stringify(this.#book, null, 2)}\n`);
    renameSync(`${this.#path}.part`, this.#path);
  }
}

/** The sha256 of a file. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function hashInputs({ values, files = [] }: Stage['inputs']): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(values));
  for (const path of files) hash.update(`${path}\n${await hashFile(path)}\n`);
  return hash.digest('hex');
}

async function isUnchanged(outputs: Readonly<Record<string, string>>): Promise<boolean> {
  for (const [path, hash] of Object.entries(outputs)) {
    if (!existsSync(path) || (await hashFile(path)) !== hash) return false;
  }
  return true;
}
