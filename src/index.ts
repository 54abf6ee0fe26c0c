// The public door `corral`: what most programs need. The rooms have doors of their own
// (`corral/formats`, `corral/tokenizer`, …).
export { CorralError } from './base/define-errors.ts';
export { errors } from './base/errors.ts';
export type { Perplexity, Score } from './engine/index.ts';
export { Generation, type GenerationResult, type Timing } from './library/generation.ts';
export { type GenerateOptions, Llama } from './library/llama.ts';
export { type LoadOptions, load } from './library/load.ts';
export type { ChatMessage } from './tokenizer/chat.ts';
