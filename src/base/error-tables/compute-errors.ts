// Devices, programs, engines, and what a request may ask of them. Rows of the one table in errors.ts.

/** Rows by code without the CORRAL_ prefix. */
export const computeErrors = {
  DEVICE_CLOSED: {
    status: 409,
    message: (e: { device: string }): string => `The ${e.device} device is closed.`,
    hint: 'Open a new one; nothing that was on the closed device can be used.',
  },
  DEVICE_UNSUPPORTED: {
    status: 400,
    message: (e: { device: string; what: string }): string =>
      `The ${e.device} device does not support ${e.what}.`,
    hint: 'Choose another device, or another type or option.',
  },
  GRADIENT_UNDEFINED: {
    status: 400,
    message: (e: { op: string }): string =>
      `The loss depends on a parameter through ${e.op}, which has no gradient.`,
    hint: 'Ask for parameters behind it only, or compute the loss without it: training keeps no cache, for example.',
  },
  DEVICE_UNKNOWN: {
    status: 400,
    message: (e: { found: string; allowed: string }): string =>
      `There is no device ${e.found}. Allowed: ${e.allowed}.`,
    hint: 'Leave --device away to take the fastest one.',
  },
  ADDON_UNAVAILABLE: {
    status: 500,
    message: (e: { attempts: string }): string =>
      `The native addon could not be loaded. Tried: ${e.attempts}.`,
    hint: 'Install a C++ compiler, make and python3, then run `npm ci` in a clone, `npm rebuild corral` elsewhere; or use --device reference.',
  },
  ISA_UNSUPPORTED: {
    status: 400,
    message: (e: { isa: string; allowed: string }): string =>
      `There are no ${e.isa} kernels that this CPU can run. Allowed here: ${e.allowed}.`,
    hint: 'Unset CORRAL_ISA, or set it to an allowed value.',
  },
  INPUT_INVALID: {
    status: 400,
    message: (e: { op: string; found: number; allowed: string }): string =>
      `An index for ${e.op} is ${e.found}; allowed: ${e.allowed}.`,
    hint: 'Use token ids of this model and positions within its context.',
  },
  TAP_UNKNOWN: {
    status: 400,
    message: (e: { name: string; examples: string }): string =>
      `There is no tap ${e.name} in this model. Taps are named like ${e.examples}.`,
    hint: 'List them with tapNames(config).',
  },
  OUT_OF_MEMORY: {
    status: 507,
    message: (e: { bytes: number; what: string }): string =>
      `${e.bytes} bytes for ${e.what} could not be allocated.`,
    hint: 'Take a smaller model, a smaller --context, or a smaller cache type (--cache q8_0).',
  },
  LOGITS_INVALID: {
    status: 500,
    message: (e: { position: number }): string =>
      `The model computed no numbers (NaN or infinity) at position ${e.position}.`,
    hint: 'Its weights may be damaged (`corral pull` checks hashes), or overflow an f16 cache: try an f32 one.',
  },
  ADAPTER_UNKNOWN: {
    status: 404,
    message: (e: { name: string; loaded: string }): string =>
      `There is no adapter ${e.name} in this engine. Loaded: ${e.loaded}.`,
    hint: 'Load it first, or take one that is loaded.',
  },
  DRAFT_UNFIT: {
    status: 400,
    message: (e: { path: string; difference: string }): string =>
      `${e.path} cannot guess for this model, since their vocabularies differ: ${e.difference}.`,
    hint: 'Take a smaller model of the same family, with the same tokenizer, or guess without one: speculate lookup.',
  },
  ADAPTER_UNFIT: {
    status: 400,
    message: (e: { name: string; reason: string }): string =>
      `The adapter ${e.name} does not fit this engine: ${e.reason}.`,
    hint: 'Take an adapter of this very model, and open the engine with room for its rank. A DoRA can be merged (`corral merge`) or used with --adapter.',
  },
  ADAPTERS_FULL: {
    status: 409,
    message: (e: { slots: number; loaded: string }): string =>
      `All ${e.slots} places for adapters are taken. Loaded: ${e.loaded}.`,
    hint: 'Unload one; its place is free when the last request that uses it has ended. Or open the engine with more places.',
  },
  ENGINE_BUSY: {
    status: 429,
    message: (e: { waiting: number; allowed: number; retrySeconds: number }): string =>
      `${e.waiting} requests wait already; allowed are ${e.allowed}.`,
    hint: (e: { retrySeconds: number }): string =>
      `Try again in about ${e.retrySeconds} s, or allow more to wait.`,
  },
  MODEL_CLOSED: {
    status: 409,
    message: (): string => 'This model was closed.',
    hint: 'Load it again; a closed model answers nothing more.',
  },
  GENERATION_CONSUMED: {
    status: 409,
    message: (): string => 'This generation has been iterated before.',
    hint: 'Ask for a new one, or keep its result().',
  },
  TOKENIZER_MISMATCH: {
    status: 400,
    message: (e: { tokens: number; vocab: number }): string =>
      `The tokenizer has ${e.tokens} tokens; the model knows ${e.vocab}.`,
    hint: 'Give the tokenizer that belongs to this model.',
  },
  ABORTED: {
    status: 499,
    message: (e: { what: string }): string => `${e.what} was aborted.`,
    hint: 'This was asked for by the signal; nothing needs doing.',
  },
  CONTEXT_OVERFLOW: {
    status: 400,
    message: (e: { have: number; limit: number }): string =>
      `The request needs ${e.have} tokens; the context holds ${e.limit}.`,
    hint: 'Shorten the prompt or ask for fewer tokens; where the model allows more, open it with a larger context.',
  },
  OPTION_INVALID: {
    status: 400,
    message: (e: { option: string; found: string; allowed: string }): string =>
      `${e.option} is ${e.found}; allowed: ${e.allowed}.`,
    hint: 'Correct the option; `corral help COMMAND` lists them.',
  },
} as const;
