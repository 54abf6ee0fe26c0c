// A cursor over the bytes of a file, little endian. Every length is checked against what is left and
// against a stated maximum before it is believed; an error names the byte and what was expected there.
// Reads ahead in chunks, so that a large header costs no more memory than its parts.
import { errors } from '../base/errors.ts';
import type { ByteSource } from './files.ts';

const CHUNK_BYTES = 2 ** 20;

/** The part of a source a reader may see. */
export interface ByteReaderRange {
  /** First byte; default 0. */
  readonly start?: number;
  /** Byte after the last; default the source's size. */
  readonly end?: number;
}

/** Reads numbers, bytes and strings one after the other. `what` names the value in errors. */
export class ByteReader {
  readonly path: string;
  readonly end: number;
  readonly #source: ByteSource;
  // A string's own U+FEFF is text: Llama 2's vocabulary has it as a piece.
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #offset: number;
  #window: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#window.buffer);
  #windowStart = 0;

  constructor(source: ByteSource, range: ByteReaderRange = {}) {
    this.#source = source;
    this.path = source.path;
    this.end = Math.min(range.end ?? source.size, source.size);
    this.#offset = 0;
    this.seek(range.start ?? 0, 'a start inside the file');
  }

  /** Position in the source. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes from here to the end. */
  get remaining(): number {
    return this.end - this.#offset;
  }

  seek(offset: number, what: string): void {
    if (!Number.isSafeInteger(offset) || offset < 0 || offset > this.end) {
      throw this.damaged(what, `offset ${offset} of ${this.end} bytes`);
    }
    this.#offset = offset;
  }

  skip(length: number, what: string): void {
    this.#checkLeft(length, what);
    this.#offset += length;
  }

  u8(what: string): number {
    const at = this.#take(1, what);
    return this.#view.getUint8(at);
  }

  i8(what: string): number {
    const at = this.#take(1, what);
    return this.#view.getInt8(at);
  }

  u16(what: string): number {
    const at = this.#take(2, what);
    return this.#view.getUint16(at, true);
  }

  i16(what: string): number {
    const at = this.#take(2, what);
    return this.#view.getInt16(at, true);
  }

  /** Throws when it is above `max`. */
  u32(what: string, max: number = 0xffffffff): number {
    const at = this.#take(4, what);
    const value = this.#view.getUint32(at, true);
    if (value > max) throw this.#tooLarge(what, String(value), max, 4);
    return value;
  }

  i32(what: string): number {
    const at = this.#take(4, what);
    return this.#view.getInt32(at, true);
  }

  /** Throws when it is above `max`, which no number beyond 2^53 - 1 can pass. */
  u64(what: string, max: number = Number.MAX_SAFE_INTEGER): number {
    const at = this.#take(8, what);
    const value = this.#view.getUint32(at + 4, true) * 2 ** 32 + this.#view.getUint32(at, true);
    if (value > max) {
      throw this.#tooLarge(what, String(this.#view.getBigUint64(at, true)), max, 8);
    }
    return value;
  }

  u64AsBigInt(what: string): bigint {
    const at = this.#take(8, what);
    return this.#view.getBigUint64(at, true);
  }

  i64AsBigInt(what: string): bigint {
    const at = this.#take(8, what);
    return this.#view.getBigInt64(at, true);
  }

  f32(what: string): number {
    const at = this.#take(4, what);
    return this.#view.getFloat32(at, true);
  }

  f64(what: string): number {
    const at = this.#take(8, what);
    return this.#view.getFloat64(at, true);
  }

  /** A copy of the next bytes. Throws when there are more than `max`. */
  bytes(length: number, what: string, max: number = Number.MAX_SAFE_INTEGER): Uint8Array {
    if (length > max) throw this.#tooLarge(`a length of ${what}`, String(length), max, 0);
    const at = this.#take(length, what);
    // Not slice: a Buffer's shares its memory.
    return new Uint8Array(this.#window.subarray(at, at + length));
  }

  /** The next bytes as UTF-8, U+FEFF in front included; what is no UTF-8 becomes U+FFFD. Throws when they are more than `max`. */
  string(length: number, what: string, max: number): string {
    if (length > max) throw this.#tooLarge(`a length of ${what}`, String(length), max, 0);
    const at = this.#take(length, what);
    return this.#decoder.decode(this.#window.subarray(at, at + length));
  }

  /** FORMAT_DAMAGED at this position, or at `offset`. */
  damaged(expected: string, found: string, offset: number = this.#offset): Error {
    return errors.FORMAT_DAMAGED({ path: this.path, offset, expected, found });
  }

  #checkLeft(length: number, what: string): void {
    if (Number.isSafeInteger(length) && length >= 0 && length <= this.remaining) return;
    throw this.damaged(`${what} (${length} bytes)`, `only ${this.remaining} bytes left`);
  }

  // Makes the next `length` bytes lie in the window, moves past them, and returns where they start in it.
  // It may replace the window and its view: call it before naming either.
  #take(length: number, what: string): number {
    this.#checkLeft(length, what);
    let at = this.#offset - this.#windowStart;
    if (at < 0 || at + length > this.#window.byteLength) {
      const ahead = Math.min(Math.max(length, CHUNK_BYTES), this.remaining);
      this.#window = this.#source.readSync(this.#offset, ahead);
      this.#view = new DataView(this.#window.buffer, this.#window.byteOffset, ahead);
      this.#windowStart = this.#offset;
      at = 0;
    }
    this.#offset += length;
    return at;
  }

  #tooLarge(what: string, found: string, max: number, width: number): Error {
    return this.damaged(`${what} of at most ${max}`, found, this.#offset - width);
  }
}
