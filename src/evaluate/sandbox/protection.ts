// What keeps a model's program from harm, as command lines around it: bubblewrap, Linux namespaces made
// by util-linux, or resource limits alone. Nothing here runs anything.
import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { release } from 'node:os';
import { posix } from 'node:path';

/** Kinds of protection, the best first. */
export const protectionKinds = ['bubblewrap', 'namespaces', 'limits'] as const;

/** A kind of protection. */
export type ProtectionKind = (typeof protectionKinds)[number];

/** Bounds of one program. */
export interface ProgramLimits {
  /** Data of each process. */
  readonly memoryBytes: number;
  /** All that it writes to files; what it writes to stdout and stderr is bounded by who reads it. */
  readonly fileBytes: number;
  /** Processes and threads at once. */
  readonly processes: number;
  readonly cpuSeconds: number;
}

/** What is to be run. */
export interface ProtectedCommand {
  /** The interpreter and its arguments. */
  readonly commandLine: readonly string[];
  /** Folder of the program's files, readable at the same path inside. */
  readonly programFolder: string;
  /** An empty folder: the root of its file system is put together there, or it works there. */
  readonly rootFolder: string;
  /** Files and folders the interpreter needs. */
  readonly runtimeFolders: readonly string[];
  readonly limits: ProgramLimits;
  /** Id of the user who runs Corral; root runs programs as another user. */
  readonly userId: number;
}

// Where programs and libraries lie on Linux. Not /etc, /home, /root, /var, /proc, /sys.
const systemFolders = ['/usr', '/lib', '/lib32', '/lib64', '/bin'];
const devices = ['/dev/null', '/dev/zero', '/dev/urandom'];

// Users that no machine gives to anyone: one for each program, so that each has its own count of processes.
const firstSpareUser = 1_900_000_000;
const spareUsers = 100_000_000;

/** The command line that runs a program under this protection. */
export function protect(kind: ProtectionKind, command: ProtectedCommand): readonly string[] {
  if (kind === 'bubblewrap') return inBubblewrap(command);
  if (kind === 'namespaces') return inNamespaces(command);
  return asAnother(command, withLimits(command, processesOf(command.userId)));
}

function inBubblewrap(command: ProtectedCommand): readonly string[] {
  const { programFolder, runtimeFolders } = command;
  const mounts = placesOf(runtimeFolders).flatMap((place) =>
    place.link === undefined
      ? ['--ro-bind', place.path, place.path]
      : ['--symlink', place.link, place.path],
  );
  return asAnother(command, [
    ...['bwrap', '--unshare-all', '--new-session', '--die-with-parent', '--cap-drop', 'ALL'],
    // Not its own /dev, whose /dev/shm has no bounds.
    ...[...mounts, ...devices.flatMap((path) => ['--dev-bind', path, path])],
    ...['--size', `${command.limits.fileBytes}`, '--tmpfs', '/tmp'],
    ...['--ro-bind', programFolder, programFolder, '--remount-ro', '/', '--chdir', '/tmp', '--'],
    ...withLimits(command, countedOthers(command.userId)),
  ]);
}

