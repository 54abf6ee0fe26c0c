// All tasks there are: those that ship with Corral, and files of the user's own. Finds tasks by name,
// by tag, by group, and by path.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errors } from '../../base/errors.ts';
import { nearest } from '../../base/nearest.ts';
import type { GroupConfig, TaskConfig } from './task-config.ts';
import { readTaskFile } from './task-file.ts';

/** Tasks and groups by name. */
export interface Catalog {
  readonly tasks: ReadonlyMap<string, TaskConfig>;
  readonly groups: ReadonlyMap<string, GroupConfig>;
}

/** What names asked for come to: each task once, and each group, its members before it. */
export interface Selection {
  readonly tasks: readonly TaskConfig[];
  /** Tags among a group's members are replaced by the tasks that carry them. */
  readonly groups: readonly GroupConfig[];
}

const builtInFolder = join(import.meta.dirname, '..', 'tasks');
let builtIn: Catalog | undefined;

/** Everything that ships with Corral. Files whose name begins with `_` are for inclusion only. */
export function builtInCatalog(): Catalog {
  builtIn ??= readCatalog(
    readdirSync(builtInFolder, { recursive: true, encoding: 'utf8' })
      .filter((name) => /(^|[\\/])[^_\\/][^\\/]*\.yaml$/u.test(name))
      .sort()
      .map((name) => join(builtInFolder, name)),
  );
  return builtIn;
}

function readCatalog(files: readonly string[], base?: Catalog): Catalog {
  const tasks = new Map(base?.tasks);
  const groups = new Map(base?.groups);
  for (const definition of files.flatMap(readTaskFile)) {
    if (definition.kind === 'task') tasks.set(definition.config.task, definition.config);
    else groups.set(definition.config.group, definition.config);
  }
  return { tasks, groups };
}

/** All that ships with Corral. */
export function selectAll(): Selection {
  const { tasks, groups } = builtInCatalog();
  return selectTasks([...groups.keys(), ...tasks.keys()]);
}

/** Resolves names of tasks, groups and tags, and paths of task files. Throws TASK_UNKNOWN. */
export function selectTasks(names: readonly string[]): Selection {
  const tasks = new Map<string, TaskConfig>();
  const groups = new Map<string, GroupConfig>();
  for (const name of names) {
    if (/\.ya?ml$/u.test(name) || (existsSync(name) && statSync(name).isFile())) {
      // tasks of a file may include and group those that ship
      const own = readCatalog([name]);
      const catalog = readCatalog([name], builtInCatalog());
      for (const each of [...own.tasks.keys(), ...own.groups.keys()]) add(each, catalog);
    } else {
      add(name, builtInCatalog());
    }
  }
  return { tasks: Array.from(tasks.values()), groups: Array.from(groups.values()) };

  function add(name: string, catalog: Catalog, within: readonly string[] = []): void {
    const task = catalog.tasks.get(name);
    const group = catalog.groups.get(name);
    const tagged = task === undefined && group === undefined ? withTag(name, catalog) : [];
    if (group !== undefined && !within.includes(name)) {
      for (const member of group.task) add(member, catalog, [...within, name]);
      groups.set(name, { ...group, task: group.task.flatMap((each) => expandTag(each, catalog)) });
    } else if (task !== undefined) {
      tasks.set(name, task);
    } else if (tagged.length > 0) {
      for (const each of tagged) tasks.set(each.task, each);
    } else {
      const names = [...catalog.groups.keys(), ...catalog.tasks.keys()];
      throw errors.TASK_UNKNOWN({ name, near: nearest(name, names) ?? '' });
    }
  }
}

function expandTag(name: string, catalog: Catalog): string[] {
  if (catalog.tasks.has(name) || catalog.groups.has(name)) return [name];
  return withTag(name, catalog).map(({ task }) => task);
}

function withTag(tag: string, catalog: Catalog): TaskConfig[] {
  return Array.from(catalog.tasks.values()).filter((task) => [task.tag].flat().includes(tag));
}
