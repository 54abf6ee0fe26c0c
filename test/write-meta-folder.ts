// Writes a checkpoint as Meta would: params.json and consolidated.NN.pth, cut into shards by hand along
// the axes of the release (columns for the embedding, wo and w2; rows for the rest; norms in each).
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoint } from '../src/formats/checkpoint.ts';
import { type TorchFileOptions, type TorchTensorToSave, writeTorchFile } from './write-torch.ts';

const metaNames: readonly (readonly [
  gguf: RegExp,
  meta: string,
  cut: 'rows' | 'columns' | 'none',
])[] = [
  [/^token_embd\.weight$/, 'tok_embeddings.weight', 'columns'],
  [/^output_norm\.weight$/, 'norm.weight', 'none'],
  [/^output\.weight$/, 'output.weight', 'rows'],
  [/^blk\.(\d+)\.attn_norm\.weight$/, 'layers.$1.attention_norm.weight', 'none'],
  [/^blk\.(\d+)\.ffn_norm\.weight$/, 'layers.$1.ffn_norm.weight', 'none'],
  [/^blk\.(\d+)\.attn_q\.weight$/, 'layers.$1.attention.wq.weight', 'rows'],
  [/^blk\.(\d+)\.attn_k\.weight$/, 'layers.$1.attention.wk.weight', 'rows'],
  [/^blk\.(\d+)\.attn_v\.weight$/, 'layers.$1.attention.wv.weight', 'rows'],
  [/^blk\.(\d+)\.attn_output\.weight$/, 'layers.$1.attention.wo.weight', 'columns'],
  [/^blk\.(\d+)\.ffn_gate\.weight$/, 'layers.$1.feed_forward.w1.weight', 'rows'],
  [/^blk\.(\d+)\.ffn_down\.weight$/, 'layers.$1.feed_forward.w2.weight', 'columns'],
  [/^blk\.(\d+)\.ffn_up\.weight$/, 'layers.$1.feed_forward.w3.weight', 'rows'],
];

/** How to cut. */
export interface MetaFolderOptions extends TorchFileOptions {
  readonly shards: number;
  readonly params: Readonly<Record<string, unknown>>;
  /** Llama 3 cuts the embedding by rows. */
  readonly embedding?: 'rows' | 'columns';
}

/** Writes an f32 checkpoint into a new folder. */
export async function writeMetaFolder(
  checkpoint: Checkpoint,
  folder: string,
  options: MetaFolderOptions,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'params.json'), JSON.stringify(options.params));
  for (let shard = 0; shard < options.shards; shard++) {
    const tensors: Record<string, TorchTensorToSave> = {};
    for (const { name, shape, bytes } of checkpoint.tensors.values()) {
      const row = metaNames.find(([gguf]) => gguf.test(name));
      if (row === undefined) throw new Error(`no Meta name for ${name}`);
      const [gguf, meta, axis] = row;
      const packed = await checkpoint.read(name, 0, bytes);
      const values = new Float32Array(packed.slice().buffer);
      const cut = meta.startsWith('tok_') ? (options.embedding ?? axis) : axis;
      tensors[name.replace(gguf, meta)] = cutTensor(values, shape, {
        cut,
        shard,
        shards: options.shards,
      });
    }
    tensors['rope.freqs'] = { values: new Float32Array(4), shape: [4] };
    const file = join(folder, `consolidated.${String(shard).padStart(2, '0')}.pth`);
    await writeFile(file, writeTorchFile(tensors, options));
  }
}

function cutTensor(
  values: Float32Array,
  shape: readonly number[],
  { cut, shard, shards }: { cut: 'rows' | 'columns' | 'none'; shard: number; shards: number },
): TorchTensorToSave {
  const [rows = 1, columns = 1] = shape;
  if (cut === 'none') return { values, shape };
  const height = cut === 'rows' ? rows / shards : rows;
  const width = cut === 'columns' ? columns / shards : columns;
  const [top, left] = cut === 'rows' ? [shard * height, 0] : [0, shard * width];
  const part = new Float32Array(height * width);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      part[row * width + column] = values[(top + row) * columns + left + column] as number;
    }
  }
  return { values: part, shape: [height, width] };
}
