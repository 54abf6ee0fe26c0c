// SentencePiece's precompiled normaliser (nfkc and its kin): a double-array trie from byte sequences to
// replacements, longest match first. Layout: u32 length of the trie, the trie's u32 units, then the
// replacements, each ended by a zero byte. Every index is checked: the file may be damaged.
import { errors } from '../base/errors.ts';
import type { Normalize } from './piece-model.ts';

/** The normaliser in a charsmap. `base` is where its bytes begin in the file. */
export function readCharsMap(
  charsMap: Uint8Array,
  { path, base }: { readonly path: string; readonly base: number },
): Normalize {
  const damaged = (expected: string, found: string): Error =>
    errors.FORMAT_DAMAGED({ path, offset: base, expected, found });
  const view = new DataView(charsMap.buffer, charsMap.byteOffset, charsMap.byteLength);
  const trieBytes = charsMap.length >= 4 ? view.getUint32(0, true) : 0;
  if (trieBytes === 0 || trieBytes % 4 !== 0 || trieBytes > charsMap.length - 4) {
    throw damaged(`a trie of at most ${charsMap.length - 4} bytes`, `${trieBytes} bytes`);
  }
  const units = new Uint32Array(trieBytes / 4);
  for (let i = 0; i < units.length; i++) units[i] = view.getUint32(4 + i * 4, true);
  const replacements = charsMap.subarray(4 + trieBytes);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const encoder = new TextEncoder();

  const replacementAt = (index: number): string => {
    const end = replacements.indexOf(0, index);
    if (index >= replacements.length || end < 0) {
      throw damaged('an index of a replacement', `${index}`);
    }
    return decoder.decode(replacements.subarray(index, end));
  };
  // the longest key that starts at `from`: [its length in bytes, index of its replacement]
  const longest = (bytes: Uint8Array, from: number): readonly [number, number] | undefined => {
    let found: readonly [number, number] | undefined;
    let node = offsetOf(units[0] as number);
    for (let i = from; i < bytes.length; i++) {
      const byte = bytes[i] as number;
      if (byte === 0) break;
      node ^= byte;
      const unit = units[node];
      if (unit === undefined || labelOf(unit) !== byte) break;
      node ^= offsetOf(unit);
      if (((unit >>> 8) & 1) === 1) {
        const leaf = units[node];
        if (leaf === undefined) break;
        found = [i + 1 - from, leaf & 0x7fffffff];
      }
    }
    return found;
  };
  return (text: string): string => {
    const bytes = encoder.encode(text);
    let normal = '';
    let copied = 0;
    let at = 0;
    while (at < bytes.length) {
      const match = longest(bytes, at);
      if (match) {
        normal += decoder.decode(bytes.subarray(copied, at)) + replacementAt(match[1]);
        at += match[0];
        copied = at;
      } else {
        at += 1;
        while (at < bytes.length && ((bytes[at] as number) & 0xc0) === 0x80) at += 1;
      }
    }
    return normal + decoder.decode(bytes.subarray(copied));
  };
}

// Darts-clone's unit: label in the low byte (with the top bit for leaves), offset above.
function offsetOf(unit: number): number {
  return ((unit >>> 10) << ((unit & 0x200) >>> 6)) >>> 0;
}

function labelOf(unit: number): number {
  return (unit & 0x800000ff) >>> 0;
}
