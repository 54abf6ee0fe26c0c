import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteAssembler } from './byte-assembler.ts';

function assemble(bytes: Iterable<number>): string {
  const assembler = new ByteAssembler();
  let text = '';
  for (const byte of bytes) text += assembler.push(byte);
  return text + assembler.flush();
}

it('assembles any text from its bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(assemble(new TextEncoder().encode(text))).toBe(text);
    }),
  );
});

it('writes one U+FFFD for each byte that belongs to no character', () => {
  const cases: readonly (readonly [readonly number[], string])[] = [
    [[0xff, 0x41], '\uFFFDA'],
    [[0xe2, 0x98, 0x41], '\uFFFD\uFFFDA'],
    [[0xe2, 0xe2, 0x98, 0x83], '\uFFFD☃'],
    [[0xed, 0xa0, 0x80], '\uFFFD\uFFFD\uFFFD'],
    [[0xc0, 0x80], '\uFFFD\uFFFD'],
    [[0xf4, 0x90, 0x80, 0x80], '\uFFFD\uFFFD\uFFFD\uFFFD'],
    [[0xf0, 0x9f, 0xa6], '\uFFFD\uFFFD\uFFFD'],
  ];
  for (const [bytes, text] of cases) expect(assemble(bytes)).toBe(text);
});
