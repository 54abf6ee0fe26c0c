// Reads a pickle as data: the stack machine of protocols 2 to 5, in which nothing can be called. The
// few globals a caller names become inert records; any other is an error that names it. The number of
// steps, and with it all memory, is bounded. Knows nothing of tensors: that is torch-file.ts.
import { errors } from '../base/errors.ts';
import { ByteReader } from './byte-reader.ts';
import type { ByteSource } from './files.ts';

/** What a pickle may hold here. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleList
  | PickleTuple
  | PickleDict
  | PickleGlobal
  | PickleCall
  | PicklePersistent;

/** A Python list. */
export class PickleList {
  readonly items: PickleValue[] = [];
}

/** A Python tuple. */
export class PickleTuple {
  readonly items: readonly PickleValue[];
  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

/** A dict or OrderedDict with strings or whole numbers as keys. */
export class PickleDict {
  readonly entries: Map<string | number, PickleValue> = new Map();
}

/** A class or function, by name only. */
export class PickleGlobal {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** What a call would have been made with: it was not made. */
export class PickleCall {
  readonly name: string;
  readonly args: readonly PickleValue[];
  constructor(name: string, args: readonly PickleValue[]) {
    this.name = name;
    this.args = args;
  }
}

/** A reference to something stored outside the pickle. */
export class PicklePersistent {
  readonly id: PickleValue;
  constructor(id: PickleValue) {
    this.id = id;
  }
}

/** Which globals are harmless data to the caller; `what` says so in the error. */
export interface PickleOptions {
  readonly start: number;
  readonly size: number;
  readonly isAllowed: (name: string) => boolean;
  readonly allowed: string;
}

// A shard of a 70B model takes 25,000 steps. A step makes at most one object of about 150 bytes.
const MAX_STEPS = 2 ** 18;
const MAX_STRING_BYTES = 2 ** 16;
const orderedDict = 'collections.OrderedDict';

/** The value of a pickle that lies in a file. Throws FORMAT_DAMAGED or FORMAT_UNSUPPORTED. */
export function readPickle(source: ByteSource, options: PickleOptions): PickleValue {
  return new Unpickler(source, options).run();
}

const mark: unique symbol = Symbol('mark');
type StackItem = PickleValue | typeof mark;

class Unpickler {
  readonly #reader: ByteReader;
  readonly #options: PickleOptions;
  readonly #stack: StackItem[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();
  #done = false;

  constructor(source: ByteSource, options: PickleOptions) {
    this.#reader = new ByteReader(source, {
      start: options.start,
      end: options.start + options.size,
    });
    this.#options = options;
  }

