// The public door `corral/evaluate`.
export type { AnswerCost, Answerer, AnswerOptions, ModelDescription } from './answerer.ts';
export type { EvaluatedModel } from './describe-model.ts';
export { type EngineAnswererOptions, openEngineAnswerer } from './engine-answerer.ts';
export { evaluationDatabasePath, openEvaluationDatabase } from './evaluation-database.ts';
export type {
  GenerateRequest,
  GenerateResponse,
  LoglikelihoodRequest,
  LoglikelihoodResponse,
  ModelRequest,
  ModelResponse,
  RequestKind,
  RollingRequest,
  RollingResponse,
} from './request.ts';
export type { EvaluationResult, GroupResult, ItemResult, TaskResult } from './result.ts';
export { type EvaluationOptions, runEvaluation } from './run-evaluation.ts';
export type {
  CodeOutcome,
  CodeRunner,
  Doc,
  ItemScore,
  ItemValue,
  MetricValue,
  ScoringTools,
  Task,
  TaskGroup,
  TaskItem,
} from './task.ts';