function inNamespaces(command: ProtectedCommand): readonly string[] {
  const { rootFolder, programFolder, runtimeFolders, limits, userId } = command;
  // Only root can become another user, and need not make a user namespace for the mounts.
  const user = userId === 0 ? [] : ['--user', '--map-root-user'];
  const inside = [...dropPrivileges(command), ...withLimits(command, countedOthers(userId))];
  const script = [
    'set -e',
    `root=${quote(rootFolder)}`,
    'mount -t tmpfs -o size=1m,mode=755 corral "$root"',
    'mkdir -p "$root/tmp" "$root/dev" "$root/old"',
    // umount looks for its target in /proc; the link leads nowhere once it is done.
    'ln -s old/proc "$root/proc"',
    // Before the binds: what is bound may lie in /tmp.
    `mount -t tmpfs -o size=${limits.fileBytes},mode=777,nosuid,nodev corral "$root/tmp"`,
    ...placesOf([...runtimeFolders, programFolder]).map(({ path, link, isFolder }) => {
      const place = `"$root"${quote(path)}`;
      const parent = `mkdir -p "$root"${quote(posix.dirname(path))}`;
      if (link !== undefined) return `${parent}; ln -s ${quote(link)} ${place}`;
      const make = isFolder ? `mkdir -p ${place}` : `${parent}; : > ${place}`;
      return `${make}; mount --bind ${quote(path)} ${place}; mount -o remount,bind,ro,nosuid,nodev ${place}`;
    }),
    ...devices.map((path) => `: > "$root"${path}; mount --bind ${path} "$root"${path}`),
    'mount -o remount,bind,ro,nosuid "$root"',
    'cd "$root"',
    'pivot_root . old',
    'umount -l /old',
    'cd /tmp',
    `exec ${inside.map(quote).join(' ')}`,
  ].join('\n');
  return [
    ...['unshare', ...user, '--mount', '--net', '--pid', '--ipc', '--uts', '--fork'],
    ...['--kill-child=KILL', '--', '/bin/sh', '-c', script],
  ];
}

// Whoever has set up the file system could also undo it: the program itself gets no capability at all.
function dropPrivileges({ userId }: ProtectedCommand): readonly string[] {
  const spare = String(firstSpareUser + Math.floor(Math.random() * spareUsers));
  const identity = userId === 0 ? ['--reuid', spare, '--regid', spare, '--clear-groups'] : [];
  return ['setpriv', ...identity, '--bounding-set=-all', '--inh-caps=-all', '--no-new-privs', '--'];
}

function asAnother(command: ProtectedCommand, inner: readonly string[]): readonly string[] {
  return command.userId === 0 ? [...dropPrivileges(command), ...inner] : inner;
}

// Every shell has ulimit; which letter bounds processes differs. -d and not -v: V8 reserves far more
// address space than it uses.
function withLimits(
  { limits, commandLine }: ProtectedCommand,
  othersProcesses: number,
): readonly string[] {
  const processes = limits.processes + othersProcesses;
  const script = [
    'ulimit -c 0',
    `ulimit -t ${limits.cpuSeconds}`,
    `ulimit -f ${Math.ceil(limits.fileBytes / 512)}`,
    `ulimit -d ${Math.ceil(limits.memoryBytes / 1024)} 2>/dev/null || :`,
    `ulimit -p ${processes} 2>/dev/null || ulimit -u ${processes} 2>/dev/null || :`,
    // No sudo, whatever the machine allows its users.
    'if command -v setpriv >/dev/null; then exec setpriv --no-new-privs -- "$@"; fi',
    'exec "$@"',
  ].join('\n');
  return ['/bin/sh', '-c', script, 'sh', ...commandLine];
}

interface Place {
  readonly path: string;
  /** Where it points, for a symbolic link. */
  readonly link?: string;
  readonly isFolder: boolean;
}

// What there is of the system's folders and of those the interpreter needs outside of them.
function placesOf(folders: readonly string[]): Place[] {
  const places: Place[] = [];
  for (const path of [...systemFolders, ...folders]) {
    const covered = places.some(
      (place) => place.link === undefined && `${path}/`.startsWith(`${place.path}/`),
    );
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (covered || stat === undefined) continue;
    places.push({
      path,
      isFolder: stat.isDirectory(),
      ...(stat.isSymbolicLink() ? { link: readlinkSync(path) } : {}),
    });
  }
  return places;
}

// From Linux 5.14 on a user namespace has a count of processes of its own.
function countedOthers(userId: number): number {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return major > 5 || (major === 5 && minor >= 14) ? 0 : processesOf(userId);
}

// The kernel counts all processes and threads of a user where the program has no user of its own.
function processesOf(userId: number): number {
  if (userId === 0) return 0;
  try {
    return Number(/\/(\d+) /.exec(readFileSync('/proc/loadavg', 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
