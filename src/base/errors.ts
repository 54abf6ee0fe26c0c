// Every error a user can meet. Codes are stable: a retired one is never used again.
// A message says what was found and what is allowed; the hint says what to do next.
import { defineErrors, type ErrorFactories } from './define-errors.ts';
import { computeErrors } from './error-tables/compute-errors.ts';
import { constraintErrors } from './error-tables/constraint-errors.ts';
import { evaluationErrors } from './error-tables/evaluation-errors.ts';
import { fileErrors } from './error-tables/file-errors.ts';
import { serverErrors } from './error-tables/server-errors.ts';
import { storeErrors } from './error-tables/store-errors.ts';
import { textErrors } from './error-tables/text-errors.ts';
import { trainingErrors } from './error-tables/training-errors.ts';

/** The rows, by code without the CORRAL_ prefix. docs/reference/errors.md is made from them. */
export const errorTable: typeof fileErrors &
  typeof computeErrors &
  typeof textErrors &
  typeof trainingErrors &
  typeof storeErrors &
  typeof evaluationErrors &
  typeof constraintErrors &
  typeof serverErrors = {
  ...fileErrors,
  ...computeErrors,
  ...textErrors,
  ...trainingErrors,
  ...storeErrors,
  ...evaluationErrors,
  ...constraintErrors,
  ...serverErrors,
};

/**
 * Makes the errors users meet.
 * @example throw errors.CONTEXT_OVERFLOW({ have: 5012, limit: 4096 });
 */
export const errors: ErrorFactories<typeof errorTable> = defineErrors('CORRAL', errorTable);
