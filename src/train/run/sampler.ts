// Texts written by the very weights that are being trained, through the engine that serves.
import { errors } from '../../base/errors.ts';
import type { Device } from '../../device/device.ts';
import { Engine } from '../../engine/index.ts';
import { encodeChat } from '../../tokenizer/chat.ts';
import type { TokenId, Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { SampleRecipe } from '../recipe/recipe.ts';
import type { Trainee, Weights } from './trainee.ts';

/** What samples are written with. */
export interface SamplerOptions {
  readonly device: Device;
  readonly trainee: Pick<Trainee, 'facts' | 'linear'>;
  /** The weights to write with, as they are at each call. */
  readonly weights: Weights;
  readonly tokenizer: Tokenizer;
  readonly recipe: SampleRecipe;
  readonly seed: number;
}

/** Writes samples. Close it before its device. */
export class Sampler {
  readonly #engine: Engine;
  readonly #options: SamplerOptions;

  private constructor(engine: Engine, options: SamplerOptions) {
    this.#engine = engine;
    this.#options = options;
  }

  /** Allocates a cache for one sequence. Throws TEMPLATE_INVALID for messages without a template. */
  static async open(options: SamplerOptions): Promise<Sampler> {
    const { device, trainee, weights, tokenizer, recipe } = options;
    const engine = await Engine.open({
      config: trainee.facts.config,
      device,
      weights,
      tokenizer,
      sequences: 1,
      // The very numbers that training sees.
      activations: 'exact',
      // What was computed by weights that have changed since is of no use.
      sharePrefixes: false,
      ...(trainee.linear === undefined ? {} : { linear: trainee.linear }),
    });
    const sampler = new Sampler(engine, options);
    // What cannot be written down shows now, not after the first thousand steps.
    for (const prompt of recipe.prompts) sampler.#encode(prompt);
    return sampler;
  }

  /** What the model makes of a prompt; the same answer for the same weights. Throws ABORTED. */
  async write(prompt: string, signal?: AbortSignal): Promise<string> {
    const { recipe, trainee, seed } = this.#options;
    const ids = this.#encode(prompt);
    const room = this.#engine.context - ids.length;
    if (room < 1) return '';
    const { endTokens } = trainee.facts.generation;
    let text = '';
    const events = this.#engine.generate({
      prompt: ids,
      maxTokens: Math.min(recipe.maxTokens, room),
      temperature: recipe.temperature,
      seed,
      start: recipe.chat ? 'text' : 'continuation',
      ...(endTokens.length > 0 ? { endTokens } : {}),
      ...(signal === undefined ? {} : { signal }),
    });
    for await (const event of events) text += event.text;
    if (signal?.aborted === true) throw errors.ABORTED({ what: 'A sample' });
    return text;
  }

  close(): Promise<void> {
    return this.#engine.close();
  }

  #encode(prompt: string): readonly TokenId[] {
    const { recipe, tokenizer, trainee } = this.#options;
    if (recipe.chat) {
      const messages = [{ role: 'user', content: prompt }] as const;
      const template = trainee.facts.chatTemplate;
      return encodeChat(tokenizer, messages, { template, addGenerationPrompt: true }).ids;
    }
    const ids = tokenizer.encode(prompt, { bos: tokenizer.addsBos });
    if (ids.length > 0) return ids;
    return tokenizer.bos === undefined ? [0] : [tokenizer.bos];
  }
}
