// Says in plain words what protects from a model's programs and what does not.
import type { ProtectionKind } from './protection.ts';

interface Bounds {
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  readonly outputBytes: number;
  readonly fileBytes: number;
  readonly processes: number;
}

const isolated = [
  'A program sees no network, no other process, and of the files only the system’s programs and',
  'libraries (read-only), its interpreter and itself: not /etc, no home folder, no project. It writes only',
  'to a folder in memory that vanishes with it.',
  'Not protected: the kernel. A program that breaks out of it has the rights of your user (as root: of',
  'nobody). Memory is bounded for each process, not for all of a program’s together.',
];

const open = [
  'NOT protected here: a program can read every file that you can, write wherever you can, and use the',
  'network, with your rights (started as root: with those of a user who owns nothing). JavaScript and',
  'TypeScript programs are kept from it by Node’s permission model, which is no defence against malice.',
  'Run it in a container or a virtual machine without network, or install bubblewrap.',
];

/** A few lines for people to read before they allow programs to run. */
export function describeProtection(kind: ProtectionKind, bounds: Bounds): string {
  const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
  const names = {
    bubblewrap: 'bubblewrap (Linux namespaces)',
    namespaces: 'Linux namespaces (util-linux)',
    limits: 'resource limits alone',
  } as const;
  return [
    `Programs that the model writes run under ${names[kind]}.`,
    ...(kind === 'limits' ? open : isolated),
    `Each has ${bounds.timeoutMs / 1000} s, ${mebibytes(bounds.memoryBytes)} of memory, ${mebibytes(bounds.outputBytes)} of output, ${mebibytes(bounds.fileBytes)} of files and ${bounds.processes} processes and threads; then all of it is killed.`,
  ].join('\n');
}
