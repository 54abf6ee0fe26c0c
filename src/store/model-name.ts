// Names of models as people write them, OWNER/NAME[@REVISION][:FILE-OR-QUANT], and the folder names
// they become. Whatever comes from outside passes here before it is part of a path.
import { errors } from '../base/errors.ts';

/** A model as asked for: `selector` names one file, or a quantisation such as Q4_K_M. */
export interface ModelName {
  readonly owner: string;
  readonly name: string;
  readonly revision: string | undefined;
  readonly selector: string | undefined;
}

// The hub's own alphabet for owners and names: no separator of ours (@ : + ~) can be part of one.
const part = /^(?!\.)[A-Za-z0-9._-]{1,96}$/;
const revisionPattern = /^(?![./-])(?!.*\.\.)[A-Za-z0-9._/-]{1,200}$/;
const selectorPattern = /^(?![./-])(?!.*\.\.)[A-Za-z0-9._/ -]{1,200}$/;

/** Reads OWNER/NAME[@REVISION][:FILE-OR-QUANT]; undefined when the text is nothing of the kind. */
export function readModelName(text: string): ModelName | undefined {
  const match = /^([^/@:]+)\/([^/@:]+)(?:@([^:]+))?(?::(.+))?$/.exec(text);
  if (match === null) return undefined;
  const [, owner, name, revision, selector] = match;
  if (owner === undefined || name === undefined || !part.test(owner) || !part.test(name)) {
    return undefined;
  }
  if (revision !== undefined && !revisionPattern.test(revision)) return undefined;
  if (selector !== undefined && !selectorPattern.test(selector)) return undefined;
  return { owner, name, revision, selector };
}

/** Like readModelName, but anything else is an error. */
export function parseModelName(text: string): ModelName {
  const name = readModelName(text);
  if (name === undefined) {
    throw errors.OPTION_INVALID({
      option: 'REPO',
      found: JSON.stringify(text),
      allowed:
        'OWNER/NAME, with @REVISION and :FILE or :QUANT after it if wanted (owner/name:Q4_K_M)',
    });
  }
  return name;
}

/** Reads a revision given apart from the name. */
export function checkRevision(revision: string): string {
  if (!revisionPattern.test(revision)) {
    throw errors.OPTION_INVALID({
      option: '--revision',
      found: JSON.stringify(revision),
      allowed: 'a branch, a tag or a commit',
    });
  }
  return revision;
}

/** The name as people write it. */
export function formatModelName({ owner, name, revision, selector }: ModelName): string {
  return `${owner}/${name}${revision === undefined ? '' : `@${revision}`}${selector === undefined ? '' : `:${selector}`}`;
}

/** The folder under OWNER that holds this name at this commit. One name, one commit, one folder. */
export function entryFolder({ name, revision, selector }: ModelName, commit: string): string {
  return `${entryPrefix({ name, revision, selector })}${encodeURIComponent(commit).slice(0, 40)}`;
}

/** What all folders of this name start with, whatever the commit. */
export function entryPrefix({
  name,
  revision,
  selector,
}: Pick<ModelName, 'name' | 'revision' | 'selector'>): string {
  const encode = (text: string): string => encodeURIComponent(text).replaceAll('%', '=');
  return `${name}${revision === undefined ? '' : `@${encode(revision)}`}${selector === undefined ? '' : `+${encode(selector)}`}~`;
}

/**
 * A path from a hub, checked: relative, forward slashes, no segment that leaves its folder. A hostile
 * repository could otherwise write anywhere the user can. Returns undefined when it is not that.
 */
export function safeRelativePath(path: string): string | undefined {
  if (path === '' || path.length > 1024) return undefined;
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.' || segment === '..' || segment.length > 200) {
      return undefined;
    }
    // Backslashes and drive letters are separators on Windows; control characters fool terminals.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
    if (/[\\:\u0000-\u001f\u007f]/.test(segment) || segment.trim() !== segment) return undefined;
  }
  return path;
}
