// The public door `corral/base`.
export { AsyncQueue } from './async-queue.ts';
export {
  CorralError,
  defineErrors,
  type ErrorDefinition,
  type ErrorFactories,
} from './define-errors.ts';
export { errors, errorTable } from './errors.ts';
export { type Logger, silentLogger } from './log.ts';
export type { OnProgress, Progress } from './progress.ts';
export { random } from './random.ts';
