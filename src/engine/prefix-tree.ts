// Which pages hold which beginnings: a tree of full pages by their tokens, so that equal beginnings are
// computed once. A page's place holds all that its keys and values depend on: its tokens, those of all
// pages above, and the namespace at the root. Pages that nobody uses stay until they are needed, least
// recently used first. No clock, no device.
import { invariant, present } from '../base/invariant.ts';
import type { Sequence } from './sequence.ts';

interface Root {
  readonly namespace: string;
  readonly children: Map<string, PrefixNode>;
}

/** A full page in the tree. */
export interface PrefixNode {
  readonly page: number;
  readonly tokens: string;
  readonly parent: PrefixNode | Root;
  readonly children: Map<string, PrefixNode>;
  /** Who holds it. Whoever holds a page holds all pages above it. */
  readonly users: Set<Sequence>;
  /** Who computes it; undefined when that is done. */
  writer: Sequence | undefined;
}

/** The tree. */
export interface PrefixTree {
  readonly pageSize: number;
  readonly roots: Map<string, Root>;
  /** Pages that nobody uses, least recently used first, each after all that are below it. */
  readonly unused: Set<PrefixNode>;
  /** Pages that were finished and not looked at since; whoever looks at one takes it out. */
  readonly fresh: Set<PrefixNode>;
}

/** An empty tree. */
export function createPrefixTree(pageSize: number): PrefixTree {
  return { pageSize, roots: new Map(), unused: new Set(), fresh: new Set() };
}

/** The pages a sequence need not compute: those it shares and needs no outputs from. Changes nothing. */
export function findPrefix(tree: PrefixTree, sequence: Sequence): PrefixNode[] {
  const { namespace, outputsFrom } = sequence;
  if (namespace === undefined) return [];
  const path: PrefixNode[] = [];
  let children = tree.roots.get(namespace)?.children;
  while ((path.length + 1) * tree.pageSize <= outputsFrom) {
    const node = children?.get(pageTokens(tree, sequence, path.length));
    if (node === undefined) break;
    path.push(node);
    children = node.children;
  }
  return path;
}

/** Gives a sequence a path that was found. Pages that are still being computed are shared, too. */
export function adopt(tree: PrefixTree, sequence: Sequence, path: readonly PrefixNode[]): void {
  invariant(sequence.path.length === 0, 'a sequence adopts once');
  for (const node of path) {
    node.users.add(sequence);
    tree.unused.delete(node);
    sequence.path.push(node);
  }
}

/** Enters the sequence's own full pages: those it has computed, or will compute before anyone else. */
export function grow(tree: PrefixTree, sequence: Sequence): void {
  const { namespace, tokens, path } = sequence;
  while (sequence.grows && (path.length + 1) * tree.pageSize <= tokens.length) {
    const parent = path.at(-1) ?? rootOf(tree, present(namespace, 'namespace'));
    const key = pageTokens(tree, sequence, path.length);
    if (parent.children.has(key)) {
      sequence.grows = false;
      return;
    }
    const isComputed = (path.length + 1) * tree.pageSize <= sequence.computed;
    const node: PrefixNode = {
      page: present(sequence.pages[path.length], 'page'),
      tokens: key,
      parent,
      children: new Map(),
      users: new Set([sequence]),
      writer: isComputed ? undefined : sequence,
    };
    parent.children.set(key, node);
    if (isComputed) tree.fresh.add(node);
    path.push(node);
  }
}

/** Takes note of pages that others have computed by now. */
export function advance(tree: PrefixTree, sequence: Sequence): void {
  const before = sequence.computed;
  for (;;) {
    const node = nodeAt(tree, sequence);
    if (node === undefined || node.writer !== undefined) break;
    sequence.computed += tree.pageSize;
  }
  // What it computed itself before it was preempted is found again, not gained.
  sequence.reused += Math.max(0, sequence.computed - Math.max(before, sequence.reached));
  sequence.reached = Math.max(sequence.reached, sequence.computed);
}

/** A page's tokens as its place in the tree has them. */
export function pageTokens(
  { pageSize }: Pick<PrefixTree, 'pageSize'>,
  { tokens }: Sequence,
  index: number,
): string {
  return tokens.slice(index * pageSize, (index + 1) * pageSize).join(' ');
}

/** Who computes the page that the sequence needs next, if another does. */
export function blockerOf({ pageSize }: PrefixTree, sequence: Sequence): Sequence | undefined {
  const writer = sequence.path[Math.floor(sequence.computed / pageSize)]?.writer;
  return writer === sequence ? undefined : writer;
}

/** Up to where the sequence may compute now: where another computes a page, it waits for it. */
export function computableEnd(tree: PrefixTree, sequence: Sequence): number {
  const { path, computed, tokens } = sequence;
  for (let index = Math.floor(computed / tree.pageSize); index < path.length; index++) {
    if (path[index]?.writer !== sequence) return index * tree.pageSize;
  }
  return tokens.length;
}

/** Opens what the sequence has computed to those who wait for it. */
export function publish(tree: PrefixTree, sequence: Sequence): void {
  const pages = Math.floor(sequence.computed / tree.pageSize);
  for (const node of sequence.path.slice(0, pages)) {
    if (node.writer !== sequence) continue;
    node.writer = undefined;
    tree.fresh.add(node);
  }
}

/**
 * Takes a sequence off its path. Unfinished pages go to one who waits for them, or out of the tree.
 * Gives the pages that nobody has any more.
 */
export function release(tree: PrefixTree, sequence: Sequence): number[] {
  const freed = sequence.pages.slice(sequence.path.length);
  // Deepest first: so parents come after their children among the unused, and are taken later.
  for (const node of sequence.path.toReversed()) {
    const isUnfinished = node.writer === sequence;
    node.users.delete(sequence);
    const [heir] = node.users;
    if (heir === undefined && isUnfinished) freed.push(detach(tree, node));
    else if (heir === undefined) tree.unused.add(node);
    else if (isUnfinished) node.writer = heir;
  }
  sequence.path = [];
  sequence.grows = false;
  return freed;
}

/** Takes the least recently used page out of the tree, which must have an unused one. */
export function evict(tree: PrefixTree): number {
  const [node] = tree.unused;
  const oldest = present(node, 'unused page');
  invariant(oldest.children.size === 0, 'pages below go first');
  tree.unused.delete(oldest);
  return detach(tree, oldest);
}

function rootOf(tree: PrefixTree, namespace: string): Root {
  const root = tree.roots.get(namespace) ?? { namespace, children: new Map() };
  tree.roots.set(namespace, root);
  return root;
}

function detach(tree: PrefixTree, node: PrefixNode): number {
  const { parent, tokens, page } = node;
  tree.fresh.delete(node);
  parent.children.delete(tokens);
  if ('namespace' in parent && parent.children.size === 0) tree.roots.delete(parent.namespace);
  return page;
}

function nodeAt({ pageSize }: PrefixTree, { computed, path }: Sequence): PrefixNode | undefined {
  return computed % pageSize === 0 ? path[computed / pageSize] : undefined;
}
