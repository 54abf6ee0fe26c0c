// Rotary frequencies of a config: how positions become angles, and how each scaling stretches them.
// Computed in float64, handed over as f32.
import type { LlamaConfig, RopeScaling } from '../formats/llama-config.ts';

/** Angles per position, one for each pair of a head, fastest first: [headDim / 2]. */
export function ropeFrequencies(config: LlamaConfig, sequenceLength: number): Float32Array {
  const { headDim, ropeScaling: scaling } = config;
  const theta = scaledTheta(config, sequenceLength);
  const plain = Array.from({ length: headDim / 2 }, (_, i) => theta ** ((-2 * i) / headDim));
  return Float32Array.from(plain, (frequency, i) => stretch(frequency, i, scaling, config));
}

/** Factor on cosines and sines: 1, or YaRN's attention temperature (arXiv 2309.00071, 3.4). */
export function ropeScale({ ropeScaling: scaling }: LlamaConfig): number {
  if (scaling.kind !== 'yarn') return 1;
  return scaling.attentionFactor ?? (scaling.factor > 1 ? 0.1 * Math.log(scaling.factor) + 1 : 1);
}

function scaledTheta(config: LlamaConfig, sequenceLength: number): number {
  const { headDim, ropeTheta, ropeScaling: scaling } = config;
  const exponent = headDim / (headDim - 2);
  if (scaling.kind === 'ntk') return ropeTheta * scaling.factor ** exponent;
  if (scaling.kind === 'dynamic' && sequenceLength > scaling.originalContext) {
    const { factor, originalContext } = scaling;
    return ropeTheta * ((factor * sequenceLength) / originalContext - (factor - 1)) ** exponent;
  }
  return ropeTheta;
}

function stretch(
  frequency: number,
  index: number,
  scaling: RopeScaling,
  config: LlamaConfig,
): number {
  switch (scaling.kind) {
    case 'linear':
      return frequency / scaling.factor;
    case 'factors':
      return frequency / (scaling.factors[index] ?? 1);
    case 'llama3': {
      const turns = (scaling.originalContext * frequency) / (2 * Math.PI);
      const { lowFrequencyFactor: low, highFrequencyFactor: high, factor } = scaling;
      const keep = clamp((turns - low) / (high - low));
      return frequency * (keep + (1 - keep) / factor);
    }
    case 'yarn': {
      const [low, high] = yarnRange(scaling, config);
      const keep = 1 - clamp((index - low) / (high - low));
      return frequency * (keep + (1 - keep) / scaling.factor);
    }
    case 'none':
    case 'ntk':
    case 'dynamic':
      return frequency;
  }
}

// Pairs that turn more than betaFast times over the original context stay, those under betaSlow are
// interpolated (arXiv 2309.00071, eq. 23); between them a ramp, never of zero width.
function yarnRange(
  scaling: Extract<RopeScaling, { kind: 'yarn' }>,
  { headDim, ropeTheta }: LlamaConfig,
): [number, number] {
  const pairOf = (turns: number): number =>
    (headDim * Math.log(scaling.originalContext / (turns * 2 * Math.PI))) /
    (2 * Math.log(ropeTheta));
  const low = Math.max(Math.floor(pairOf(scaling.betaFast)), 0);
  const high = Math.min(Math.ceil(pairOf(scaling.betaSlow)), headDim - 1);
  return [low, Math.max(high, low + 0.001)];
}

function clamp(value: number): number {
  return Math.min(Math.max(value, 0), 1);
}
