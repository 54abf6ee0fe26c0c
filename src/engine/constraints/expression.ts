// What front ends make of schemas, regular expressions and grammars: expressions over bytes that may call
// rules. A grammar is a list of rules; it is as strong as context-free grammars are.
import type { ByteSet } from './byte-set.ts';
import { oneByte } from './byte-set.ts';

/** What a stretch of text may be. */
export type Expression =
  | { readonly kind: 'byte'; readonly set: ByteSet }
  | { readonly kind: 'sequence'; readonly parts: readonly Expression[] }
  | { readonly kind: 'choice'; readonly options: readonly Expression[] }
  | {
      readonly kind: 'repeat';
      readonly part: Expression;
      readonly least: number;
      /** May be Infinity. */
      readonly most: number;
    }
  | { readonly kind: 'rule'; readonly rule: number };

/** Rules by number; the first is where a text begins. */
export interface Grammar {
  readonly rules: readonly Rule[];
}

/** A rule with the name that errors call it by. */
export interface Rule {
  readonly name: string;
  readonly body: Expression;
}

/** The empty text. */
export const nothing: Expression = { kind: 'sequence', parts: [] };

/** No text at all: what cannot be. */
export const never: Expression = { kind: 'choice', options: [] };

/** One after the other. */
export function sequence(...parts: readonly Expression[]): Expression {
  return parts.length === 1 ? (parts[0] as Expression) : { kind: 'sequence', parts };
}

/** Any one of them. */
export function choice(...options: readonly Expression[]): Expression {
  return options.length === 1 ? (options[0] as Expression) : { kind: 'choice', options };
}

/** `least` to `most` of them. */
export function repeat(
  part: Expression,
  least: number,
  most: number = Number.POSITIVE_INFINITY,
): Expression {
  return { kind: 'repeat', part, least, most };
}

/** None or one. */
export function optional(part: Expression): Expression {
  return repeat(part, 0, 1);
}

/** One byte of a set. */
export function byte(set: ByteSet): Expression {
  return { kind: 'byte', set };
}

const encoder = new TextEncoder();
const single: Expression[] = Array.from({ length: 256 }, (_, value) => byte(oneByte(value)));

/** A text as it stands, in UTF-8. */
export function literal(text: string): Expression {
  return sequence(...Array.from(encoder.encode(text), (value) => single[value] as Expression));
}

/** Any of the texts. Common beginnings are written once, so that thousands of texts stay small. */
export function literals(texts: Iterable<string>): Expression {
  const all = [...new Set(texts)].map((text) => encoder.encode(text));
  return branch(all.toSorted(compareBytes), 0);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

// Texts, sorted, that agree in their first `depth` bytes.
function branch(texts: readonly Uint8Array[], depth: number): Expression {
  const options: Expression[] = [];
  let at = 0;
  if (texts[0]?.length === depth) {
    options.push(nothing);
    at = 1;
  }
  while (at < texts.length) {
    const first = texts[at] as Uint8Array;
    let end = at + 1;
    while (end < texts.length && (texts[end] as Uint8Array)[depth] === first[depth]) end++;
    const group = texts.slice(at, end);
    const shared = sharedLength(first, group.at(-1) as Uint8Array);
    const prefix = Array.from(
      first.subarray(depth, shared),
      (value) => single[value] as Expression,
    );
    options.push(sequence(...prefix, branch(group, shared)));
    at = end;
  }
  return choice(...options);
}

function sharedLength(a: Uint8Array, b: Uint8Array): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}
