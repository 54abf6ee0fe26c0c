// What answers are asked to look like: schemas, expressions, grammars. Rows of the one table in errors.ts.

/** Rows by code without the CORRAL_ prefix. */
export const constraintErrors = {
  CONSTRAINT_TOO_LONG: {
    status: 400,
    message: (e: { shortest: number; maxTokens: number }): string =>
      `The shortest answer the constraint allows may take ${e.shortest} tokens; the request allows ${e.maxTokens}.`,
    hint: 'Allow more tokens, or ask for less: fewer required properties, shorter lists and strings.',
  },
  CONSTRAINT_UNSUPPORTED: {
    status: 400,
    message: (e: { where: string; found: string; allowed: string }): string =>
      `The constraint has ${e.found} at ${e.where}; supported there: ${e.allowed}.`,
    hint: 'The guide to structured output lists what is supported; nothing is ever dropped in silence.',
  },
  CONSTRAINT_INVALID: {
    status: 400,
    message: (e: { where: string; reason: string }): string =>
      `The constraint is wrong at ${e.where}: ${e.reason}.`,
    hint: 'Correct the schema, the expression or the grammar there.',
  },
  CONSTRAINT_TOO_LARGE: {
    status: 400,
    message: (e: { what: string; found: string; limit: number }): string =>
      `The constraint needs ${e.found} ${e.what}; the limit is ${e.limit}.`,
    hint: 'Make it smaller: lower repetition counts, shorter enumerations, less nesting.',
  },
} as const;
