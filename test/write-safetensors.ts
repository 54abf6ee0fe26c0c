// Writes safetensors by hand, right or wrong: for tests of the reader.

/** A tensor as the header names it. */
export interface SafetensorsEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** A file of these tensors; `headerText` replaces the header, with offsets counted from 0. */
export function writeSafetensorsFile(
  tensors: Readonly<Record<string, SafetensorsEntry>>,
  headerText?: string,
): Buffer {
  let end = 0;
  const header: Record<string, unknown> = {};
  for (const [name, { dtype, shape, bytes }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [end, end + bytes.length] };
    end += bytes.length;
  }
  const json = Buffer.from(headerText ?? JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, ...Object.values(tensors).map(({ bytes }) => bytes)]);
}
