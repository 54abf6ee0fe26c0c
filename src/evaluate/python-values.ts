// How Python writes values: `str`, `repr` and `json.dumps(indent=2, ensure_ascii=False)`. The harness's
// prompts, result files and the hashes in them are defined by it. JavaScript has one kind of number: whole ones are written as ints.

/** A float as `repr` writes it: the shortest digits that read back, `1e-05` below 1e-4 and from 1e16 on. */
export function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const [mantissa = '0', exponentText = '0'] = Math.abs(value).toExponential().split('e');
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    const digits = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${digits}`;
  }
  const digits = mantissa.replace('.', '');
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}

/** `str(value)` of what JSON can say. */
export function pythonString(value: unknown): string {
  return typeof value === 'string' ? value : pythonRepresentation(value);
}

/** `repr(value)` of what JSON can say. */
export function pythonRepresentation(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number') return pythonNumber(value);
  if (Array.isArray(value)) return `[${value.map(pythonRepresentation).join(', ')}]`;
  if (typeof value === 'object') {
    const entries = Object.entries(value).map(([key, item]) => {
      return `${quote(key)}: ${pythonRepresentation(item)}`;
    });
    return `{${entries.join(', ')}}`;
  }
  return String(value);
}

// The characters that `str.isprintable` calls unprintable: all of Unicode's "other" and "separator" but the space.
const unprintable = /[\p{C}\p{Z}]/u;

/** `repr` of a text: in single quotes unless only those occur inside. */
function quote(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  let out = mark;
  for (const character of text) {
    if (character === mark || character === '\\') out += `\\${character}`;
    else if (character === '\n') out += '\\n';
    else if (character === '\r') out += '\\r';
    else if (character === '\t') out += '\\t';
    else if (character !== ' ' && unprintable.test(character)) out += escapeCode(character);
    else out += character;
  }
  return out + mark;
}

function escapeCode(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

/** `json.dumps(value, indent=2, ensure_ascii=False)`. */
export function pythonJson(value: unknown, indent = '\n'): string {
  if (typeof value === 'number') return pythonNumber(value, { nan: 'NaN', infinity: 'Infinity' });
  if (typeof value === 'bigint') return String(value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    return `[${inner}${value.map((part) => pythonJson(part, inner)).join(`,${inner}`)}${indent}]`;
  }
  const entries = Object.entries(value).filter(([, part]) => part !== undefined);
  if (entries.length === 0) return '{}';
  const lines = entries.map(([key, part]) => `${JSON.stringify(key)}: ${pythonJson(part, inner)}`);
  return `{${inner}${lines.join(`,${inner}`)}${indent}}`;
}

function pythonNumber(value: number, names = { nan: 'nan', infinity: 'inf' }): string {
  if (Number.isNaN(value)) return names.nan;
  if (!Number.isFinite(value)) return value > 0 ? names.infinity : `-${names.infinity}`;
  return Number.isInteger(value) ? BigInt(value).toString() : pythonFloat(value);
}
