// Damages small files of every format and opens them: each must open or fail with a Corral error,
// soon, and without claiming memory it has no bytes for. Seeded: the same count and seed give the same files.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CorralError } from '../src/base/define-errors.ts';
import type { Checkpoint } from '../src/formats/checkpoint.ts';
import { convertCheckpoint } from '../src/formats/convert.ts';
import { openCheckpoint, openTokenizer } from '../src/formats/open.ts';
import { writeSentencePiece } from '../src/tokenizer/index.ts';
import { mutate, seededRandom } from './mutate.ts';
import { tinyCheckpoint, tinyConfig, tinyTokenizer } from './tiny-llama.ts';
import { writeMetaFolder } from './write-meta-folder.ts';

/** What came of it. */
export interface FuzzReport {
  readonly cases: number;
  /** Files that opened in spite of their injuries. */
  readonly opened: number;
  /** How often each error code was the answer. */
  readonly codes: Readonly<Record<string, number>>;
  readonly failures: readonly FuzzFailure[];
  readonly slowest: { readonly name: string; readonly ms: number };
  /** Most bytes of heap and buffers beyond four times the file. */
  readonly largestGrowth: { readonly name: string; readonly bytes: number };
}

/** A case that ended otherwise than it may. */
export interface FuzzFailure {
  /** Names the kind, the seed and the number of the case: enough to make it again. */
  readonly name: string;
  readonly reason: string;
}

/** Beyond these a case fails. */
export const fuzzLimits: { readonly ms: number; readonly growthBytes: number } = {
  ms: 5000,
  growthBytes: 64 * 2 ** 20,
};

interface Target {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Where the damaged bytes go. */
  readonly path: string;
  readonly open: () => Promise<void>;
}

