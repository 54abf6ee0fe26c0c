// Any checkpoint to a GGUF or to a Hugging Face folder, changing types on the way. Streams: memory
// stays at a few chunks whatever the model. What is written is whole or not there.
import { errors } from '../base/errors.ts';
import type { OnProgress } from '../base/progress.ts';
import type { WeightDType } from '../tensor/dtype.ts';
import type { Checkpoint, TensorInfo } from './checkpoint.ts';
import type { ConvertJob } from './convert-job.ts';
import { checkOutput } from './convert-output.ts';
import { checkConvertType, planTensors } from './convert-plan.ts';
import { convertToGguf } from './convert-to-gguf.ts';
import { convertToSafetensors } from './convert-to-safetensors.ts';
import type { ConvertType } from './convert-types.ts';
import { checkTensors, tensorShapes } from './tensor-shapes.ts';

/** How to convert. */
export interface ConvertOptions {
  /** f32, f16, bf16, q8_0, q4_0, q4_k, q5_k, q6_k, q4_k_m or q5_k_m. */
  readonly type: string;
  /** Default: GGUF when the path ends in `.gguf`, else safetensors. */
  readonly format?: 'gguf' | 'safetensors';
  /** Replace a file, or a folder with files that Corral did not write. */
  readonly force?: boolean;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/** What a conversion wrote. */
export interface ConvertReport {
  readonly format: 'gguf' | 'safetensors';
  readonly type: ConvertType;
  /** Bytes of the tensors. */
  readonly bytes: number;
  /** Matrices whose rows the wanted type cannot hold. */
  readonly fallbacks: readonly {
    readonly name: string;
    readonly wanted: WeightDType;
    readonly used: WeightDType;
  }[];
}

/**
 * Converts a checkpoint to `out`, a `.gguf` file or a folder; never over what it reads.
 * Throws OPTION_INVALID, OUTPUT_EXISTS, FILE_KIND_WRONG, FILE_UNWRITABLE, ABORTED, or what is wrong with the checkpoint.
 * @example await convertCheckpoint(await openCheckpoint('llama-2-7b'), 'llama.gguf', { type: 'q4_k_m' });
 */
export async function convertCheckpoint(
  checkpoint: Checkpoint,
  out: string,
  options: ConvertOptions,
): Promise<ConvertReport> {
  const type = checkConvertType(options.type);
  const format = options.format ?? (out.endsWith('.gguf') ? 'gguf' : 'safetensors');
  if (format === 'safetensors' && !['f32', 'f16', 'bf16'].includes(type)) {
    throw errors.OPTION_INVALID({
      option: 'type',
      found: `${type} for a safetensors folder`,
      allowed: 'f32, f16, bf16; for quantised types let the output end in .gguf',
    });
  }
  const force = options.force ?? false;
  await checkOutput(out, { inputs: [checkpoint.path, ...checkpoint.files], format, force });
  checkTensors(checkpoint.config, checkpoint.tensors, checkpoint.path);
  const infos = [...tensorShapes(checkpoint.config).keys()].map(
    (name) => checkpoint.tensors.get(name) as TensorInfo,
  );
  const plan = planTensors(checkpoint.config, infos, type);
  const total = infos.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  const onBytes = (bytes: number): void => {
    done += bytes;
    options.onProgress?.({ task: 'Converting', done, total, unit: 'bytes' });
  };
  const job: ConvertJob = {
    checkpoint,
    out,
    type,
    tensors: plan.map(({ dtype }, i) => ({ info: infos[i] as TensorInfo, dtype })),
    force,
    signal: options.signal,
    onBytes,
  };
  const write = format === 'gguf' ? convertToGguf : convertToSafetensors;
  return {
    format,
    type,
    bytes: await write(job),
    fallbacks: plan.flatMap(({ name, dtype, wanted }) =>
      wanted === undefined ? [] : [{ name, wanted, used: dtype }],
    ),
  };
}
