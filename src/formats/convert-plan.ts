// Which type each tensor gets in a conversion: llama.cpp's recipes for its quantisation names, and
// what it falls back to where a row is no whole number of blocks. Pure: knows nothing of files.
import { errors } from '../base/errors.ts';
import { dtypes, type WeightDType } from '../tensor/dtype.ts';
import { type TensorInfo, tensorNames } from './checkpoint.ts';
import type { ConvertType } from './convert-types.ts';
import type { LlamaConfig } from './llama-config.ts';

interface Recipe {
  readonly base: WeightDType;
  /** The number GGUF files carry as `general.file_type`. */
  readonly fileType: number;
  /** Do some matrices get more bits? */
  readonly mixed: boolean;
}

/** What `convert --type` takes. */
export const convertTypes: Readonly<Record<ConvertType, Recipe>> = {
  f32: { base: 'f32', fileType: 0, mixed: false },
  f16: { base: 'f16', fileType: 1, mixed: false },
  bf16: { base: 'bf16', fileType: 32, mixed: false },
  q8_0: { base: 'q8_0', fileType: 7, mixed: false },
  q4_0: { base: 'q4_0', fileType: 2, mixed: false },
  q4_k: { base: 'q4_k', fileType: 14, mixed: false },
  q5_k: { base: 'q5_k', fileType: 16, mixed: false },
  q6_k: { base: 'q6_k', fileType: 18, mixed: false },
  q4_k_m: { base: 'q4_k', fileType: 15, mixed: true },
  q5_k_m: { base: 'q5_k', fileType: 17, mixed: true },
};

/** One tensor of the result; `wanted` is there when its rows did not fit that type. */
export interface PlannedTensor {
  readonly name: string;
  readonly dtype: WeightDType;
  readonly wanted?: WeightDType;
}

/** Throws OPTION_INVALID for a name that is none. */
export function checkConvertType(type: string): ConvertType {
  if (Object.hasOwn(convertTypes, type)) return type as ConvertType;
  throw errors.OPTION_INVALID({
    option: 'type',
    found: type,
    allowed: Object.keys(convertTypes).join(', '),
  });
}

/** The type of every tensor, in their order. */
export function planTensors(
  config: LlamaConfig,
  tensors: Iterable<Pick<TensorInfo, 'name' | 'shape'>>,
  type: ConvertType,
): PlannedTensor[] {
  return Array.from(tensors, ({ name, shape }) => {
    // Norms are a few kilobytes and multiply everything: always exact.
    if (shape.length === 1) return { name, dtype: 'f32' };
    const wanted = wantedType(name, config, type);
    const dtype = typeThatFits(wanted, shape.at(-1) ?? 0);
    return dtype === wanted ? { name, dtype } : { name, dtype, wanted };
  });
}

function wantedType(name: string, config: LlamaConfig, type: ConvertType): WeightDType {
  const { base, mixed } = convertTypes[type];
  if (dtypes[base].blockSize === 1) return base;
  const head = config.tiedEmbeddings ? tensorNames.embedding : tensorNames.output;
  if (name === head) return base === 'q8_0' ? 'q8_0' : 'q6_k';
  const match = /^blk\.(\d+)\.(attn_v|ffn_down)\.weight$/.exec(name);
  if (match === null || !mixed) return base;
  if (usesMoreBits(Number(match[1]), config.layers)) return 'q6_k';
  // In 70B eight heads share each value: more bits cost little there.
  const is70b = config.layers === 80 && config.heads / config.kvHeads === 8;
  return is70b && match[2] === 'attn_v' && base === 'q4_k' ? 'q5_k' : base;
}

// The first and last eighth of the layers, and every third between.
function usesMoreBits(layer: number, layers: number): boolean {
  const eighth = Math.floor(layers / 8);
  return layer < eighth || layer >= Math.floor((7 * layers) / 8) || (layer - eighth) % 3 === 2;
}

const fallbacks: Partial<Record<WeightDType, WeightDType>> = {
  q4_k: 'q5_0',
  q5_k: 'q5_1',
  q6_k: 'q8_0',
};

function typeThatFits(wanted: WeightDType, columns: number): WeightDType {
  const candidates = [wanted, fallbacks[wanted] ?? wanted];
  return candidates.find((dtype) => columns % dtypes[dtype].blockSize === 0) ?? 'f16';
}
