// A tiny engine for tests, and what its events come to.
import type { Device } from '../src/device/device.ts';
import { Engine, type EngineOptions, type GenerationEvent } from '../src/engine/index.ts';
import type { Checkpoint } from '../src/formats/checkpoint.ts';
import { loadWeights } from '../src/model/weights.ts';

/** An engine over a checkpoint's weights with its tokenizer. */
export async function openTinyEngine(
  device: Device,
  checkpoint: Checkpoint,
  options: Partial<EngineOptions> = {},
): Promise<Engine> {
  const weights = await loadWeights(checkpoint, device);
  const tokenizer = await checkpoint.tokenizer();
  const { config } = checkpoint;
  return Engine.open({ config, device, weights, ...(tokenizer && { tokenizer }), ...options });
}

/** All events of a generation. */
export async function collectEvents(
  events: AsyncIterable<GenerationEvent>,
): Promise<GenerationEvent[]> {
  const all: GenerationEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

/** The generated ids among events. */
export function idsOf(events: readonly GenerationEvent[]): number[] {
  return events.flatMap((event) => (event.type === 'token-delta' ? [event.id] : []));
}
