// corral tokenize: the ids and pieces of a text. MODEL may be a bare tokenizer file.
import type { Command } from 'commander';
import { addCommonOptions, addIdleDeviceOptions, type CommonOptions } from './command-options.ts';
import { type Context, printJson, printLines } from './context.ts';
import { readAll } from './io.ts';
import { resolveModelArgument } from './model-argument.ts';
import { formatTable } from './present.ts';

interface TokenizeOptions extends CommonOptions {
  readonly bos?: boolean;
  readonly tokenizer?: string;
}

/** Adds the command. */
export function addTokenize(program: Command, context: Context): void {
  const command = program
    .command('tokenize')
    .summary('ids and pieces of a text')
    .description('Splits TEXT, or what comes from a pipe as it is, into the tokens of MODEL.')
    .argument('<model>', 'model, or a tokenizer file')
    .argument('[text]', 'text to split')
    .option('--tokenizer <file>', "tokenizer to use in place of MODEL's own")
    .option('--bos', 'put the beginning-of-sequence token first')
    .action((model, text, options) => tokenize(model, text, options, context));
  addCommonOptions(addIdleDeviceOptions(command), 'ids and pieces');
}

async function tokenize(
  model: string,
  given: string | undefined,
  options: TokenizeOptions,
  context: Context,
): Promise<void> {
  const { io } = context;
  const path = await resolveModelArgument(model, context);
  const tokenizer = await context.library.openTokenizer(options.tokenizer ?? path);
  const text = given === undefined || given === '-' ? await readAll(io.stdin) : given;
  const ids = tokenizer.encode(text, { bos: options.bos === true });
  const pieces = ids.map((id) => tokenizer.piece(id));
  if (options.json === true) return printJson(io, { ids, pieces });
  const rows = ids.map((id, index) => [String(id), pieces[index] ?? '']);
  return printLines(io, formatTable(rows, [0]));
}
