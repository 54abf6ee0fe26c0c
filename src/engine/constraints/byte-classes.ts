// Bytes that no edge of an automaton tells apart are one class: what is known of one is known of all.
import type { Automaton } from './automaton.ts';
import { asciiKinds, wideCharacters } from './byte-kinds.ts';
import type { ByteSet } from './byte-set.ts';
import type { Steps } from './steps.ts';

/** The classes of one automaton. */
export interface ByteClasses {
  /** Class by byte. */
  readonly of: Uint8Array;
  /** One byte of each class. */
  readonly bytes: readonly number[];
  /** The classes of each kind of ASCII bytes. */
  readonly ofKinds: readonly (readonly number[])[];
  /** The classes at each place of the characters beyond ASCII, as wideCharacters has them. */
  readonly ofWide: readonly (readonly (readonly number[])[])[];
}

const setsPerStep = 1000;

/** Splits the bytes by every set that an edge has. */
export function* classifyBytes({ states }: Automaton): Steps<ByteClasses> {
  let of = new Uint8Array(256);
  let count = 1;
  const sets = new Set<ByteSet>();
  for (const state of states) if (state.kind === 'byte') sets.add(state.set);
  let done = 0;
  for (const set of sets) {
    if (count === 256) break;
    [of, count] = split(of, set);
    if (++done % setsPerStep === 0) yield;
  }
  const bytes = Array.from({ length: count }, (_, each) => of.indexOf(each));
  const classesOf = (members: Iterable<number>): number[] => [
    ...new Set(Array.from(members, (byte) => of[byte] as number)),
  ];
  return {
    of,
    bytes,
    ofKinds: asciiKinds.map(classesOf),
    ofWide: wideCharacters.map((ranges) =>
      ranges.map(([low, high]) =>
        classesOf(Array.from({ length: high - low + 1 }, (_, i) => low + i)),
      ),
    ),
  };
}

function split(of: Uint8Array, set: ByteSet): [Uint8Array<ArrayBuffer>, number] {
  const renamed = new Int16Array(512).fill(-1);
  const next = new Uint8Array(256);
  let count = 0;
  for (let byte = 0; byte < 256; byte++) {
    const key = 2 * (of[byte] as number) + (set[byte] as number);
    if (renamed[key] === -1) renamed[key] = count++;
    next[byte] = renamed[key] as number;
  }
  return [next, count];
}