  run(): PickleValue {
    for (let step = 0; step < MAX_STEPS; step++) {
      const at = this.#reader.offset;
      const code = this.#reader.u8('a pickle opcode');
      const opcode = opcodes[code];
      if (opcode === undefined) {
        throw this.#reader.damaged(
          'an opcode of pickle protocols 2 to 5 for plain data',
          `0x${code.toString(16).padStart(2, '0')}`,
          at,
        );
      }
      opcode(this, this.#reader);
      if (this.#done) return this.pop();
    }
    throw this.damaged(`at most ${MAX_STEPS} pickle steps`, 'more');
  }

  push(value: PickleValue): void {
    this.#stack.push(value);
  }

  pop(): PickleValue {
    const value = this.#stack.pop();
    if (value === undefined || value === mark) {
      throw this.damaged('a value on the pickle stack', value === mark ? 'a mark' : 'none');
    }
    return value;
  }

  top(): PickleValue {
    const value = this.pop();
    this.#stack.push(value);
    return value;
  }

  pushMark(): void {
    this.#marks.push(this.#stack.length);
    this.#stack.push(mark);
  }

  /** Everything above the last mark; the mark goes too. */
  popToMark(): PickleValue[] {
    const at = this.#marks.pop();
    if (at === undefined || this.#stack[at] !== mark) {
      throw this.damaged('a mark on the pickle stack', 'none');
    }
    const values = this.#stack.splice(at);
    values.shift();
    return values as PickleValue[];
  }

  remember(index: number): void {
    this.#memo.set(index, this.top());
  }

  memoize(): void {
    this.remember(this.#memo.size);
  }

  recall(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) throw this.damaged(`memo ${index}`, 'nothing there');
    this.push(value);
  }

  pushGlobal(module: string, name: string): void {
    const global = `${module}.${name}`;
    if (global !== orderedDict && !this.#options.isAllowed(global)) {
      throw errors.FORMAT_UNSUPPORTED({
        path: this.#reader.path,
        feature: `the pickled object ${JSON.stringify(global.slice(0, 200))}`,
        allowed: this.#options.allowed,
      });
    }
    this.push(new PickleGlobal(global));
  }

  reduce(): void {
    const args = this.pop();
    const callee = this.pop();
    if (!(callee instanceof PickleGlobal) || !(args instanceof PickleTuple)) {
      throw this.damaged('a global and a tuple of arguments', 'other values');
    }
    if (callee.name !== orderedDict) {
      this.push(new PickleCall(callee.name, args.items));
      return;
    }
    const dict = new PickleDict();
    const [pairs] = args.items;
    if (pairs !== undefined) {
      if (!(pairs instanceof PickleList)) throw this.damaged('a list of pairs', 'another value');
      for (const pair of pairs.items) {
        const items = pair instanceof PickleTuple || pair instanceof PickleList ? pair.items : [];
        if (items.length !== 2) throw this.damaged('a pair of key and value', 'another value');
        this.#setItem(dict, items[0] as PickleValue, items[1] as PickleValue);
      }
    }
    this.push(dict);
  }

  /** State of an object. An OrderedDict's (torch's `_metadata`) says nothing of use and is dropped. */
  build(): void {
    this.pop();
    if (!(this.top() instanceof PickleDict)) {
      throw this.damaged('state for an OrderedDict', 'state for another value');
    }
  }

  append(values: readonly PickleValue[]): void {
    const list = this.top();
    if (!(list instanceof PickleList)) throw this.damaged('a list to append to', 'another value');
    for (const value of values) list.items.push(value);
  }

  setItems(values: readonly PickleValue[]): void {
    const dict = this.top();
    if (!(dict instanceof PickleDict)) throw this.damaged('a dict to fill', 'another value');
    if (values.length % 2 !== 0) throw this.damaged('pairs of key and value', 'an odd number');
    for (let i = 0; i < values.length; i += 2) {
      this.#setItem(dict, values[i] as PickleValue, values[i + 1] as PickleValue);
    }
  }

  stop(): void {
    this.#done = true;
  }

  text(length: number): string {
    return this.#reader.string(length, 'a pickled string', MAX_STRING_BYTES);
  }

  damaged(expected: string, found: string): Error {
    return this.#reader.damaged(expected, found);
  }

  #setItem(dict: PickleDict, key: PickleValue, value: PickleValue): void {
    if (typeof key !== 'string' && typeof key !== 'number') {
      throw this.damaged('a string or a number as key', 'another value');
    }
    dict.entries.set(key, value);
  }
}

type Opcode = (machine: Unpickler, reader: ByteReader) => void;

function pushTuple(machine: Unpickler, size: number): void {
  const items: PickleValue[] = [];
  for (let i = 0; i < size; i++) items.push(machine.pop());
  machine.push(new PickleTuple(items.reverse()));
}

function readLine(reader: ByteReader): string {
  let line = '';
  for (let i = 0; i < 1024; i++) {
    const code = reader.u8('a global name');
    if (code === 0x0a) return line;
    line += String.fromCharCode(code);
  }
  throw reader.damaged('a global name of at most 1024 bytes', 'a longer one');
}

