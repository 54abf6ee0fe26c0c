// The schema of a recipe's `data` section: every field with its limits, its default and what it means.
import * as z from 'zod';
import {
  badRowKinds,
  type DataRecipe,
  layoutKinds,
  learnKinds,
  overlongKinds,
} from './data-recipe.ts';
import { rowFormats } from './row-formats.ts';

const place = (): z.ZodString => z.string().min(1);
const rows = (): z.ZodNumber =>
  z
    .number()
    .int()
    .min(1)
    .max(2 ** 24);

const source = z
  .strictObject({
    path: place().describe('The file: text, or .json (a list) or .jsonl (a row a line).'),
    format: z
      .enum(['auto', 'plain', ...rowFormats])
      .default('auto')
      .describe(
        '`plain` text, or what rows are: `text`, `messages` (OpenAI), `sharegpt`, `alpaca` (as a chat), `alpaca-prompt` (in its own words), `completion`. `auto`: plain unless the name ends in .json or .jsonl, then what the first row shows.',
      ),
    separator: place()
      .optional()
      .describe(
        'What stands between documents of plain text, such as `<|endoftext|>` or "\\n\\n". Absent: a file is one document.',
      ),
    columns: z
      .record(z.string(), z.string())
      .optional()
      .describe("Names of columns where they are not the format's: `{completion: response}`."),
    substitute: z
      .record(z.string(), z.string())
      .optional()
      .describe('Texts to put in place of `{{name}}`: `{name: Cria}`.'),
    repeat: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .default(1)
      .describe('How often its examples come in one epoch.'),
  })
  .describe('Where examples come from. A path alone is a source, too.');

/** A path, a source, or a list of those: always a list afterwards. */
function sources(): z.ZodType<DataRecipe['train']> {
  const asList = (value: unknown): unknown => {
    const list = Array.isArray(value) ? value : value === undefined ? value : [value];
    if (!Array.isArray(list)) return list;
    return list.map((one: unknown) => (typeof one === 'string' ? { path: one } : one));
  };
  return z.preprocess(asList, z.array(source).min(1).max(1000));
}

/** The `data` section. Fields that are not here are refused. */
export const dataSchema: z.ZodType<DataRecipe> = z
  .strictObject({
    tokenizer: place()
      .optional()
      .describe(
        'Tokenizer of a new model: a file, or a model that has it. Default: that of `base`.',
      ),
    template: place()
      .optional()
      .describe(
        'How conversations are written down: `llama-2`, or a file with a Jinja template. Default: that of `base`.',
      ),
    system: z
      .string()
      .optional()
      .describe('System message of conversations that begin without one.'),
    train: sources().describe('What is learned from: a path, a source, or a list of them.'),
    heldOut: z
      .number()
      .min(0)
      .max(0.9)
      .default(0)
      .describe(
        'Share of `train`, from its end, that is kept for evaluation: of the examples (of a text, the sequences), with `windows` of the tokens.',
      ),
    validation: sources()
      .optional()
      .describe('Data for evaluation, in place of `heldOut`: as `train`.'),
    learn: z
      .enum(learnKinds)
      .default('assistant')
      .describe(
        "Which tokens of conversations and completions count in the loss: all the `assistant`'s, those of its `last` message, or `all`. Of texts all count.",
      ),
    bos: z
      .boolean()
      .optional()
      .describe(
        'Do texts and completions begin with the BOS token? Default: where the tokenizer says so.',
      ),
    eos: z
      .boolean()
      .default(true)
      .describe('Do texts and completions end with the EOS token, learned like the rest?'),
    layout: z
      .enum(layoutKinds)
      .default('packed')
      .describe(
        '`packed`: whole examples side by side in bins of `context` tokens, none seeing another. `examples`: the same, a fixed number of them a step. `windows`: stretches of `context` tokens at random places of the whole text, across documents.',
      ),
    context: rows()
      .optional()
      .describe("Longest sequence in tokens. Default: the model's own context."),
    batch: rows().default(16).describe('Bins, examples or windows of one optimizer step.'),
    microRows: rows()
      .default(4096)
      .describe(
        'Most tokens in one pass; a step of more takes several, with the same result. At least `context`.',
      ),
    bucketing: z
      .boolean()
      .default(false)
      .describe('`examples`: put examples of like length into the same step.'),
    overlong: z
      .enum(overlongKinds)
      .default('auto')
      .describe(
        'Examples longer than `context`: `split` into several, `cut` at the end, `drop`, or `fatal`. `auto`: texts are split, conversations and completions cut.',
      ),
    badRows: z
      .enum(badRowKinds)
      .default('fatal')
      .describe('Rows that are no examples end the run (`fatal`), or are counted and left out.'),
    cache: place()
      .optional()
      .describe("Folder of tokenised data. Default: `tokens` in Corral's own folder."),
  })
  .superRefine((data, context) => {
    const refuse = (field: keyof DataRecipe, message: string): void =>
      context.addIssue({ code: 'custom', path: [field], message });
    if (data.validation !== undefined && data.heldOut > 0) {
      refuse('heldOut', '0, beside `validation`');
    }
    if (data.bucketing && data.layout !== 'examples') {
      refuse('bucketing', 'false, but for `layout: examples`');
    }
  });