/** Runs `count` cases, spread evenly over the formats. */
export async function fuzzFormats(count: number, seed: number): Promise<FuzzReport> {
  const folder = await mkdtemp(join(tmpdir(), 'corral-fuzz-'));
  try {
    const targets = await makeTargets(folder);
    const codes: Record<string, number> = {};
    const failures: FuzzFailure[] = [];
    let opened = 0;
    let slowest = { name: '', ms: 0 };
    let largestGrowth = { name: '', bytes: 0 };
    for (const target of targets) {
      const unhurt = await runTarget(target, target.bytes);
      if (unhurt !== undefined)
        failures.push({ name: `${target.name}, unhurt`, reason: describe(unhurt) });
    }
    for (let i = 0; i < count; i++) {
      const target = targets[i % targets.length] as Target;
      const damaged = mutate(target.bytes, seededRandom(seed * 1_000_003 + i));
      const name = `${target.name}, seed ${seed}, case ${i}`;
      const before = memoryInUse();
      const startAt = performance.now();
      const result = await runTarget(target, damaged);
      const ms = performance.now() - startAt;
      const bytes = memoryInUse() - before - 4 * damaged.byteLength;
      if (ms > slowest.ms) slowest = { name, ms };
      if (bytes > largestGrowth.bytes) largestGrowth = { name, bytes };
      if (result === undefined) opened += 1;
      else if (CorralError.isInstance(result)) codes[result.code] = (codes[result.code] ?? 0) + 1;
      else failures.push({ name, reason: describe(result) });
      if (ms > fuzzLimits.ms) failures.push({ name, reason: `took ${ms.toFixed(0)} ms` });
      if (bytes > fuzzLimits.growthBytes) failures.push({ name, reason: `grew by ${bytes} bytes` });
    }
    return { cases: count, opened, codes, failures, slowest, largestGrowth };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function memoryInUse(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

async function runTarget(target: Target, bytes: Uint8Array): Promise<unknown> {
  await writeFile(target.path, bytes);
  try {
    await target.open();
    return undefined;
  } catch (error) {
    return error;
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

async function makeTargets(folder: string): Promise<Target[]> {
  const config = tinyConfig({ vocab: 280, dim: 32, heads: 4, kvHeads: 2, feedForward: 64 });
  const model = tinyCheckpoint(config);
  const targets: Target[] = [];
  const add = (name: string, path: string, bytes: Uint8Array, opens: string = path): void => {
    targets.push({ name, path, bytes, open: () => openAndRead(opens) });
  };

  const gguf = join(folder, 'model.gguf');
  await convertCheckpoint(model, gguf, { type: 'q8_0' });
  add('GGUF', gguf, await readFile(gguf));

  const huggingFace = join(folder, 'hf');
  await convertCheckpoint(model, huggingFace, { type: 'f16' });
  const weights = join(huggingFace, 'model.safetensors');
  add('safetensors', weights, await readFile(weights), huggingFace);
  // A second folder, so that damage to one file is not hidden by damage to the other.
  const configured = join(folder, 'configured');
  await convertCheckpoint(model, configured, { type: 'f16' });
  const configJson = join(configured, 'config.json');
  add('config.json', configJson, await readFile(configJson), configured);

  const params = { dim: 32, n_layers: 2, n_heads: 4, n_kv_heads: 2, vocab_size: -1 };
  for (const zip64 of [false, true]) {
    const meta = join(folder, zip64 ? 'meta64' : 'meta');
    await writeMetaFolder(model, meta, { shards: 2, params, zip64 });
    const shard = join(meta, 'consolidated.01.pth');
    add(zip64 ? 'pth (zip64)' : 'pth', shard, await readFile(shard), meta);
  }

  for (const version of [0, 1, 2] as const) {
    const path = join(folder, `v${version}.bin`);
    add(`bin version ${version}`, path, llama2cFile(version));
  }

  await mkdir(join(folder, 'tokenizer'));
  const path = join(folder, 'tokenizer', 'tokenizer.model');
  const bytes = writeSentencePiece(tinyTokenizer(280));
  targets.push({
    name: 'SentencePiece',
    path,
    bytes,
    open: async () => {
      const tokenizer = await openTokenizer(path);
      tokenizer.decode(tokenizer.encode('the cat sat on the mat, 日本'));
    },
  });
  return targets;
}

async function openAndRead(path: string): Promise<void> {
  const checkpoint: Checkpoint = await openCheckpoint(path);
  try {
    for (const { name, bytes } of checkpoint.tensors.values()) {
      await checkpoint.read(name, 0, bytes);
    }
    const tokenizer = await checkpoint.tokenizer();
    tokenizer?.decode(tokenizer.encode('the cat sat on the mat'));
  } finally {
    await checkpoint.close();
  }
}

/** A file of the right size; zeros are weights as good as any. */
function llama2cFile(version: 0 | 1 | 2): Uint8Array {
  const [dim, hidden, layers, heads, kvHeads, vocab, context] = [16, 32, 2, 4, 2, 24, 8];
  const sizes = [dim, hidden, layers, heads, kvHeads, vocab, context];
  const keys = (dim / heads) * kvHeads;
  const matrices = vocab * dim + layers * (2 * dim * dim + 2 * keys * dim + 3 * dim * hidden);
  const norms = dim * (2 * layers + 1);
  const header = Buffer.alloc(version === 0 ? 28 : 256);
  const start = version === 0 ? 0 : 8;
  if (version !== 0) header.writeUInt32LE(0x616b3432);
  if (version !== 0) header.writeInt32LE(version, 4);
  for (const [i, size] of sizes.entries()) header.writeInt32LE(size, start + 4 * i);
  if (version !== 0) header[36] = 1;
  if (version === 2) header.writeInt32LE(8, 37);
  const tables = version === 0 ? context * (dim / heads) : 0;
  const weights = version === 2 ? matrices + 4 * (matrices / 8) : 4 * matrices;
  return Buffer.concat([header, Buffer.alloc(weights + 4 * norms + 4 * tables)]);
}
