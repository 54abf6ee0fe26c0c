// The tokens of a vocabulary as byte strings, in a tree in which common beginnings lie once, and what is below
// each of its nodes.
import { tokenBytes } from '../../tokenizer/token-bytes.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { betweenCharacters, broken, brokenKind, kindOf, nextUtf8 } from './byte-kinds.ts';
import type { Steps } from './steps.ts';

/**
 * The tree in the order of a walk that goes down first: node n's descendants are the nodes up to
 * ends[n] − 1, and the first of them, if there is one, is n + 1. Node 0 is the root.
 */
export interface Vocabulary {
  /** Number of ids, those without text too. */
  readonly size: number;
  readonly bytes: Uint8Array;
  /** Length of the string a node stands for. */
  readonly depths: Uint16Array;
  readonly ends: Int32Array;
  /** Tokens of node n: ids[first[n]] to ids[first[n + 1] - 1]. */
  readonly first: Int32Array;
  readonly ids: Int32Array;
  /** Characters of the token ids[i]. */
  readonly lengths: Uint16Array;
  /** Characters of the string a node stands for. */
  readonly characters: Uint16Array;
  /** Kinds of the characters between a node and the tokens below it; see byte-kinds.ts. */
  readonly below: Uint32Array;
  /** Most characters between a node and a token below it. */
  readonly heights: Uint16Array;
  /** The bytes of each token; empty for control tokens, which no text holds. */
  readonly texts: readonly Uint8Array[];
  /** A token of just this byte, or −1. */
  readonly byteTokens: Int32Array;
}

type Tree = Omit<Vocabulary, 'size' | 'texts' | 'below' | 'heights'> & {
  /** Of UTF-8, at each node. */
  readonly states: Uint8Array;
};

const none: Uint8Array = new Uint8Array();
const tokensPerStep = 250;
const nodesPerStep = 1000;

/** Builds the tree. Takes about a tenth of a second per 32,000 tokens: keep it. */
export function* buildVocabulary(tokenizer: Tokenizer): Steps<Vocabulary> {
  const bytesOf = tokenBytes(tokenizer);
  const texts: Uint8Array[] = [];
  let mostNodes = 1;
  let deepest = 0;
  for (let id = 0; id < tokenizer.size; id++) {
    const text = bytesOf(id) ?? none;
    texts.push(text);
    mostNodes += text.length;
    deepest = Math.max(deepest, text.length);
    if (id % tokensPerStep === 0) yield;
  }
  const sorted = yield* sortTexts(texts);
  const { states, ...tree } = yield* layOut(texts, sorted, mostNodes);
  return { size: tokenizer.size, texts, ...tree, ...(yield* lookBelow(tree, states, deepest)) };
}

// Ids of texts that are not empty. By the first two bytes, then each lot by itself, so that no step is long.
function* sortTexts(texts: readonly Uint8Array[]): Steps<number[]> {
  const lots = new Map<number, number[]>();
  for (let id = 0; id < texts.length; id++) {
    const text = texts[id] as Uint8Array;
    if (id % tokensPerStep === 0) yield;
    if (text.length === 0) continue;
    const key = 257 * (text[0] as number) + (text.length > 1 ? (text[1] as number) + 1 : 0);
    const lot = lots.get(key);
    if (lot === undefined) lots.set(key, [id]);
    else lot.push(id);
  }
  const sorted: number[] = [];
  for (const [, lot] of [...lots].sort(([a], [b]) => a - b)) {
    // Strings of the bytes compare as the bytes do, and much faster.
    const keyed = lot.map((id) => ({ id, text: latin1(texts[id] as Uint8Array) }));
    keyed.sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : a.id - b.id));
    for (const { id } of keyed) sorted.push(id);
    yield;
  }
  return sorted;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

function* layOut(
  texts: readonly Uint8Array[],
  sorted: readonly number[],
  most: number,
): Steps<Tree> {
  const bytes = new Uint8Array(most);
  const [depths, characters] = [new Uint16Array(most), new Uint16Array(most)];
  const ends = new Int32Array(most);
  const first = new Int32Array(most + 1);
  const states = new Uint8Array(most);
  const lengths = new Uint16Array(sorted.length);
  const byteTokens = new Int32Array(256).fill(-1);
  const path = [0];
  let nodes = 1;
  let before: Uint8Array = none;
  states[0] = betweenCharacters;
  for (const [place, id] of sorted.entries()) {
    const text = texts[id] as Uint8Array;
    let shared = 0;
    while (shared < before.length && text[shared] === before[shared]) shared++;
    while (path.length > shared + 1) ends[path.pop() as number] = nodes;
    for (let depth = shared; depth < text.length; depth++) {
      const [parent, byte] = [path[depth] as number, text[depth] as number];
      bytes[nodes] = byte;
      depths[nodes] = depth + 1;
      first[nodes] = place;
      states[nodes] = nextUtf8(states[parent] as number, byte);
      characters[nodes] = (characters[parent] as number) + (byte >> 6 === 2 ? 0 : 1);
      path.push(nodes++);
    }
    lengths[place] = characters[path.at(-1) as number] as number;
    if (text.length === 1) byteTokens[text[0] as number] = id;
    before = text;
    if (place % tokensPerStep === 0) yield;
  }
  for (const node of path) ends[node] = nodes;
  first[nodes] = sorted.length;
  return {
    bytes: bytes.slice(0, nodes),
    depths: depths.slice(0, nodes),
    ends: ends.slice(0, nodes),
    first: first.slice(0, nodes + 1),
    ids: Int32Array.from(sorted),
    lengths,
    characters: characters.slice(0, nodes),
    states: states.slice(0, nodes),
    byteTokens,
  };
}

// From the last node to the first, so that children come before their parents.
function* lookBelow(
  tree: Omit<Tree, 'states'>,
  states: Uint8Array,
  deepest: number,
): Steps<Pick<Vocabulary, 'below' | 'heights'>> {
  const { bytes, depths, characters } = tree;
  const nodes = bytes.length;
  const [below, heights] = [new Uint32Array(nodes), new Uint16Array(nodes)];
  // Of the nodes of each depth since their last parent: kinds in and below them, characters of their tokens.
  const [kinds, tallest] = [new Uint32Array(deepest + 2), new Uint16Array(deepest + 2)];
  for (let node = nodes - 1; node >= 0; node--) {
    const depth = depths[node] as number;
    const inner = kinds[depth + 1] as number;
    const own = characters[node] as number;
    const isWhole = states[node] === betweenCharacters;
    const most = Math.max(own, tallest[depth + 1] as number);
    kinds[depth + 1] = 0;
    tallest[depth + 1] = 0;
    below[node] = isWhole ? inner : inner | brokenKind;
    heights[node] = most - own;
    const endsBroken = states[node] === broken || (!isWhole && hasTokens(tree, node));
    const kind = kindOf(bytes[node] as number) | (endsBroken ? brokenKind : 0);
    kinds[depth] = (kinds[depth] as number) | inner | kind;
    tallest[depth] = Math.max(tallest[depth] as number, most);
    if (node % nodesPerStep === 0) yield;
  }
  return { below, heights };
}

/** The node below `node` for a byte, or −1. */
export function childOf({ bytes, ends }: Vocabulary, node: number, byte: number): number {
  const end = ends[node] as number;
  for (let child = node + 1; child < end; child = ends[child] as number) {
    if (bytes[child] === byte) return child;
  }
  return -1;
}

/** Does a token end at this node? */
export function hasTokens({ first }: Pick<Vocabulary, 'first'>, node: number): boolean {
  return (first[node + 1] as number) > (first[node] as number);
}
