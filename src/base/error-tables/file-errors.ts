// Files: finding, reading and writing them, and what checkpoints hold. Rows of the one table in errors.ts.

/** Rows by code without the CORRAL_ prefix. */
export const fileErrors = {
  FILE_NOT_FOUND: {
    status: 404,
    message: (e: { path: string }): string => `There is no file or folder at ${e.path}.`,
    hint: 'Check the path; `corral list` shows the models in the local store.',
  },
  FILE_UNREADABLE: {
    status: 400,
    message: (e: { path: string; reason: string }): string =>
      `${e.path} could not be read: ${e.reason}.`,
    hint: 'Check the permissions of the file and that the disk is healthy.',
  },
  FILE_UNWRITABLE: {
    status: 400,
    message: (e: { path: string; reason: string }): string =>
      `${e.path} could not be written: ${e.reason}.`,
    hint: 'Check that the folder exists, that you may write there, and that the disk has room.',
  },
  INPUT_NOT_FOUND: {
    status: 404,
    message: (e: { path: string }): string => `There is no file at ${e.path}.`,
    hint: 'Check the path.',
  },
  OUTPUT_UNWRITABLE: {
    status: 500,
    message: (e: { reason: string }): string =>
      `Standard output could not be written: ${e.reason}.`,
    hint: 'What came out is not whole. Check where the output goes: that it is open, and that its disk has room.',
  },
  FILE_KIND_WRONG: {
    status: 400,
    message: (e: { path: string; found: string; needed: string }): string =>
      `${e.path} is ${e.found}; ${e.needed} is needed.`,
    hint: 'Name another path. Pipes and devices are neither read nor replaced: use a file on disk.',
  },
  OUTPUT_EXISTS: {
    status: 409,
    message: (e: { path: string; found: string }): string =>
      `${e.path} is there already: ${e.found}.`,
    hint: 'Choose another name, or replace it with --force.',
  },
  FORMAT_UNKNOWN: {
    status: 400,
    message: (e: { path: string; found: string }): string =>
      `${e.path} is no checkpoint Corral knows: it has ${e.found}.`,
    hint: 'Readable are GGUF, safetensors (file or folder with config.json), Meta folders (params.json and consolidated.NN.pth), torchtune .pt with --config, and llama2.c .bin.',
  },
  FORMAT_DAMAGED: {
    status: 400,
    message: (e: { path: string; offset: number; expected: string; found: string }): string =>
      `${e.path} is damaged at byte ${e.offset}: expected ${e.expected}, found ${e.found}.`,
    hint: 'Download or convert the file again; `corral pull` checks hashes.',
  },
  FORMAT_UNSUPPORTED: {
    status: 400,
    message: (e: { path: string; feature: string; allowed: string }): string =>
      `${e.path} uses ${e.feature}, which Corral does not read. Allowed: ${e.allowed}.`,
    hint: 'Take another file of the same model, or convert it to an allowed form.',
  },
  DTYPE_UNSUPPORTED: {
    status: 400,
    message: (e: { dtype: string; where: string; allowed: string }): string =>
      `${e.where} is of type ${e.dtype}; Corral computes with ${e.allowed}.`,
    hint: 'Take the same model in one of those types, for example Q4_K_M or Q8_0, or convert from the f16 original.',
  },
  WEIGHT_NOT_STORABLE: {
    status: 400,
    message: (e: { dtype: string; value: string }): string =>
      `A weight is ${e.value}, which the type ${e.dtype} cannot hold.`,
    hint: 'Check that the original is whole; a model with such values can be converted to f32 or bf16.',
  },
  WEIGHTS_MISSING: {
    status: 404,
    message: (e: { path: string; found: string; expected: string }): string =>
      `${e.path} has ${e.found} but no weights, which would be ${e.expected}.`,
    hint: 'Put the weights beside it; `corral pull` downloads all files that belong together.',
  },
  SHARDS_MISSING: {
    status: 404,
    message: (e: { path: string; found: number; expected: number }): string =>
      `Shards of ${e.path} seem to be missing: it has ${e.found}; the sizes of its tensors suggest ${e.expected}.`,
    hint: 'Put every consolidated.NN.pth of the model into the folder.',
  },
  FOLDER_AMBIGUOUS: {
    status: 400,
    message: (e: { path: string; have: string }): string =>
      `${e.path} holds more than one model: ${e.have}.`,
    hint: 'Name one of these files.',
  },
  TENSOR_MISSING: {
    status: 400,
    message: (e: { name: string; path: string }): string =>
      `${e.path} has no tensor ${e.name}, which its config calls for.`,
    hint: 'The file may be incomplete or its config may belong to another model.',
  },
  TENSOR_SHAPE: {
    status: 400,
    message: (e: { name: string; expected: string; found: string }): string =>
      `Tensor ${e.name} has shape ${e.found}; the config calls for ${e.expected}.`,
    hint: 'The config may belong to another model. Check head counts and sizes.',
  },
  CONFIG_INVALID: {
    status: 400,
    message: (e: { path: string; field: string; expected: string; found: string }): string =>
      `${e.path}: ${e.field} must be ${e.expected}, found ${e.found}.`,
    hint: 'Correct the config or take it from the original model.',
  },
  CONFIG_NEEDED: {
    status: 400,
    message: (e: { path: string; missing: string }): string =>
      `${e.path} does not say its ${e.missing}, and Corral does not guess.`,
    hint: 'Give a params.json or config.json with --config.',
  },
} as const;
