// The GGUF half of convert: metadata, tokenizer and chat template inside, tensors streamed behind.

import { tensorBytes } from '../tensor/dtype.ts';
import type { ConvertedTensor, ConvertJob } from './convert-job.ts';
import { convertTypes } from './convert-plan.ts';
import { convertTensor } from './convert-tensor.ts';
import { ggufMetadata, ropeFactorTensor } from './gguf-model.ts';
import { type GgufTensorToWrite, writeGguf } from './gguf-write.ts';
import type { TensorView } from './tensor-view.ts';

/** Writes the file. Returns the bytes of its tensors. */
export async function convertToGguf(job: ConvertJob): Promise<number> {
  const { checkpoint, out, type } = job;
  const { config, name, chatTemplate, licence, generation } = checkpoint;
  const metadata = ggufMetadata({
    config,
    name,
    fileType: convertTypes[type].fileType,
    tokenizer: await checkpoint.tokenizer(),
    chatTemplate,
    licence,
    endTokens: generation.endTokens,
  });
  const factors = ropeFactorTensor(config);
  const tensors = job.tensors.map((tensor) => tensorToWrite(tensor, job));
  await writeGguf(out, { metadata, tensors: factors ? [factors, ...tensors] : tensors });
  return tensors.reduce((sum, { dtype, shape }) => sum + tensorBytes(dtype, shape), 0);
}

function tensorToWrite({ info, dtype }: ConvertedTensor, job: ConvertJob): GgufTensorToWrite {
  const { checkpoint, signal, onBytes } = job;
  const view: TensorView = {
    dtype: info.dtype,
    shape: info.shape,
    region: undefined,
    read: (offset, length) => checkpoint.read(info.name, offset, length),
  };
  return {
    name: info.name,
    dtype,
    shape: info.shape,
    write: (sink) => convertTensor(view, sink, { dtype, signal, onBytes }),
  };
}
