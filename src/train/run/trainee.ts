// What is trained: a model on a device, the tensors of it that change, its loss, and how the changing
// part is written to a folder and read back. All weights, or an adapter beside frozen ones.
import { join } from 'node:path';
import { present } from '../../base/invariant.ts';
import type { Device, DeviceBuffer } from '../../device/device.ts';
import { convertCheckpoint } from '../../formats/convert.ts';
import { openCheckpoint } from '../../formats/open.ts';
import type { RecordLinear } from '../../model/llama.ts';
import type { Program } from '../../tensor/program.ts';
import {
  type Adapter,
  adapterParameters,
  adapterTensors,
  initialAdapter,
  planAdapter,
} from '../adapter/adapter.ts';
import { readPeftAdapter } from '../adapter/peft-read.ts';
import { writePeftAdapter } from '../adapter/peft-write.ts';
import { adapterHook, recordLengths } from '../adapter/record-adapter.ts';
import { deviceCheckpoint, type ModelFacts } from '../checkpoint/device-checkpoint.ts';
import { writeValues } from '../checkpoint/device-tensors.ts';
import { type LossProgram, recordLanguageModel } from '../language-model.ts';
import { allParameters, type DecayGroups, type Parameter } from '../parameters.ts';
import type { MethodRecipe, OptimizerRecipe } from '../recipe/recipe.ts';

/** Weights by name. */
export type Weights = Readonly<Record<string, DeviceBuffer>>;

/** A model in training. */
export interface Trainee {
  readonly facts: ModelFacts;
  /** Every weight of the programs. */
  readonly weights: Weights;
  readonly parameters: readonly Parameter[];
  /** The loss with dropout, where there is any. */
  readonly loss: LossProgram;
  /** The loss as it is measured. */
  readonly evaluation: Program;
  readonly hasDropout: boolean;
  /** What adapters record, for the engine. */
  readonly linear: RecordLinear | undefined;
  /** Writes the changing part, taken from these weights, into an empty folder: a model or an adapter. */
  save(folder: string, weights: Weights): Promise<void>;
  /** Reads what `save` wrote into the weights. */
  load(folder: string): Promise<void>;
}

/** A model whose weights lie on the device. */
export interface LoadedModel {
  readonly device: Device;
  readonly facts: ModelFacts;
  readonly weights: Weights;
  /** The base as the user named it; absent: a new model. */
  readonly base: string | undefined;
}

/** Weight decay of a recipe by kind of tensor. */
export function decayGroups(optimizer: OptimizerRecipe): DecayGroups {
  const { decay, decayEmbedding = decay, decayVectors } = optimizer;
  return { matrices: decay, embedding: decayEmbedding, vectors: decayVectors };
}

/** All weights change; they are f32. */
export function trainAll({ device, facts, weights }: LoadedModel, decay: DecayGroups): Trainee {
  const loss = recordLanguageModel(facts.config);
  return {
    facts,
    weights,
    parameters: allParameters(facts.config, decay),
    loss,
    evaluation: loss.program,
    hasDropout: false,
    linear: undefined,
    save: async (folder, from) => {
      const checkpoint = deviceCheckpoint(device, from, facts);
      await convertCheckpoint(checkpoint, folder, { type: 'f32', format: 'safetensors' });
    },
    load: async (folder) => {
      const checkpoint = await openCheckpoint(folder);
      try {
        for (const { name, bytes } of checkpoint.tensors.values()) {
          await device.write(
            present(weights[name], name),
            0,
            await checkpoint.read(name, 0, bytes),
          );
        }
      } finally {
        await checkpoint.close();
      }
    },
  };
}

/** An adapter changes; what it stands beside may be of any type. */
export async function trainAdapter(
  { device, facts, weights, base = '' }: LoadedModel,
  options: { readonly method: MethodRecipe; readonly decay: DecayGroups; readonly seed: number },
): Promise<Trainee> {
  const { method, decay, seed } = options;
  const { config } = facts;
  const adapter = planAdapter(config, method);
  const own = await allocateAdapter(device, adapter);
  const all = { ...weights, ...own };
  for (const { name, values } of initialAdapter(adapter, seed)) {
    await writeValues(device, own, name, values);
  }
  if (adapter.hasMagnitudes) await setMagnitudes(device, adapter, all);
  const { dropout } = method;
  const linear = adapterHook(adapter);
  const evaluation = recordLanguageModel(config, { linear });
  const loss =
    dropout === 0
      ? evaluation
      : recordLanguageModel(config, { linear: adapterHook(adapter, { dropout }) });
  return {
    facts,
    weights: all,
    parameters: adapterParameters(adapter, decay),
    loss,
    evaluation: evaluation.program,
    hasDropout: dropout > 0,
    linear,
    save: async (folder, from) => {
      const { headDim } = config;
      await writePeftAdapter(folder, adapter, { method, base, headDim }, async (name) => {
        const buffer = present(from[name], name);
        return device.read(buffer, 0, buffer.bytes);
      });
    },
    load: async (folder) => {
      const { tensors } = await readPeftAdapter(join(folder, 'adapter_config.json'), config);
      for (const [name, values] of tensors) await writeValues(device, own, name, values);
    },
  };
}

/** Memory for the tensors of an adapter, zeros. */
export async function allocateAdapter(
  device: Device,
  adapter: Adapter,
): Promise<Record<string, DeviceBuffer>> {
  const buffers: Record<string, DeviceBuffer> = {};
  for (const [name, shape] of adapterTensors(adapter)) {
    buffers[name] = await device.allocate('f32', shape);
  }
  return buffers;
}

// DoRA begins with the lengths that rows have: the adapted model begins as the base.
async function setMagnitudes(device: Device, adapter: Adapter, weights: Weights): Promise<void> {
  const program = recordLengths(adapter);
  const fetch = [...program.outputs.keys()];
  const lengths = await device.run(device.compile(program, weights), {
    inputs: {},
    sizes: { rows: 0, outputs: 0, sequences: 0, pages: 0, adjustments: 0 },
    fetch,
  });
  for (const name of fetch) {
    await writeValues(device, weights, name, present(lengths[name], name) as Float32Array);
  }
}
