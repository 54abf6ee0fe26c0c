// corral inspect: what is in a checkpoint, and what it needs to run here. Reads no weights.
import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { errors } from '../base/errors.ts';
import type { Checkpoint } from '../formats/checkpoint.ts';
import { dtypes, fitsBlocks } from '../tensor/dtype.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import {
  addCommonOptions,
  addFileOptions,
  addIdleDeviceOptions,
  type CommonOptions,
  dropUndefined,
  readNumber,
} from './command-options.ts';
import { type Context, printJson, printLines } from './context.ts';
import type { Library } from './library.ts';
import { resolveModelArgument } from './model-argument.ts';
import { formatBytes, formatCount, formatFiles, formatTable } from './present.ts';

interface InspectOptions extends CommonOptions {
  readonly context?: number;
  readonly tokenizer?: string;
  readonly config?: string;
}

const cacheTypes = ['f16', 'f32', 'q8_0'] as const;

/** What --json prints. */
interface Inspection {
  readonly name: string;
  readonly path: string;
  readonly format: string;
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  readonly licence: string | null;
  readonly parameters: number;
  readonly config: Checkpoint['config'];
  readonly tokenizer: {
    readonly kind: string;
    readonly size: number;
    readonly bos: number | null;
    readonly eos: number | null;
    readonly addsBos: boolean;
  } | null;
  readonly chatTemplate: boolean;
  readonly generation: Checkpoint['generation'];
  readonly dtypes: Readonly<
    Record<
      string,
      { readonly tensors: number; readonly parameters: number; readonly bytes: number }
    >
  >;
  readonly memory: {
    readonly context: number;
    readonly weights: number;
    /** By type of the cache; null where its blocks do not fit the heads. */
    readonly cache: Readonly<Record<string, number | null>>;
    readonly total: Readonly<Record<string, number | null>>;
  };
}

/** Adds the command. */
export function addInspect(program: Command, context: Context): void {
  const tokens = readNumber('--context', { low: 1, high: 2 ** 31 - 1, whole: true });
  const command = program
    .command('inspect')
    .summary('what is in the file, what it needs to run here')
    .description('Shows config, tokenizer, types of weights and the memory that MODEL needs.')
    .argument('<model>', 'file, folder or name in the local store')
    .option('--context <tokens>', "memory for so many tokens (default: the model's own)", tokens)
    .action((model, options) => inspect(model, options, context));
  addCommonOptions(addIdleDeviceOptions(addFileOptions(command)), 'everything');
}

async function inspect(model: string, options: InspectOptions, context: Context): Promise<void> {
  const { io, library } = context;
  const path = await resolveModelArgument(model, context);
  const { config, tokenizer } = options;
  const checkpoint = await library.openCheckpoint(path, dropUndefined({ config, tokenizer }));
  try {
    const inspection = await describe(checkpoint, options.context, library);
    if (options.json === true) return await printJson(io, inspection);
    return await printLines(io, present(inspection));
  } finally {
    await checkpoint.close();
  }
}

async function describe(
  checkpoint: Checkpoint,
  asked: number | undefined,
  library: Library,
): Promise<Inspection> {
  const { config } = checkpoint;
  const context = asked ?? config.context;
  if (context > config.context) {
    const allowed = `1 to ${config.context}, the model's own context`;
    throw errors.OPTION_INVALID({ option: '--context', found: `${context}`, allowed });
  }
  const files = await Promise.all(
    checkpoint.files.map(async (path) => ({ path, bytes: (await stat(path)).size })),
  );
  const dtypes: Record<string, { tensors: number; parameters: number; bytes: number }> = {};
  let parameters = 0;
  let weights = 0;
  for (const { dtype, shape, bytes } of checkpoint.tensors.values()) {
    const elements = shape.reduce((product, size) => product * size, 1);
    const row = dtypes[dtype] ?? { tensors: 0, parameters: 0, bytes: 0 };
    dtypes[dtype] = {
      tensors: row.tensors + 1,
      parameters: row.parameters + elements,
      bytes: row.bytes + bytes,
    };
    parameters += elements;
    weights += bytes;
  }
  const cache: Record<string, number | null> = {};
  const total: Record<string, number | null> = {};
  for (const type of cacheTypes) {
    const fits = fitsBlocks(type, config.headDim);
    const bytes = fits ? (await library.cacheBytesPerToken(config, type)) * context : null;
    cache[type] = bytes;
    total[type] = bytes === null ? null : weights + bytes;
  }
  return {
    name: checkpoint.name,
    path: checkpoint.path,
    format: checkpoint.format,
    files,
    licence: checkpoint.licence ?? null,
    parameters,
    config,
    tokenizer: describeTokenizer(await checkpoint.tokenizer()),
    chatTemplate: checkpoint.chatTemplate !== undefined,
    generation: checkpoint.generation,
    dtypes,
    memory: { context, weights, cache, total },
  };
}

