// Protocol-buffer wire format, read and written by hand: the two dozen fields a SentencePiece model
// needs do not earn a dependency. Every length is checked against the bytes that are there.
import { errors } from '../base/errors.ts';

/** One field as it lies in the file. Varints that need more than 53 bits are never needed here. */
export interface Field {
  readonly number: number;
  readonly wire: 'varint' | 'fixed64' | 'bytes' | 'fixed32';
  /** Byte offset of the field's tag in the whole file. */
  readonly offset: number;
  /** The varint's value; negative 64-bit numbers come as negative numbers. */
  readonly value: number;
  /** Payload of `bytes`, `fixed32` and `fixed64`. */
  readonly bytes: Uint8Array;
}

const nothing = new Uint8Array(0);

/** Reads one message, field by field. `base` is where its bytes begin in the file. */
export function* readFields(
  bytes: Uint8Array,
  { path, base }: { readonly path: string; readonly base: number },
): Generator<Field> {
  let at = 0;
  const damaged = (offset: number, expected: string, found: string): Error =>
    errors.FORMAT_DAMAGED({ path, offset: base + offset, expected, found });
  const varint = (): number => {
    const start = at;
    const only = bytes[at];
    if (only !== undefined && only < 0x80) {
      at += 1;
      return only;
    }
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (shift > 63n) throw damaged(start, 'a varint of at most 10 bytes', 'a longer one');
      const byte = bytes[at++];
      if (byte === undefined) throw damaged(start, 'a whole varint', 'the end of the message');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return Number(BigInt.asIntN(64, value));
  };
  const take = (offset: number, length: number): Uint8Array => {
    if (length < 0 || length > bytes.length - at) {
      throw damaged(offset, `at most ${bytes.length - at} bytes`, `a length of ${length}`);
    }
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const offset = at;
    const tag = varint();
    const number = Math.floor(tag / 8);
    if (tag < 8 || number > 0x1fffffff) throw damaged(offset, 'a field tag', `${tag}`);
    const field = { number, offset: base + offset, value: 0, bytes: nothing };
    switch (tag % 8) {
      case 0:
        yield { ...field, wire: 'varint', value: varint() };
        break;
      case 1:
        yield { ...field, wire: 'fixed64', bytes: take(offset, 8) };
        break;
      case 2:
        yield { ...field, wire: 'bytes', bytes: take(offset, varint()) };
        break;
      case 5:
        yield { ...field, wire: 'fixed32', bytes: take(offset, 4) };
        break;
      default:
        throw damaged(offset, 'wire type 0, 1, 2 or 5', `${tag % 8}`);
    }
  }
}

/** Writes one message. */
export class MessageWriter {
  readonly #parts: Uint8Array[] = [];

  varint(number: number, value: number | boolean): this {
    this.#push(tag(number, 0), encodeVarint(Number(value)));
    return this;
  }

  float(number: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    this.#push(tag(number, 5), bytes);
    return this;
  }

  bytes(number: number, value: Uint8Array): this {
    this.#push(tag(number, 2), encodeVarint(value.length), value);
    return this;
  }

  string(number: number, value: string): this {
    return this.bytes(number, new TextEncoder().encode(value));
  }

  finish(): Uint8Array {
    const whole = new Uint8Array(this.#parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  #push(...parts: readonly Uint8Array[]): void {
    this.#parts.push(...parts);
  }
}

function tag(number: number, wire: number): Uint8Array {
  return encodeVarint(number * 8 + wire);
}

function encodeVarint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
