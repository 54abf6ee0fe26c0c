// Bytes one at a time to text: a character comes out when its last byte is in, and a byte that cannot
// belong to one becomes U+FFFD, one for each, as SentencePiece decodes. Equal to decoding all at once.

const REPLACEMENT = '\uFFFD';

/** Length of the UTF-8 sequence a first byte opens; 0 when no character starts with it. */
function sequenceLength(first: number): number {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  if (first >= 0xf0 && first <= 0xf4) return 4;
  return 0;
}

/** May `byte` be the second of a sequence? Overlong forms, surrogates and values past U+10FFFF may not. */
function allowsSecond(first: number, byte: number): boolean {
  if (first === 0xe0) return byte >= 0xa0 && byte <= 0xbf;
  if (first === 0xed) return byte >= 0x80 && byte <= 0x9f;
  if (first === 0xf0) return byte >= 0x90 && byte <= 0xbf;
  if (first === 0xf4) return byte >= 0x80 && byte <= 0x8f;
  return byte >= 0x80 && byte <= 0xbf;
}

/** Assembles characters from bytes. */
export class ByteAssembler {
  #held: number[] = [];

  /** Text that became certain with this byte; may be empty. */
  push(byte: number): string {
    const held = this.#held;
    const first = held[0];
    if (first === undefined) return this.#open(byte);
    const fits = held.length === 1 ? allowsSecond(first, byte) : byte >= 0x80 && byte <= 0xbf;
    if (!fits) return this.flush() + this.#open(byte);
    held.push(byte);
    if (held.length < sequenceLength(first)) return '';
    const [a = 0, b = 0, c = 0, d = 0] = held;
    this.#held = [];
    if (a < 0xe0) return String.fromCodePoint(((a & 0x1f) << 6) | (b & 0x3f));
    if (a < 0xf0) {
      return String.fromCodePoint(((a & 0x0f) << 12) | ((b & 0x3f) << 6) | (c & 0x3f));
    }
    return String.fromCodePoint(
      ((a & 0x07) << 18) | ((b & 0x3f) << 12) | ((c & 0x3f) << 6) | (d & 0x3f),
    );
  }

  /** Gives up what waits for more bytes. */
  flush(): string {
    const text = REPLACEMENT.repeat(this.#held.length);
    this.#held = [];
    return text;
  }

  #open(byte: number): string {
    const length = sequenceLength(byte);
    if (length === 0) return REPLACEMENT;
    if (length === 1) return String.fromCharCode(byte);
    this.#held = [byte];
    return '';
  }
}
