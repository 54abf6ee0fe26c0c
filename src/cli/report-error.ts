// How a failure looks: one line and a hint on stderr, or one JSON object with --json; and which exit
// status it gives. Stack traces only with --verbose.
import { CorralError } from '../base/define-errors.ts';
import { messageOf } from '../base/message-of.ts';
import { exitStatus } from './context.ts';
import { forTerminal, type Io, tell } from './io.ts';

const usageCodes: ReadonlySet<string> = new Set([
  'CORRAL_USAGE_INVALID',
  'CORRAL_OPTION_INVALID',
  'CORRAL_MODEL_NEEDED',
  'CORRAL_DEVICE_UNKNOWN',
]);

const faultHint = 'This is a fault of Corral: run it again with --verbose and report it.';
const systemHint = 'The system refused this; check paths, permissions and free space.';

/** Says what went wrong; returns the exit status. */
export async function reportError(
  error: unknown,
  io: Io,
  style: { readonly json: boolean; readonly verbose: boolean },
): Promise<number> {
  const known = CorralError.isInstance(error) ? error : undefined;
  const message = messageOf(error);
  const code = known?.code ?? 'INTERNAL';
  const hint = known?.hint ?? (isSystemError(error) ? systemHint : faultHint);
  if (style.json) {
    const body = { code, message, hint, ...(known === undefined ? {} : { data: known.data }) };
    await tell(io, `${JSON.stringify({ error: body })}\n`);
  } else if (code === 'CORRAL_ABORTED' && !style.verbose) {
    if (io.isTerminal.stderr) await tell(io, '\n');
  } else {
    const lines = [`corral: ${message}`, `hint: ${hint}`];
    if (style.verbose && error instanceof Error) lines.push(describeStack(error));
    const text = `${lines.join('\n')}\n`;
    await tell(io, io.isTerminal.stderr ? forTerminal(text) : text);
  }
  if (code === 'CORRAL_ABORTED') return exitStatus.interrupted;
  return usageCodes.has(code) ? exitStatus.usage : exitStatus.failed;
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}

function describeStack(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\ncaused by ${describeStack(error.cause)}` : own;
}
