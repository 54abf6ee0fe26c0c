// Writes an adapter as PEFT saves it: adapter_model.safetensors with its keys and row order, and
// adapter_config.json. Ours loads in PEFT, and in everything that reads PEFT's.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TensorToWrite, writeSafetensors } from '../../formats/safetensors-write.ts';
import { reorderRopeRows, type TensorView } from '../../formats/tensor-view.ts';
import type { MethodRecipe } from '../recipe/recipe.ts';
import { type Adapter, adapterNames } from './adapter.ts';
import { type AdapterPart, hasRotatedRows, moduleOf, peftKey } from './peft-names.ts';

/** What adapter_config.json says besides the shapes. */
export interface PeftFacts {
  readonly method: Pick<MethodRecipe, 'kind' | 'rank' | 'alpha' | 'dropout'>;
  /** The model the adapter belongs to, as the user named it. */
  readonly base: string;
  readonly headDim: number;
}

/** Reads a tensor of the adapter, f32, by its name. */
export type ReadTensor = (name: string) => Promise<Uint8Array>;

/** Writes into an existing folder. Throws FILE_UNWRITABLE. */
export async function writePeftAdapter(
  folder: string,
  adapter: Adapter,
  facts: PeftFacts,
  read: ReadTensor,
): Promise<void> {
  const tensors: TensorToWrite[] = [];
  const add = (matrix: string, part: AdapterPart, shape: readonly number[]): void => {
    const isRotated = part !== 'a' && hasRotatedRows(matrix);
    tensors.push({
      name: peftKey(matrix, part),
      dtype: 'f32',
      shape,
      write: async (sink) => {
        const bytes = await read(adapterNames[part](matrix));
        await sink.write(isRotated ? await reorder(bytes, shape, facts.headDim) : bytes);
      },
    });
  };
  for (const { name, n, k, rank } of adapter.matrices.values()) {
    add(name, 'a', [rank, k]);
    add(name, 'b', [n, rank]);
    if (adapter.hasMagnitudes) add(name, 'magnitude', [n]);
  }
  await writeSafetensors(join(folder, 'adapter_model.safetensors'), tensors);
  const json = JSON.stringify(makeAdapterConfig(adapter, facts), null, 2);
  await writeFile(join(folder, 'adapter_config.json'), `${json}\n`);
}

function reorder(
  bytes: Uint8Array,
  shape: readonly number[],
  headDim: number,
): Promise<Uint8Array> {
  const plain: TensorView = {
    dtype: 'f32',
    shape,
    region: undefined,
    read: async (offset, length) => bytes.slice(offset, offset + length),
  };
  return reorderRopeRows(plain, { headDim, order: 'interleaved-to-halves' }).read(0, bytes.length);
}

function makeAdapterConfig(adapter: Adapter, { method, base }: PeftFacts): object {
  const modules = new Set([...adapter.matrices.keys()].map(moduleOf));
  return {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: base,
    r: method.rank,
    lora_alpha: method.alpha,
    lora_dropout: method.dropout,
    target_modules: [...modules],
    use_rslora: method.kind === 'rslora',
    use_dora: adapter.hasMagnitudes,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    modules_to_save: null,
    rank_pattern: {},
    alpha_pattern: {},
    layers_to_transform: null,
    layers_pattern: null,
    layer_replication: null,
    loftq_config: {},
    lora_bias: false,
    megatron_config: null,
    megatron_core: 'megatron.core',
    auto_mapping: null,
    revision: null,
  };
}
