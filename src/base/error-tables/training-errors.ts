// Training: recipes, runs, checkpoints, adapters. Rows of the one table in errors.ts.

/** Rows by code without the CORRAL_ prefix. */
export const trainingErrors = {
  RECIPE_INVALID: {
    status: 400,
    message: (e: { where: string; field: string; found: string; allowed: string }): string =>
      `${e.where}: ${e.field} is ${e.found}; allowed: ${e.allowed}.`,
    hint: 'Correct the recipe, or override the field with --set; docs/reference/recipe.md explains every field.',
  },
  RECIPE_FIELD_UNKNOWN: {
    status: 400,
    message: (e: { where: string; field: string; guess: string; allowed: string }): string =>
      `${e.where}: there is no field ${e.field}.${e.guess} Allowed: ${e.allowed}.`,
    hint: 'Correct its name or take it out; docs/reference/recipe.md explains every field.',
  },
  RUN_DIFFERS: {
    status: 409,
    message: (e: { path: string; differences: string }): string =>
      `${e.path} holds checkpoints of another recipe; it differs in ${e.differences}.`,
    hint: 'Choose another output folder, go on with the new recipe by --resume, or begin anew with --fresh, which deletes them.',
  },
  RUN_BUSY: {
    status: 409,
    message: (e: { path: string; holder: string }): string =>
      `${e.path} is being written by ${e.holder}.`,
    hint: 'Wait until that run has ended, or choose another output folder.',
  },
  RUN_NOT_FOUND: {
    status: 404,
    message: (e: { id: string; have: string }): string =>
      `There is no run ${e.id}. There are: ${e.have}.`,
    hint: '`corral runs` lists them.',
  },
  TRAINING_DIVERGED: {
    status: 422,
    message: (e: { update: number; what: string; found: string }): string =>
      `In update ${e.update}, ${e.what} is ${e.found}: training has diverged.`,
    hint: 'The last checkpoint is kept. Lower optimizer.learningRate, lengthen schedule.warmup or set clip, then start again.',
  },
  CHECKPOINT_DAMAGED: {
    status: 400,
    message: (e: { path: string; reason: string }): string => `${e.path} is damaged: ${e.reason}.`,
    hint: 'Remove the folder: the run goes on from the checkpoint before it.',
  },
  ADAPTER_INVALID: {
    status: 400,
    message: (e: { path: string; reason: string }): string =>
      `${e.path} is no adapter Corral can use: ${e.reason}.`,
    hint: 'Readable are LoRA, rsLoRA and DoRA adapters of a Llama as PEFT saves them (adapter_config.json with adapter_model.safetensors or .bin), and LoRA adapters as GGUF.',
  },
} as const;
