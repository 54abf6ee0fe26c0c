// The tokens of a vocabulary as byte strings, in a tree in which common beginnings lie once.

import { tokenBytes } from '../../tokenizer/token-bytes.ts';
import type { TokenId, Tokenizer } from '../../tokenizer/tokenizer.ts';

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
  /** The bytes of each token; empty for control tokens, which no text holds. */
  readonly texts: readonly Uint8Array[];
  /** A token of just this byte, or −1. */
  readonly byteTokens: Int32Array;
}

const none: Uint8Array = new Uint8Array();

/** Builds the tree. Takes some tens of milliseconds per 32,000 tokens: keep it. */
export function buildVocabulary(tokenizer: Tokenizer): Vocabulary {
  const bytesOf = tokenBytes(tokenizer);
  const texts = Array.from({ length: tokenizer.size }, (_, id) => bytesOf(id) ?? none);
  // Strings of the bytes compare as the bytes do, and much faster.
  const keys = texts.map((text) => Buffer.from(text).toString('latin1'));
  const sorted = [...texts.keys()]
    .filter((id) => keys[id] !== '')
    .sort((a, b) => compare(keys[a] as string, keys[b] as string) || a - b);
  const most = sorted.reduce((sum, id) => sum + (texts[id] as Uint8Array).length, 1);
  const bytes = new Uint8Array(most);
  const depths = new Uint16Array(most);
  const ends = new Int32Array(most);
  const first = new Int32Array(most + 1);
  const path = [0];
  let nodes = 1;
  const byteTokens = new Int32Array(256).fill(-1);
  let before: Uint8Array = none;
  for (const [place, id] of sorted.entries()) {
    const text = texts[id] as Uint8Array;
    let shared = 0;
    while (shared < before.length && text[shared] === before[shared]) shared++;
    while (path.length > shared + 1) ends[path.pop() as number] = nodes;
    for (let depth = shared; depth < text.length; depth++) {
      bytes[nodes] = text[depth] as number;
      depths[nodes] = depth + 1;
      first[nodes] = place;
      path.push(nodes++);
    }
    if (text.length === 1) byteTokens[text[0] as number] = id;
    before = text;
  }
  for (const node of path) ends[node] = nodes;
  first[nodes] = sorted.length;
  return {
    size: tokenizer.size,
    bytes: bytes.slice(0, nodes),
    depths: depths.slice(0, nodes),
    ends: ends.slice(0, nodes),
    first: first.slice(0, nodes + 1),
    ids: Int32Array.from(sorted),
    texts,
    byteTokens,
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
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
export function hasTokens({ first }: Vocabulary, node: number): boolean {
  return (first[node + 1] as number) > (first[node] as number);
}

/** Sets a token's bit in a mask. */
export function allow(words: Uint32Array, id: TokenId): void {
  words[id >> 5] = (words[id >> 5] as number) | (1 << (id & 31));
}
