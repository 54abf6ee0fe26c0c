// Reads an adapter as PEFT saves it, of any release: keys it does not know in the config are left alone,
// tensors it does not know are refused, since leaving them out would compute another model.
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import * as z from 'zod';
import { checkJson } from '../../base/check-json.ts';
import { errors } from '../../base/errors.ts';
import { present } from '../../base/invariant.ts';
import { openFile, type SourceFile } from '../../formats/files.ts';
import { readJsonFile } from '../../formats/json-file.ts';
import type { LlamaConfig } from '../../formats/llama-config.ts';
import { readSafetensors } from '../../formats/safetensors.ts';
import { nameFromGguf } from '../../formats/tensor-names.ts';
import { tensorShapes } from '../../formats/tensor-shapes.ts';
import { reorderRopeRows, type TensorView, viewBytes } from '../../formats/tensor-view.ts';
import { readTorchFile } from '../../formats/torch-file.ts';
import { dequantize } from '../../tensor/codecs/codec.ts';
import type { WeightDType } from '../../tensor/dtype.ts';
import { type AdaptedMatrix, type Adapter, adapterNames } from './adapter.ts';
import { type AdapterPart, hasRotatedRows, parsePeftKey } from './peft-names.ts';

const configSchema = z.looseObject({
  peft_type: z.string(),
  r: z.number().int().min(1).default(8),
  lora_alpha: z.number().positive().default(8),
  alpha_pattern: z.record(z.string(), z.number()).nullish(),
  use_rslora: z.boolean().nullish(),
  use_dora: z.boolean().nullish(),
  fan_in_fan_out: z.boolean().nullish(),
  modules_to_save: z.array(z.string()).nullish(),
  layer_replication: z.unknown().optional(),
  base_model_name_or_path: z.string().nullish(),
});

type PeftConfig = z.infer<typeof configSchema>;

/** An adapter with all its tensors in memory, f32, rows in our order, by the names of `adapterNames`. */
export interface LoadedAdapter {
  readonly adapter: Adapter;
  readonly tensors: ReadonlyMap<string, Float32Array>;
  /** The model it was trained on, as its config names it. */
  readonly base: string | undefined;
}

const weightNames = ['adapter_model.safetensors', 'adapter_model.bin'] as const;

/** Is this the folder, or one of the files, of a PEFT adapter? */
export async function isPeftAdapter(path: string): Promise<boolean> {
  const { isFile } = await stat(join(folderOf(path), 'adapter_config.json')).then(
    (found) => ({ isFile: found.isFile() }),
    () => ({ isFile: false }),
  );
  return isFile;
}

/** Reads the adapter for a model of this shape. Throws FILE_NOT_FOUND, ADAPTER_INVALID or CONFIG_INVALID. */
export async function readPeftAdapter(path: string, config: LlamaConfig): Promise<LoadedAdapter> {
  const folder = folderOf(path);
  const configPath = join(folder, 'adapter_config.json');
  const json = await readJsonFile(configPath);
  if (json === undefined) throw errors.FILE_NOT_FOUND({ path: configPath });
  const settings = checkJson(configSchema, json, configPath);
  checkSettings(settings, path);
  const file = await openWeights(folder);
  try {
    const views = readViews(file);
    const matrices = readMatrices(views, { settings, config, path });
    const tensors = new Map<string, Float32Array>();
    for (const { matrix, part, view } of views) {
      tensors.set(adapterNames[part](matrix), await readValues(view, matrix, part, config.headDim));
    }
    const hasMagnitudes = views.some(({ part }) => part === 'magnitude');
    const base = settings.base_model_name_or_path ?? undefined;
    return { adapter: { matrices, hasMagnitudes }, tensors, base };
  } finally {
    await file.close();
  }
}

function folderOf(path: string): string {
  const name = basename(path);
  const isFile = name === 'adapter_config.json' || weightNames.some((each) => each === name);
  return isFile ? dirname(path) : path;
}

