// Checks what a task file says (task-config.ts). Unknown keys are refused, so that a setting of the harness that Corral lacks is never silently ignored.
import { z } from 'zod';
import { FunctionName } from './function-name.ts';
import type { GroupConfig, TaskConfig } from './task-config.ts';

const hook = z.instanceof(FunctionName);
const split = z.string().min(1).nullish();
const field = z.union([z.string(), z.int(), hook]);
const texts = z.array(z.string());

const metric = z.looseObject({
  metric: z.union([z.string(), hook]),
  aggregation: z.string().optional(),
  higher_is_better: z.boolean().optional(),
});

const filter = z.strictObject({
  name: z.string().min(1),
  filter: z.array(z.looseObject({ function: z.string() })).min(1),
});

const fewshotConfig = z.strictObject({
  sampler: z.enum(['default', 'first_n']).optional(),
  split: split,
  samples: z.union([z.array(z.record(z.string(), z.unknown())), hook]).optional(),
  fewshot_indices: z.array(z.int().min(0)).optional(),
  process_docs: hook.optional(),
  doc_to_text: field.optional(),
  doc_to_target: z.union([field, z.array(z.unknown())]).optional(),
  doc_to_choice: z.union([z.string(), texts, hook]).optional(),
  gen_prefix: z.string().optional(),
  target_delimiter: z.string().optional(),
  fewshot_delimiter: z.string().optional(),
});

const generation = z.strictObject({
  until: z.union([z.string(), texts]).optional(),
  max_gen_toks: z.int().positive().optional(),
  do_sample: z.boolean().optional(),
  temperature: z.number().min(0).optional(),
  top_p: z.number().gt(0).max(1).optional(),
});

// `Yaml` is the harness's version of a task that names none
const metadata = z.looseObject({
  version: z.union([z.number(), z.string()]).default('Yaml'),
  source: z.string().optional(),
  not_comparable: z.string().optional(),
});
const metadataField = metadata.default({ version: 'Yaml' });

/** A task. */
export const taskSchema: z.ZodType<TaskConfig> = z.strictObject({
  task: z.string().min(1),
  task_alias: z.string().optional(),
  tag: z.union([z.string(), texts]).optional(),
  dataset_path: z.string().min(1),
  dataset_name: z.string().nullish(),
  // the one argument of the loader that changes nothing here
  dataset_kwargs: z.strictObject({ trust_remote_code: z.boolean().optional() }).optional(),
  training_split: split,
  validation_split: split,
  test_split: split,
  fewshot_split: split,
  process_docs: hook.optional(),
  doc_to_text: field,
  doc_to_target: z.union([field, z.array(z.unknown())]),
  doc_to_choice: z.union([z.string(), texts, z.record(z.string(), z.string()), hook]).optional(),
  process_results: hook.optional(),
  description: z.string().default(''),
  target_delimiter: z.string().default(' '),
  fewshot_delimiter: z.string().default('\n\n'),
  fewshot_config: fewshotConfig.nullish(),
  num_fewshot: z.int().min(0).nullish(),
  output_type: z
    .enum(['loglikelihood', 'multiple_choice', 'loglikelihood_rolling', 'generate_until'])
    .default('generate_until'),
  generation_kwargs: generation.optional(),
  repeats: z.int().positive().default(1),
  filter_list: z.array(filter).min(1).optional(),
  metric_list: z.array(metric).min(1),
  gen_prefix: z.string().optional(),
  unsafe_code: z.boolean().optional(),
  // read so that the harness's own files load; Corral looks for no contamination
  should_decontaminate: z.boolean().optional(),
  doc_to_decontamination_query: z.string().optional(),
  metadata: metadataField,
});

/** A group of tasks. */
export const groupSchema: z.ZodType<GroupConfig> = z.strictObject({
  group: z.string().min(1),
  group_alias: z.string().nullish(),
  tag: z.union([z.string(), texts]).optional(),
  task: z.array(z.string()).min(1),
  aggregate_metric_list: z
    .array(
      z.strictObject({
        metric: z.string(),
        aggregation: z.literal('mean').default('mean'),
        weight_by_size: z.boolean().default(true),
        filter_list: z.union([z.string(), texts]).default('none'),
      }),
    )
    .default([]),
  metadata: metadataField,
});
