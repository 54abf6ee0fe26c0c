// Text and data: tokenizers, templates, examples. Rows of the one table in errors.ts.

/** Rows by code without the CORRAL_ prefix. */
export const textErrors = {
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
} as const;
