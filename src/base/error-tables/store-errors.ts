// The hub, the local store, and naming a model on the command line. Rows of the one table in errors.ts.

/** Rows by code without the CORRAL_ prefix. */
export const storeErrors = {
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
} as const;
