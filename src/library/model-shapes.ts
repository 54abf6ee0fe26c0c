// The shapes of random models by name, apart from how they are made: whoever only offers them loads
// nothing else.

/** Names of the shapes there are. */
export const modelShapes = ['tiny', '1b', '7b', '13b'] as const;

/** Name of a shape: TinyLlama's, Llama 2's two smaller ones, and one that is there at once. */
export type ModelShape = (typeof modelShapes)[number];
