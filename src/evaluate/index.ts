// The public door `corral/evaluate`.
export type {
  AnswerCost,
  Answerer,
  AnswerOptions,
  AnswerReport,
  ModelDescription,
} from './answerer.ts';
export { type CodeRunnerOptions, openCodeRunner, type Sandbox } from './code-runner.ts';
export {
  type FetchDataOptions,
  type FetchedData,
  fetchTaskData,
} from './data/fetch-data-set.ts';
export type { GroupConfig, TaskConfig } from './definition/task-config.ts';
export type { EvaluatedModel } from './describe-model.ts';
export type { CostEstimate, EndpointPrices, EndpointUsage } from './endpoint/usage.ts';
export { type EngineAnswererOptions, openEngineAnswerer } from './engine-answerer.ts';
export { evaluationDatabasePath, openEvaluationDatabase } from './evaluation-database.ts';
export { type LoadTaskOptions, listTasks, loadTask, loadTasks } from './load-task.ts';
export {
  type EndpointAnswerer,
  type OpenAiAnswererOptions,
  openOpenAiAnswerer,
} from './openai-answerer.ts';
export { makeReport, type ReportOptions, writeReportFile } from './report/page.ts';
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
export type {
  EvaluationResult,
  GroupResult,
  ItemResult,
  Sitting,
  TaskResult,
} from './result.ts';
export type { CompareOptions, Comparison, ResultComparison } from './results/compare-results.ts';
export { compareResults } from './results/compare-results.ts';
export type { McNemar, PairedDifference } from './results/paired-statistics.ts';
export { describeResult, readOneResult, readResults } from './results/read-results.ts';
export { toResultsFile } from './results/results-file.ts';
export { formatComparison, formatResults } from './results/results-table.ts';
export type {
  StoredGroup,
  StoredItem,
  StoredModel,
  StoredResult,
  StoredRow,
  StoredScore,
  StoredTask,
} from './results/stored-result.ts';
export type { WrittenResult } from './results/write-results.ts';
export { writeResults } from './results/write-results.ts';
export { type EvaluationOptions, runEvaluation } from './run-evaluation.ts';
export type { ProtectionKind } from './sandbox/protection.ts';
export {
  type HumanEvalProblem,
  type HumanEvalSample,
  type HumanEvalScore,
  scoreHumanEvalSamples,
} from './score-human-eval.ts';
export { aggregateGroups, type GroupMember } from './scoring/group.ts';
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
