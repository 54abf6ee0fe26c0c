// A checkpoint made of tensor views: what every format but GGUF ends in. Checks that tensors and
// config belong together. Knows nothing of the files behind the views.
import { errors } from '../base/errors.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { Checkpoint, TensorInfo } from './checkpoint.ts';
import type { SourceFile } from './files.ts';
import { openFile } from './files.ts';
import { checkTensors, tensorShapes } from './tensor-shapes.ts';
import { type TensorView, viewBytes } from './tensor-view.ts';

/** Opened files, closed together; also when opening goes wrong half-way. */
export class OpenFiles {
  readonly #files: SourceFile[] = [];

  get paths(): readonly string[] {
    return this.#files.map((file) => file.path);
  }

  async open(path: string): Promise<SourceFile> {
    const file = await openFile(path);
    this.#files.push(file);
    return file;
  }

  async close(): Promise<void> {
    await Promise.all(this.#files.map((file) => file.close()));
  }
}

/** Runs `work` with files that are closed again when it throws. */
export async function withOpenFiles<T>(work: (files: OpenFiles) => Promise<T>): Promise<T> {
  const files = new OpenFiles();
  try {
    return await work(files);
  } catch (error) {
    await files.close();
    throw error;
  }
}

/** What a format knows of its checkpoint. */
export interface ViewCheckpointParts
  extends Pick<
    Checkpoint,
    'format' | 'path' | 'name' | 'config' | 'chatTemplate' | 'generation' | 'licence'
  > {
  readonly views: ReadonlyMap<string, TensorView>;
  readonly files: OpenFiles;
  /** Files beside the weights, such as config.json. */
  readonly otherFiles?: readonly string[];
  readonly makeTokenizer: () => Promise<Tokenizer | undefined>;
}

/** Throws TENSOR_MISSING, TENSOR_SHAPE or, for views of no weight type, DTYPE_UNSUPPORTED. */
export function makeViewCheckpoint(parts: ViewCheckpointParts): Checkpoint {
  const { views, files, otherFiles = [], makeTokenizer, ...facts } = parts;
  const tensors = new Map<string, TensorInfo>();
  for (const [name, view] of views) {
    if (view.dtype === 'i32') {
      throw errors.DTYPE_UNSUPPORTED({
        dtype: 'i32',
        where: `Tensor ${name}`,
        allowed: 'f32, f16, bf16',
      });
    }
    const { dtype, shape } = view;
    tensors.set(name, { name, dtype, shape, bytes: viewBytes(view) });
  }
  checkTensors(facts.config, tensors, facts.path);
  const wanted = tensorShapes(facts.config);
  for (const name of tensors.keys()) {
    if (wanted.has(name)) continue;
    // Leaving a tensor out would compute another model than the one in the file.
    throw errors.CONFIG_INVALID({
      path: facts.path,
      field: 'config',
      expected: 'one with a place for every tensor of the file',
      found: `none for ${name}`,
    });
  }
  const viewOf = (name: string): TensorView => {
    const view = views.get(name);
    if (view === undefined) throw errors.TENSOR_MISSING({ name, path: facts.path });
    return view;
  };
  let tokenizer: Promise<Tokenizer | undefined> | undefined;
  return {
    ...facts,
    files: [...files.paths, ...otherFiles],
    tensors,
    tokenizer: () => {
      tokenizer ??= makeTokenizer();
      return tokenizer;
    },
    read: async (name, offset, length) => {
      const view = viewOf(name);
      const bytes = viewBytes(view);
      if (!(offset >= 0 && length >= 0 && length <= bytes - offset)) {
        throw new RangeError(`Bytes ${offset} + ${length} of ${name} are beyond its ${bytes}.`);
      }
      return view.read(offset, length);
    },
    region: (name) => viewOf(name).region,
    close: () => files.close(),
  };
}