// Little-endian two's complement; torch writes sizes beyond 31 bits this way.
function readLong(reader: ByteReader): number | bigint {
  const length = reader.u8('length of a long');
  if (length > 16) throw reader.damaged('a whole number of at most 16 bytes', `${length} bytes`);
  let value = 0n;
  for (let i = 0; i < length; i++) value |= BigInt(reader.u8('a long')) << BigInt(8 * i);
  const signed = BigInt.asIntN(8 * length, value);
  const number = Number(signed);
  return Number.isSafeInteger(number) ? number : signed;
}

// https://github.com/python/cpython/blob/main/Lib/pickletools.py lists what each byte means.
const opcodes: Readonly<Record<number, Opcode>> = {
  128: (_machine, reader) => {
    const version = reader.u8('pickle protocol');
    if (version < 2 || version > 5) throw reader.damaged('pickle protocol 2 to 5', `${version}`);
  },
  149: (_machine, reader) => {
    const size = reader.u64('frame size');
    if (size > reader.remaining) throw reader.damaged('a frame inside the pickle', `${size} bytes`);
  },
  40: (machine) => machine.pushMark(),
  46: (machine) => machine.stop(),
  48: (machine) => void machine.pop(),
  49: (machine) => void machine.popToMark(),
  78: (machine) => machine.push(null),
  136: (machine) => machine.push(true),
  137: (machine) => machine.push(false),
  74: (machine, reader) => machine.push(reader.i32('a pickled number')),
  75: (machine, reader) => machine.push(reader.u8('a pickled number')),
  77: (machine, reader) => machine.push(reader.u16('a pickled number')),
  138: (machine, reader) => machine.push(readLong(reader)),
  71: (machine, reader) => {
    const bytes = reader.bytes(8, 'a pickled float');
    machine.push(new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, false));
  },
  88: (machine, reader) => machine.push(machine.text(reader.u32('length of a string'))),
  140: (machine, reader) => machine.push(machine.text(reader.u8('length of a string'))),
  141: (machine, reader) => machine.push(machine.text(reader.u64('length of a string'))),
  // Strings of Python 2, which torch files converted from it still have.
  84: (machine, reader) => machine.push(machine.text(reader.u32('length of a string'))),
  85: (machine, reader) => machine.push(machine.text(reader.u8('length of a string'))),
  66: (machine, reader) => {
    const length = reader.u32('length of bytes');
    machine.push(reader.bytes(length, 'pickled bytes', MAX_STRING_BYTES));
  },
  67: (machine, reader) => {
    machine.push(reader.bytes(reader.u8('length of bytes'), 'pickled bytes'));
  },
  93: (machine) => machine.push(new PickleList()),
  125: (machine) => machine.push(new PickleDict()),
  41: (machine) => machine.push(new PickleTuple([])),
  133: (machine) => pushTuple(machine, 1),
  134: (machine) => pushTuple(machine, 2),
  135: (machine) => pushTuple(machine, 3),
  116: (machine) => machine.push(new PickleTuple(machine.popToMark())),
  97: (machine) => machine.append([machine.pop()]),
  101: (machine) => machine.append(machine.popToMark()),
  115: (machine) => {
    const value = machine.pop();
    machine.setItems([machine.pop(), value]);
  },
  117: (machine) => machine.setItems(machine.popToMark()),
  113: (machine, reader) => machine.remember(reader.u8('memo index')),
  114: (machine, reader) => machine.remember(reader.u32('memo index')),
  148: (machine) => machine.memoize(),
  104: (machine, reader) => machine.recall(reader.u8('memo index')),
  106: (machine, reader) => machine.recall(reader.u32('memo index')),
  99: (machine, reader) => {
    const module = readLine(reader);
    machine.pushGlobal(module, readLine(reader));
  },
  147: (machine) => {
    const name = machine.pop();
    const module = machine.pop();
    if (typeof module !== 'string' || typeof name !== 'string') {
      throw machine.damaged('the name of a global', 'other values');
    }
    machine.pushGlobal(module, name);
  },
  82: (machine) => machine.reduce(),
  98: (machine) => machine.build(),
  81: (machine) => machine.push(new PicklePersistent(machine.pop())),
};
