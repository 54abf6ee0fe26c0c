// What a run leaves behind when it ends: a Hugging Face folder, GGUF files, an adapter as PEFT has it,
// alone or merged into its base; tokenizer and chat template inside.
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { OnProgress } from '../../base/progress.ts';
import type { Checkpoint } from '../../formats/checkpoint.ts';
import { convertCheckpoint } from '../../formats/convert.ts';
import { openCheckpoint } from '../../formats/open.ts';
import { replaceFolder } from '../../formats/replace-folder.ts';
import { writeGgufAdapter } from '../adapter/gguf-adapter.ts';
import { mergeAdapter } from '../adapter/merge.ts';
import { readPeftAdapter } from '../adapter/peft-read.ts';
import type { ExportRecipe } from '../recipe/recipe.ts';

/** What an export is made from. */
export interface ExportSource {
  /** The run's folder. */
  readonly output: string;
  /** A folder with a whole model, or with an adapter. */
  readonly weights: string;
  /** The base of an adapter; absent: the weights are a whole model. */
  readonly base: Checkpoint | undefined;
  readonly recipe: ExportRecipe;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Writes what the recipe asks for; returns the paths. Replaces what an earlier end of the run wrote. */
export async function exportRun(source: ExportSource): Promise<string[]> {
  const { output, weights, base, recipe } = source;
  if (base === undefined) {
    const checkpoint = await openCheckpoint(weights);
    try {
      return await exportModel(checkpoint, source, true);
    } finally {
      await checkpoint.close();
    }
  }
  const adapterFolder = join(output, 'adapter');
  await replaceFolder(adapterFolder, { mayReplace: async () => true }, (folder) =>
    cp(weights, folder, { recursive: true }),
  );
  const adapter = await readPeftAdapter(weights, base.config);
  const paths = [adapterFolder];
  if (!adapter.adapter.hasMagnitudes) {
    paths.push(join(output, 'adapter.gguf'));
    await writeGgufAdapter(join(output, 'adapter.gguf'), adapter);
  }
  const merged = mergeAdapter(base, adapter);
  return [...paths, ...(await exportModel(merged, source, recipe.merge))];
}

async function exportModel(
  checkpoint: Checkpoint,
  { output, recipe, onProgress, signal }: ExportSource,
  asFolder: boolean,
): Promise<string[]> {
  const options = {
    force: true,
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(signal === undefined ? {} : { signal }),
  };
  const paths: string[] = [];
  if (asFolder) {
    const folder = join(output, 'model');
    await convertCheckpoint(checkpoint, folder, { ...options, type: recipe.type });
    paths.push(folder);
  }
  for (const type of recipe.gguf) {
    const file = join(output, `model-${type}.gguf`);
    await convertCheckpoint(checkpoint, file, { ...options, type });
    paths.push(file);
  }
  return paths;
}
