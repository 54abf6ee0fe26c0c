// The smaller model that guesses what a larger one says next: on the same device, of the same vocabulary.
import { errors } from '../base/errors.ts';
import type { Activations, Device } from '../device/device.ts';
import { type CacheType, Engine } from '../engine/index.ts';
import { openCheckpoint } from '../formats/open.ts';
import { loadWeights } from '../model/index.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { locateModel } from './locate.ts';

/** What the two models have in common. */
export interface DrafterSetting {
  readonly device: Device;
  /** Of the model that answers. */
  readonly tokenizer: Tokenizer | undefined;
  /** The longest text it may have. */
  readonly context: number;
  readonly cache?: CacheType;
  readonly activations?: Activations;
  readonly sequences?: number;
  readonly signal?: AbortSignal;
}

/** Loads the model that guesses, a path or a name in the store. Throws DRAFT_UNFIT, and what loading throws. */
export async function loadDrafter(
  model: string,
  { device, tokenizer, context, signal, ...options }: DrafterSetting,
): Promise<Engine> {
  const checkpoint = await openCheckpoint(await locateModel(model), {});
  try {
    const { config } = checkpoint;
    const difference = findDifference(tokenizer, await checkpoint.tokenizer());
    if (difference !== undefined) throw errors.DRAFT_UNFIT({ path: model, difference });
    const weights = await loadWeights(checkpoint, device, signal === undefined ? {} : { signal });
    return await Engine.open({
      config,
      device,
      weights,
      context: Math.min(context, config.context),
      ...options,
    });
  } finally {
    await checkpoint.close();
  }
}

// A guess is an id: each must mean the same to both.
function findDifference(
  ours: Tokenizer | undefined,
  theirs: Tokenizer | undefined,
): string | undefined {
  if (ours === undefined) return 'the model that is to answer has no tokenizer';
  if (theirs === undefined) return 'it has no tokenizer';
  if (theirs.size !== ours.size) return `it has ${theirs.size} tokens, the model ${ours.size}`;
  for (let id = 0; id < ours.size; id++) {
    const [own, other] = [ours.piece(id), theirs.piece(id)].map((piece) => JSON.stringify(piece));
    if (own !== other) return `its token ${id} is ${other}, the model's ${own}`;
  }
  return undefined;
}
