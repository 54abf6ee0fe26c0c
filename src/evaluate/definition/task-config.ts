// What a task file says, as types: lm-evaluation-harness's keys, where they mean the same.
import type { FunctionName } from './function-name.ts';

/** What is always said of a task or group. */
export interface Metadata {
  readonly version: number | string;
  /** Where prompt and metric come from: file and version of the harness, or a paper's repository. */
  readonly source?: string | undefined;
  /** Why this task's numbers are not comparable with published ones. */
  readonly not_comparable?: string | undefined;
  readonly [note: string]: unknown;
}

/** A metric with its options, such as `ignore_case`. */
export interface MetricEntry {
  readonly metric: string | FunctionName;
  readonly aggregation?: string | undefined;
  readonly higher_is_better?: boolean | undefined;
  readonly [option: string]: unknown;
}

/** A filter of a chain with its options, such as `regex_pattern`. */
export interface FilterEntry {
  readonly function: string;
  readonly [option: string]: unknown;
}

/** What a field may be: a column, a template, a fixed value or a hook. */
export type TextField = string | number | FunctionName;
export type TargetField = TextField | readonly unknown[];
export type ChoiceField =
  | string
  | readonly string[]
  | Readonly<Record<string, string>>
  | FunctionName;

/** Where examples come from, and what is different in them. */
export interface FewShotConfig {
  readonly sampler?: 'default' | 'first_n' | undefined;
  readonly split?: string | null | undefined;
  readonly samples?: readonly Readonly<Record<string, unknown>>[] | FunctionName | undefined;
  readonly fewshot_indices?: readonly number[] | undefined;
  readonly process_docs?: FunctionName | undefined;
  readonly doc_to_text?: TextField | undefined;
  readonly doc_to_target?: TargetField | undefined;
  readonly doc_to_choice?: ChoiceField | undefined;
  readonly gen_prefix?: string | undefined;
  readonly target_delimiter?: string | undefined;
  readonly fewshot_delimiter?: string | undefined;
}

/** A task as its file has it, includes resolved and defaults filled in. */
export interface TaskConfig {
  readonly task: string;
  readonly task_alias?: string | undefined;
  readonly tag?: string | readonly string[] | undefined;
  readonly dataset_path: string;
  readonly dataset_name?: string | null | undefined;
  readonly dataset_kwargs?: { readonly trust_remote_code?: boolean | undefined } | undefined;
  readonly training_split?: string | null | undefined;
  readonly validation_split?: string | null | undefined;
  readonly test_split?: string | null | undefined;
  readonly fewshot_split?: string | null | undefined;
  readonly process_docs?: FunctionName | undefined;
  readonly doc_to_text: TextField;
  readonly doc_to_target: TargetField;
  readonly doc_to_choice?: ChoiceField | undefined;
  readonly process_results?: FunctionName | undefined;
  readonly description: string;
  readonly target_delimiter: string;
  readonly fewshot_delimiter: string;
  readonly fewshot_config?: FewShotConfig | null | undefined;
  readonly num_fewshot?: number | null | undefined;
  readonly output_type:
    | 'loglikelihood'
    | 'multiple_choice'
    | 'loglikelihood_rolling'
    | 'generate_until';
  readonly generation_kwargs?:
    | {
        readonly until?: string | readonly string[] | undefined;
        readonly max_gen_toks?: number | undefined;
        readonly do_sample?: boolean | undefined;
        readonly temperature?: number | undefined;
        readonly top_p?: number | undefined;
      }
    | undefined;
  readonly repeats: number;
  readonly filter_list?:
    | readonly { readonly name: string; readonly filter: readonly FilterEntry[] }[]
    | undefined;
  readonly metric_list: readonly MetricEntry[];
  readonly gen_prefix?: string | undefined;
  readonly unsafe_code?: boolean | undefined;
  readonly should_decontaminate?: boolean | undefined;
  readonly doc_to_decontamination_query?: string | undefined;
  readonly metadata: Metadata;
}

/** A group as its file has it. */
export interface GroupConfig {
  readonly group: string;
  readonly group_alias?: string | null | undefined;
  readonly tag?: string | readonly string[] | undefined;
  readonly task: readonly string[];
  readonly aggregate_metric_list: readonly {
    readonly metric: string;
    readonly aggregation: 'mean';
    readonly weight_by_size: boolean;
    readonly filter_list: string | readonly string[];
  }[];
  readonly metadata: Metadata;
}