function describeTokenizer(tokenizer: Tokenizer | undefined): Inspection['tokenizer'] {
  if (tokenizer === undefined) return null;
  const { kind, size, bos = null, eos = null, addsBos } = tokenizer;
  return { kind, size, bos, eos, addsBos };
}

function describeNeed(bytes: number | null | undefined): string {
  return bytes == null ? '-' : formatBytes(bytes);
}

/** Why a type of the cache is not to be had. */
function describeMisfits(cache: Inspection['memory']['cache'], headDim: number): string[] {
  return cacheTypes
    .filter((type) => cache[type] === null)
    .map((type) => {
      const { blockSize } = dtypes[type];
      return `${type} cannot be had: heads of ${headDim} are no multiple of its blocks of ${blockSize}.`;
    });
}

function countOf(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

function present(found: Inspection): string[] {
  const { config, tokenizer, memory } = found;
  const bytes = found.files.reduce((sum, file) => sum + file.bytes, 0);
  const scaling = config.ropeScaling.kind === 'none' ? '' : `, ${config.ropeScaling.kind} scaling`;
  const window = config.slidingWindow === undefined ? '' : `, window ${config.slidingWindow}`;
  const rows: string[][] = [
    ['name', found.name],
    ['format', `${found.format}, ${formatFiles(found.files.length)}, ${formatBytes(bytes)}`],
    ['parameters', `${formatCount(found.parameters)} (${found.parameters})`],
    [
      'shape',
      `${countOf(config.layers, 'layer', 'layers')}, dim ${config.dim}, feed-forward ${config.feedForward}, vocabulary ${config.vocab}`,
    ],
    [
      'attention',
      `${countOf(config.heads, 'head', 'heads')} of ${config.headDim}, ${countOf(config.kvHeads, 'key-value head', 'key-value heads')}${window}`,
    ],
    ['positions', `context ${config.context}, RoPE base ${config.ropeTheta}${scaling}`],
    ['norm', `epsilon ${config.normEps}`],
    [
      'embedding',
      config.tiedEmbeddings ? 'is the output matrix too' : 'apart from the output matrix',
    ],
    [
      'tokenizer',
      tokenizer === null ? 'none: give --tokenizer' : `${tokenizer.kind}, ${tokenizer.size} tokens`,
    ],
    ['chat', found.chatTemplate ? 'has a template' : 'has no template'],
    ['licence', found.licence ?? 'not stated'],
  ];
  const types = Object.entries(found.dtypes).map(([dtype, row]) => [
    dtype,
    String(row.tensors),
    formatCount(row.parameters),
    formatBytes(row.bytes),
  ]);
  const needs = cacheTypes.map((type) => [
    type,
    formatBytes(memory.weights),
    describeNeed(memory.cache[type]),
    describeNeed(memory.total[type]),
  ]);
  return [
    ...formatTable(rows),
    '',
    ...formatTable([['type', 'tensors', 'parameters', 'bytes'], ...types], [1, 2, 3]),
    '',
    `memory for a context of ${memory.context} tokens:`,
    ...formatTable([['cache', 'weights', 'keys and values', 'together'], ...needs], [1, 2, 3]),
    ...describeMisfits(memory.cache, config.headDim),
  ];
}
