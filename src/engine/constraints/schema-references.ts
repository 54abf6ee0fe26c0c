// References within a schema: where they lead, and that they do not go in circles.
import {
  fail,
  listOf,
  type Piece,
  type Placed,
  pieceOf,
  pointer,
  refuse,
} from './schema-keywords.ts';

/** Where a reference within the document leads. */
export function follow(root: unknown, { schema, at }: Piece): Placed {
  const place = pointer(at, '$ref');
  const target = schema['$ref'];
  if (typeof target !== 'string') return fail(place, 'it is not a string');
  if (target !== '#' && !target.startsWith('#/')) {
    return refuse(place, `a reference to ${target}`, 'references within the schema (#/…)');
  }
  let found = root;
  for (const step of target.split('/').slice(1)) {
    const key = decoded(step)?.replaceAll('~1', '/').replaceAll('~0', '~');
    if (key === undefined) return fail(place, `${target} is not well percent-encoded`);
    const isThere = typeof found === 'object' && found !== null && Object.hasOwn(found, key);
    if (!isThere) return fail(place, `${target} leads nowhere`);
    found = (found as Record<string, unknown>)[key];
  }
  return { schema: found, at: target };
}

function decoded(step: string): string | undefined {
  try {
    return decodeURIComponent(step);
  } catch {
    return undefined;
  }
}

/**
 * Refuses schemas that look at the same value again and again: a way through references, allOf, anyOf and
 * oneOf back to where it began reads nothing, so that no value could ever satisfy it. `sound` has those
 * that were looked at before.
 */
export function refuseLoops(root: unknown, from: Piece, sound: WeakSet<object>): void {
  if (sound.has(from.schema)) return;
  const onPath = new Set<object>([from.schema]);
  const path = [{ piece: from, next: lookingAgain(root, from) }];
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const placed = top.next.pop();
    if (placed === undefined) {
      onPath.delete(top.piece.schema);
      sound.add(top.piece.schema);
      path.pop();
      continue;
    }
    if (typeof placed.schema === 'boolean') continue;
    const piece = pieceOf(placed);
    if (onPath.has(piece.schema)) {
      const where = pointer(top.piece.at, '$ref');
      fail(where, `it leads back to ${piece.at} for the same value, which could never end`);
    }
    if (sound.has(piece.schema)) continue;
    onPath.add(piece.schema);
    path.push({ piece, next: lookingAgain(root, piece) });
  }
}

function lookingAgain(root: unknown, piece: Piece): Placed[] {
  const reference = piece.schema['$ref'] === undefined ? [] : [follow(root, piece)];
  return [...reference, ...['allOf', 'anyOf', 'oneOf'].flatMap((key) => listOf(piece, key))];
}
