// Names of additional properties: any but those the schema knows. They are written without escapes, so that
// no spelling of a known name slips through.
import { type CodePoints, codePoints, complement, intersect, utf8 } from './code-points.ts';
import { choice, type Expression, literal, nothing, repeat, sequence } from './expression.ts';

const plain = codePoints([
  [0x20, 0x21],
  [0x23, 0x5b],
  [0x5d, 0x10ffff],
]);
const anything = repeat(utf8(plain), 0);

/** The content of a string that is none of the texts. */
export function notAnyOf(texts: readonly string[]): Expression {
  return avoid(
    texts.map((text) => [...text]),
    0,
  );
}

// Texts that agree with what is written so far, up to `depth`.
function avoid(texts: readonly (readonly string[])[], depth: number): Expression {
  if (texts.length === 0) return anything;
  const byNext = Map.groupBy(
    texts.filter((text) => text.length > depth),
    (text) => text[depth] as string,
  );
  const others: CodePoints = complement(codePoints([...byNext.keys()].map(pointRange)));
  const options = [sequence(utf8(intersect(plain, others)), anything)];
  for (const [character, group] of byNext) {
    const isPlain = intersect(plain, codePoints([pointRange(character)])).length > 0;
    if (isPlain) options.push(sequence(literal(character), avoid(group, depth + 1)));
  }
  if (!texts.some((text) => text.length === depth)) options.push(nothing);
  return choice(...options);
}

function pointRange(character: string): readonly [number, number] {
  const point = character.codePointAt(0) as number;
  return [point, point];
}
