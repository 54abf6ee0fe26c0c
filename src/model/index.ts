// The public door `corral/model`.
export * from './llama.ts';
export { ropeFrequencies, ropeScale } from './rope.ts';
export { type LoadWeightsOptions, loadWeights } from './weights.ts';
