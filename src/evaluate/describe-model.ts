// What a result must say about the model it belongs to: its weights' hash and type, template, BOS policy.
import { createHash } from 'node:crypto';
import type { DeviceInfo } from '../device/device.ts';
import type { Engine } from '../engine/index.ts';
import type { TensorInfo } from '../formats/checkpoint.ts';
import { type OpenOptions, openCheckpoint } from '../formats/index.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import type { ModelDescription } from './answerer.ts';
import { type HashOptions, hashFiles } from './hash-files.ts';

/** A loaded model: what an engine answerer needs of a Llama. */
export interface EvaluatedModel {
  readonly name: string;
  readonly path: string;
  readonly engine: Engine;
  readonly tokenizer: Tokenizer;
  readonly device: DeviceInfo;
  /** Jinja source, `llama-2`, or undefined. */
  readonly chatTemplate: string | undefined;
  close(): Promise<void>;
}

/** How the model is used. */
export interface DescribeOptions extends HashOptions {
  /** The options that its checkpoint was opened with. */
  readonly checkpoint?: OpenOptions;
  /** Are conversations written by its chat template? */
  readonly usesChatTemplate: boolean;
  /** Is BOS put before texts? */
  readonly bos: boolean;
}

/** What describing found: the description, and the ids that end an answer. */
export interface DescribedModel {
  readonly description: ModelDescription;
  readonly endTokens: readonly number[];
}

/** Describes a model; reads its files once to hash them. Throws what opening a checkpoint throws. */
export async function describeModel(
  model: EvaluatedModel,
  options: DescribeOptions,
): Promise<DescribedModel> {
  const checkpoint = await openCheckpoint(model.path, options.checkpoint);
  try {
    const { tokenizer, engine, device } = model;
    const template = options.usesChatTemplate ? (model.chatTemplate ?? null) : null;
    const special = (id: number | undefined): string | null =>
      id === undefined ? null : tokenizer.piece(id);
    const description: ModelDescription = {
      name: model.name,
      source: 'corral',
      location: model.path,
      sha256: await hashFiles(checkpoint.files, options),
      quantisation: mostFrequentType(checkpoint.tensors.values()),
      parameters: [...checkpoint.tensors.values()].reduce((sum, info) => sum + countOf(info), 0),
      chatTemplate: template,
      chatTemplateSha256:
        template === null ? null : createHash('sha256').update(template).digest('hex'),
      bosPolicy: bosPolicyOf(options, template),
      maxLength: engine.context,
      device: `${device.name} ${device.isa}, ${engine.cacheType} cache, ${engine.activations} activations`,
      bosToken: special(tokenizer.bos),
      eosToken: special(tokenizer.eos),
    };
    return { description, endTokens: checkpoint.generation.endTokens };
  } finally {
    await checkpoint.close();
  }
}

function bosPolicyOf(
  { bos }: DescribeOptions,
  template: string | null,
): ModelDescription['bosPolicy'] {
  if (template !== null && (template === 'llama-2' || template.includes('bos_token'))) {
    return 'template';
  }
  return bos ? 'always' : 'never';
}

function countOf({ shape }: TensorInfo): number {
  return shape.reduce((product, size) => product * size, 1);
}

function mostFrequentType(tensors: Iterable<TensorInfo>): string | null {
  const counts = new Map<string, number>();
  for (const info of tensors) {
    counts.set(info.dtype, (counts.get(info.dtype) ?? 0) + countOf(info));
  }
  const [first] = [...counts].sort((a, b) => b[1] - a[1]);
  return first?.[0] ?? null;
}