function checkSettings(settings: PeftConfig, path: string): void {
  const refuse = (reason: string): never => {
    throw errors.ADAPTER_INVALID({ path, reason });
  };
  if (settings.peft_type !== 'LORA') refuse(`its peft_type is ${settings.peft_type}, not LORA`);
  if (settings.fan_in_fan_out === true) refuse('its matrices are transposed (fan_in_fan_out)');
  const saved = settings.modules_to_save ?? [];
  if (saved.length > 0) refuse(`it replaces whole modules (${saved.join(', ')})`);
  if (settings.layer_replication != null) refuse('it replicates layers');
}

async function openWeights(folder: string): Promise<SourceFile> {
  for (const name of weightNames) {
    const path = join(folder, name);
    if ((await stat(path).catch(() => undefined)) !== undefined) return openFile(path);
  }
  throw errors.FILE_NOT_FOUND({ path: join(folder, weightNames[0]) });
}

interface AdapterView {
  readonly matrix: string;
  readonly part: AdapterPart;
  readonly view: TensorView;
}

function readViews(file: SourceFile): AdapterView[] {
  const found = file.path.endsWith('.bin') ? readTorchFile(file) : readSafetensors(file).tensors;
  return Array.from(found, ([key, { view, type }]) => {
    const parsed = parsePeftKey(key);
    if (parsed === undefined) {
      const reason = `it has a tensor ${key}, which stands beside no matrix of a block`;
      throw errors.ADAPTER_INVALID({ path: file.path, reason });
    }
    if (view === undefined) {
      throw errors.ADAPTER_INVALID({ path: file.path, reason: `${key} is of type ${type}` });
    }
    return { ...parsed, view };
  });
}

function readMatrices(
  views: readonly AdapterView[],
  { settings, config, path }: { settings: PeftConfig; config: LlamaConfig; path: string },
): Map<string, AdaptedMatrix> {
  const shapes = tensorShapes(config);
  const matrices = new Map<string, AdaptedMatrix>();
  const parts = Map.groupBy(views, ({ matrix }) => matrix);
  const needed: AdapterPart[] = settings.use_dora === true ? ['a', 'b', 'magnitude'] : ['a', 'b'];
  for (const [name, found] of parts) {
    const refuse = (reason: string): never => {
      throw errors.ADAPTER_INVALID({ path, reason });
    };
    const shapeOf = (part: AdapterPart): readonly number[] =>
      found.find((each) => each.part === part)?.view.shape ??
      refuse(`it lacks the ${part} of ${name}`);
    const [n, k] = (shapes.get(name) ?? refuse(`the model has no ${name}`)) as [number, number];
    const rank = present(shapeOf('a')[0], 'rank');
    const expected = { a: [rank, k], b: [n, rank], magnitude: [n] };
    if (found.length !== needed.length) refuse(`${name} has other tensors than its kind calls for`);
    for (const part of needed) {
      if (`${shapeOf(part)}` === `${expected[part]}`) continue;
      const wanted = expected[part].join(', ');
      refuse(
        `the ${part} of ${name} is [${shapeOf(part).join(', ')}]; the model needs [${wanted}]`,
      );
    }
    const alpha = alphaOf(name, settings);
    const scale = settings.use_rslora === true ? alpha / Math.sqrt(rank) : alpha / rank;
    matrices.set(name, { name, n, k, rank, scale });
  }
  if (matrices.size === 0) throw errors.ADAPTER_INVALID({ path, reason: 'it has no tensors' });
  return matrices;
}

// PEFT matches a pattern against the end of the module's name, at a dot.
function alphaOf(matrix: string, settings: PeftConfig): number {
  const module = present(nameFromGguf(matrix, 'huggingFace'), matrix).replace(/\.weight$/, '');
  for (const [pattern, alpha] of Object.entries(settings.alpha_pattern ?? {})) {
    if (module === pattern || module.endsWith(`.${pattern}`)) return alpha;
  }
  return settings.lora_alpha;
}

async function readValues(
  view: TensorView,
  matrix: string,
  part: AdapterPart,
  headDim: number,
): Promise<Float32Array> {
  const isRotated = part !== 'a' && hasRotatedRows(matrix);
  const ours = isRotated
    ? reorderRopeRows(view, { headDim, order: 'halves-to-interleaved' })
    : view;
  const count = view.shape.reduce((product, size) => product * size, 1);
  return dequantize(view.dtype as WeightDType, await ours.read(0, viewBytes(view)), count);
}
