// When two answers in LaTeX are the same text: the normalisation of Hendrycks et al. 2021 (MATH,
// modeling/math_equivalence.py), step by step, its quirks kept, since published scores have them.

/** How `\boxed` is looked for: MATH's own code also takes `\boxed 5` up to the next dollar. */
export interface BoxOptions {
  readonly spaced: boolean;
}

/** The last `\boxed{…}` (or `\fbox{…}`) with its braces; undefined where there is none that closes. */
export function lastBoxed(text: string, { spaced }: BoxOptions): string | undefined {
  if (spaced && text.includes('\\boxed ')) {
    return `\\boxed ${text.split('\\boxed ').at(-1)?.split('$')[0]}`;
  }
  let start = text.lastIndexOf('\\boxed');
  if (start < 0) start = text.lastIndexOf('\\fbox');
  if (start < 0) return undefined;
  let open = 0;
  for (let i = start; i < text.length; i++) {
    if (text[i] === '{') open += 1;
    if (text[i] === '}') {
      open -= 1;
      if (open === 0) return text.slice(start, i + 1);
    }
  }
  return undefined;
}

/** What a box holds; undefined when it is none of the form looked for. */
export function unwrapBoxed(boxed: string, { spaced }: BoxOptions): string | undefined {
  if (spaced && boxed.includes('\\boxed ')) {
    return boxed.startsWith('\\boxed ') ? boxed.slice('\\boxed '.length) : undefined;
  }
  if (!boxed.startsWith('\\boxed{') || !boxed.endsWith('}')) return undefined;
  return boxed.slice('\\boxed{'.length, -1);
}

/** MATH's own code gives up on a slash between what are no whole numbers; AGIEval's keeps it. */
export interface SlashOptions {
  readonly slash: 'numbers-only' | 'any';
}

/** Are two answers equal once normalised? Two that are missing are equal. */
export function sameMathText(
  a: string | undefined,
  b: string | undefined,
  options: SlashOptions,
): boolean {
  if (a === undefined || b === undefined) return a === b;
  const [left, right] = [normaliseMathText(a, options), normaliseMathText(b, options)];
  // text that the original fails on is compared as it stands
  return left === undefined || right === undefined ? a === b : left === right;
}

/** The text without units, spaces and other ways to write the same; undefined where the original fails. */
export function normaliseMathText(text: string, { slash }: SlashOptions): string | undefined {
  let out = text
    .replaceAll('\n', '')
    .replaceAll('\\!', '')
    .replaceAll('\\\\', '\\')
    .replaceAll('tfrac', 'frac')
    .replaceAll('dfrac', 'frac')
    .replaceAll('\\left', '')
    .replaceAll('\\right', '')
    .replaceAll('^{\\circ}', '')
    .replaceAll('^\\circ', '')
    .replaceAll('\\$', '');
  // `\text{ ` only ever begins a unit
  const units = out.split('\\text{ ');
  if (units.length > 2) return undefined;
  out = (units[0] as string).replaceAll('\\%', '').replaceAll(' .', ' 0.').replaceAll('{.', '{0.');
  if (out === '') return out;
  if (out.startsWith('.')) out = `0${out}`;
  // `k = 3`, but not a longer left side
  const sides = out.split('=');
  if (sides.length === 2 && (sides[0] as string).length <= 2) out = sides[1] as string;
  const rooted = braceRoots(out);
  if (rooted === undefined) return undefined;
  const fractions = braceFractions(rooted.replaceAll(' ', ''));
  if (fractions === undefined) return undefined;
  out = fractions === '0.5' ? '\\frac{1}{2}' : fractions;
  return slashToFraction(out) ?? (slash === 'any' ? out : undefined);
}

/** `\sqrt3` to `\sqrt{3}`. */
function braceRoots(text: string): string | undefined {
  const [first = '', ...rest] = text.split('\\sqrt');
  if (rest.includes('')) return undefined;
  const braced = rest.map((part) => {
    return part.startsWith('{') ? `\\sqrt${part}` : `\\sqrt{${part[0]}}${part.slice(1)}`;
  });
  return first + braced.join('');
}

/** `\frac12` to `\frac{1}{2}`, `\frac1{2}` too. */
function braceFractions(text: string): string | undefined {
  const [first = '', ...rest] = text.split('\\frac');
  if (rest.includes('')) return undefined;
  let out = first;
  for (const part of rest) {
    if (part.startsWith('{')) {
      out += `\\frac${part}`;
      continue;
    }
    if (part.length < 2) return text;
    const [above, below] = [part[0], part[1]];
    out += `\\frac{${above}}`;
    out += below === '{' ? part.slice(1) : `{${below}}${part.slice(2)}`;
  }
  return out;
}

/** `3/4`, of whole numbers, to a fraction. Undefined where one side is no number: the original fails there. */
function slashToFraction(text: string): string | undefined {
  const sides = text.split('/');
  if (sides.length !== 2) return text;
  const [above, below] = sides as [string, string];
  const whole = /^[\s]*[+-]?\d+(_\d+)*[\s]*$/u;
  if (!whole.test(above) || !whole.test(below)) return undefined;
  const plain = /^(0|-?[1-9]\d*)$/u;
  return plain.test(above) && plain.test(below) ? `\\frac{${above}}{${below}}` : text;
}
