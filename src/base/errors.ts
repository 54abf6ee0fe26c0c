// Every error a user can meet. Codes are stable: a retired one is never used again.
// A message says what was found and what is allowed; the hint says what to do next.
import { defineErrors, type ErrorFactories } from './define-errors.ts';
import { taskErrorTable } from './task-errors.ts';

const generalErrorTable = {
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
  TOKENIZER_NEEDED: {
    status: 400,
    message: (e: { path: string }): string => `${e.path} carries no tokenizer.`,
    hint: 'Give one with --tokenizer: a tokenizer.model, a tokenizer.json, a llama2.c tokenizer.bin or a GGUF.',
  },
  TOKENIZER_UNKNOWN: {
    status: 400,
    message: (e: { path: string }): string =>
      `${e.path} is no tokenizer, and no checkpoint with one.`,
    hint: 'Name a tokenizer.model, a tokenizer.json, a llama2.c tokenizer.bin, a GGUF, or a folder with one of those; for a checkpoint that has none, with --tokenizer.',
  },
  TOKEN_UNKNOWN: {
    status: 400,
    message: (e: { id: number; size: number }): string =>
      `There is no token ${e.id}: this vocabulary has ${e.size} tokens, numbered from 0.`,
    hint: 'Use ids of this very tokenizer.',
  },
  DATA_ROW_INVALID: {
    status: 400,
    message: (e: { path: string; line: number; reason: string }): string =>
      `Line ${e.line} of ${e.path} is no example: ${e.reason}.`,
    hint: 'Correct the row, or leave such rows out with `badRows: skip`; they are counted.',
  },
  DATA_EMPTY: {
    status: 400,
    message: (e: { path: string; reason: string }): string =>
      `${e.path} gives nothing to learn from: ${e.reason}.`,
    hint: 'Check the path, the format and the columns; a dry run shows the first examples.',
  },
  EXAMPLE_TOO_LONG: {
    status: 400,
    message: (e: { path: string; example: number; tokens: number; context: number }): string =>
      `Example ${e.example} of ${e.path} has ${e.tokens} tokens; a sequence may have ${e.context + 1}.`,
    hint: 'Raise `context`, or choose what becomes of such examples with `overlong`: split, cut or drop.',
  },
  VOCABULARY_SIZE_INVALID: {
    status: 400,
    message: (e: { found: number; allowed: string }): string =>
      `A vocabulary of ${e.found} pieces cannot be learned from this text; allowed: ${e.allowed}.`,
    hint: 'Choose another --vocab-size, give more text, or lower --coverage so that rare characters become bytes.',
  },
  CHAT_INVALID: {
    status: 400,
    message: (e: { reason: string }): string => `The conversation cannot be rendered: ${e.reason}.`,
    hint: 'Roles alternate user and assistant after an optional system message; the last is the user.',
  },
  TEMPLATE_INVALID: {
    status: 400,
    message: (e: { reason: string }): string => `The chat template failed: ${e.reason}.`,
    hint: 'Give another template with --chat-template, or complete plain text with `corral run`.',
  },
  TEXT_INVALID: {
    status: 400,
    message: (e: { where: string; offset: number; found: string }): string =>
      `${e.where} is not UTF-8: byte ${e.offset} is ${e.found}.`,
    hint: 'Save the text as UTF-8 (`iconv -t UTF-8`), then try again.',
  },
  OPTION_INVALID: {
    status: 400,
    message: (e: { option: string; found: string; allowed: string }): string =>
      `${e.option} is ${e.found}; allowed: ${e.allowed}.`,
    hint: 'Correct the option; `corral help COMMAND` lists them.',
  },
  // Training
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
  // Hub and store
  HUB_NOT_FOUND: {
    status: 404,
    message: (e: { what: string; hubUrl: string }): string => `${e.hubUrl} has no ${e.what}.`,
    hint: 'Check the spelling (owner/name). A private repository also looks missing without a token that may read it: set HF_TOKEN.',
  },
  HUB_GATED: {
    status: 403,
    message: (e: { repo: string; token: 'none' | 'refused'; page: string }): string =>
      e.token === 'none'
        ? `${e.repo} is gated or private, and no token was given.`
        : `${e.repo} is gated or private, and the hub refused the token.`,
    hint: (e: { repo: string; page: string }): string =>
      `Open ${e.page} in a browser, accept the conditions there, make a read token in the hub's settings and set it as HF_TOKEN; then pull again.`,
  },
  HUB_UNREACHABLE: {
    status: 502,
    message: (e: { url: string; reason: string }): string =>
      `${e.url} could not be fetched: ${e.reason}.`,
    hint: 'Check the network, or name a mirror with --hub-url. What was downloaded is kept: pull again to go on.',
  },
  HUB_ANSWER_INVALID: {
    status: 502,
    message: (e: { url: string; expected: string; found: string }): string =>
      `The hub's answer from ${e.url} cannot be trusted: expected ${e.expected}, found ${e.found}.`,
    hint: 'Check --hub-url; nothing outside the store was written.',
  },
  DOWNLOAD_CORRUPTED: {
    status: 502,
    message: (e: { file: string; expected: string; found: string }): string =>
      `${e.file} arrived damaged twice: its hash should be ${e.expected}, found ${e.found}.`,
    hint: 'A proxy or mirror may alter files. Pull again later, or name another mirror with --hub-url.',
  },
  PULL_CHOICE_NEEDED: {
    status: 400,
    message: (e: { repo: string; found: string; allowed: string; example: string }): string =>
      `${e.repo} has ${e.found}. It has: ${e.allowed}.`,
    hint: (e: { repo: string; example: string }): string =>
      e.example === ''
        ? 'Corral reads safetensors, GGUF, Meta .pth folders and llama2.c .bin: pull a repository that has one of those.'
        : `Name one after a colon: corral pull ${e.repo}:${e.example}`,
  },
  LICENCE_NOT_ACCEPTED: {
    status: 403,
    message: (e: { repo: string; licence: string; page: string }): string =>
      `${e.repo} comes under the licence ${e.licence}, which has not been accepted.`,
    hint: (e: { page: string }): string =>
      `Read it at ${e.page}, then pull again and answer yes, or give --accept-licence.`,
  },
  STORE_FULL: {
    status: 507,
    message: (e: { needed: number; free: number; folder: string }): string =>
      `The download needs ${e.needed} bytes; ${e.folder} has ${e.free} free.`,
    hint: 'Free some space (`corral list`, `corral rm`), or put the store on another disk with CORRAL_HOME.',
  },
  STORE_BUSY: {
    status: 409,
    message: (e: { name: string; holder: string }): string =>
      `${e.name} is being pulled or removed by ${e.holder}.`,
    hint: 'Wait until it has finished, then try again.',
  },
  MODEL_NEEDED: {
    status: 400,
    message: (e: { found: string }): string =>
      e.found === ''
        ? 'No model was named, and the one that ships with Corral is not there.'
        : `${e.found} is neither a file nor a model in the store, so it was taken for the prompt; but no model was named, and the one that ships with Corral is not there.`,
    hint: 'Name a model first: corral COMMAND MODEL …; `corral pull OWNER/NAME` gets one, `corral list` shows those you have.',
  },
  USAGE_INVALID: {
    status: 400,
    message: (e: { reason: string; command: string }): string => e.reason,
    hint: (e: { command: string }): string => `\`${e.command} --help\` shows how it is used.`,
  },
  MODEL_NOT_FOUND: {
    status: 404,
    message: (e: { name: string; have: string }): string =>
      `There is no model ${e.name} in the store. It has: ${e.have}.`,
    hint: 'Give a path, a name that `corral list` shows, or get it with `corral pull OWNER/NAME`.',
  },
  MODEL_AMBIGUOUS: {
    status: 400,
    message: (e: { name: string; have: string }): string =>
      `${e.name} is more than one model in the store: ${e.have}.`,
    hint: 'Write the whole name.',
  },
  CHAT_TEMPLATE_MISSING: {
    status: 400,
    message: (e: { model: string }): string => `${e.model} has no chat template.`,
    hint: 'Give one with --chat-template, or evaluate without.',
  },
  EVALUATION_REFUSED: {
    status: 400,
    message: (e: { tasks: string; reason: string }): string => `${e.tasks}: ${e.reason}.`,
    hint: 'Leave these tasks away, or evaluate a model that can answer them.',
  },
  ENDPOINT_FAILED: {
    status: 502,
    message: (e: { url: string; reason: string; attempts: number }): string =>
      `${e.url} failed: ${e.reason} (attempts: ${e.attempts}).`,
    hint: 'Answers given before are kept: start again when the endpoint is well, perhaps with a smaller --concurrency.',
  },
  ENDPOINT_REFUSED: {
    status: 400,
    message: (e: { url: string; status: number; reason: string }): string =>
      `${e.url} refused with ${e.status}: ${e.reason}.`,
    hint: 'Check --base-url, the name of the model and the key in OPENAI_API_KEY.',
  },
  ENDPOINT_ANSWER_INVALID: {
    status: 502,
    message: (e: { url: string; found: string }): string =>
      `${e.url} gave an answer that cannot be right: ${e.found}.`,
    hint: 'The server may not honour what it was asked for. Update it, or leave these tasks away.',
  },
  RUNTIME_MISSING: {
    status: 400,
    message: (e: { language: string; command: string }): string =>
      `${e.language} programs need ${e.command}, which could not be run.`,
    hint: 'Install it so that it is on the PATH, or leave tasks in that language away.',
  },
  CODE_EXECUTION_UNAVAILABLE: {
    status: 500,
    message: (e: { attempts: string }): string =>
      `Programs cannot be run under any protection here. Tried: ${e.attempts}.`,
    hint: 'Install bubblewrap or util-linux; see docs/guides/code-execution.md.',
  },
  CODE_EXECUTION_NOT_ALLOWED: {
    status: 403,
    message: (e: { tasks: string }): string =>
      `${e.tasks} would run programs that the model wrote, and that was not allowed.`,
    hint: 'Read docs/guides/code-execution.md, then allow it with --allow-code-execution.',
  },
  // Results of evaluations
  RESULTS_NOT_FOUND: {
    status: 404,
    message: (e: { path: string; found: string }): string =>
      `There are no evaluation results at ${e.path}: ${e.found}.`,
    hint: 'Name a results_<time>.json, or the folder it lies in; `corral eval MODEL --tasks … --output FOLDER` writes them.',
  },
  RESULTS_INVALID: {
    status: 400,
    message: (e: { path: string; reason: string }): string =>
      `${e.path} is no file of evaluation results: ${e.reason}.`,
    hint: 'Corral reads what it writes itself, and what lm-evaluation-harness writes with --output_path and --log_samples.',
  },
  RESULTS_AMBIGUOUS: {
    status: 400,
    message: (e: { path: string; have: string }): string =>
      `${e.path} holds results of more than one model: ${e.have}.`,
    hint: 'Name the folder of one model, or one results_<time>.json.',
  },
  RESULTS_UNPAIRED: {
    status: 409,
    message: (e: { reason: string }): string => `The results cannot be compared: ${e.reason}.`,
    hint: 'Both runs must ask the same items of the same task version: give both the same --tasks, --limit, --shots, --seed and data. The same items asked by other prompts are compared with --different-prompts.',
  },
} as const;

/** The rows, by code without the CORRAL_ prefix. docs/reference/errors.md is made from them. */
export const errorTable: typeof generalErrorTable & typeof taskErrorTable = {
  ...generalErrorTable,
  ...taskErrorTable,
};

/**
 * Makes the errors users meet.
 * @example throw errors.CONTEXT_OVERFLOW({ have: 5012, limit: 4096 });
 */
export const errors: ErrorFactories<typeof errorTable> = defineErrors('CORRAL', errorTable);
