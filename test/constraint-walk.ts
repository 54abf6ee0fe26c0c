// Walks over constraints for tests: random answers, and whether a given text is one.
import { random } from '../src/base/random.ts';
import type { Constraint } from '../src/engine/constraint.ts';
import { tokenBytes } from '../src/tokenizer/token-bytes.ts';
import type { Tokenizer } from '../src/tokenizer/tokenizer.ts';

/** The ids of a mask. */
export function idsOf(words: Uint32Array): number[] {
  return [...words].flatMap((word, at) =>
    Array.from({ length: 32 }, (_, bit) => bit)
      .filter((bit) => ((word >>> bit) & 1) === 1)
      .map((bit) => 32 * at + bit),
  );
}

/** An answer of at most `maxTokens` random allowed tokens. Throws where the constraint leads into a dead end. */
export function answerRandomly(
  constraint: Constraint,
  tokenizer: Tokenizer,
  { maxTokens, seed }: { readonly maxTokens: number; readonly seed: number },
): { readonly text: string; readonly tokens: number } {
  const walk = constraint.start();
  const bytesOf = tokenBytes(tokenizer);
  const bytes: Uint8Array[] = [];
  const finish = (): { text: string; tokens: number } => {
    if (!walk.mayEnd) throw new Error(`a dead end after ${Buffer.concat(bytes).toString()}`);
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return { text: text.decode(Buffer.concat(bytes)), tokens: bytes.length };
  };
  for (let left = maxTokens; left > 0; left--) {
    const ids = idsOf(walk.mask(left));
    if (ids.length === 0 || (walk.mayEnd && random(seed, 0, left) < 0.2)) return finish();
    const id = ids[Math.floor(random(seed, 1, left) * ids.length)] as number;
    bytes.push(bytesOf(id) as Uint8Array);
    walk.accept(id);
  }
  return finish();
}

/** Is the text an answer, read byte by byte? The vocabulary must have all bytes. */
export function allows(constraint: Constraint, tokenizer: Tokenizer, text: string): boolean {
  const walk = constraint.start();
  for (const byte of new TextEncoder().encode(text)) {
    const id = tokenizer.idOf(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`) as number;
    const word = walk.mask(1_000_000)[id >> 5] as number;
    if (((word >>> (id & 31)) & 1) === 0) return false;
    walk.accept(id);
  }
  return walk.mayEnd;
}
