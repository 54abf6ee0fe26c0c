// Which character of a markdown source each character of the rendered text came from. Rendering drops syntax and
// changes little else, so the rendered text is nearly a subsequence of its source: a walk with a short look ahead
// finds it, and finds its way back after what it cannot explain (entities, say).

/** Characters that must agree before a jump is believed; shorter runs end at the text's end. */
const RUN = 8;
/** How far a jump may go: a long link address, a table's rule. */
const REACH = 2000;

/**
 * Offsets into `source` for every character of `pieces` (the page's text nodes in order), -1 for those that are not
 * there. Rising, so bisection works on them.
 */
export function alignText(source: string, pieces: readonly string[]): Int32Array[] {
  let at = 0;
  return pieces.map((piece) => {
    const offsets = new Int32Array(piece.length).fill(-1);
    for (let i = 0; i < piece.length; i++) {
      const found = source[at] === piece[i] ? at : find(source, at, piece, i);
      if (found === -1) continue;
      offsets[i] = found;
      at = found + 1;
    }
    return offsets;
  });
}

// The nearest place from which the longest run of what comes next agrees.
function find(source: string, from: number, piece: string, index: number): number {
  const end = Math.min(source.length, from + REACH);
  for (let length = Math.min(RUN, piece.length - index); length > 0; length = length >> 1) {
    const found = source.indexOf(piece.slice(index, index + length), from);
    // One character proves little: believed only beside the walk, not far away.
    if (found !== -1 && found < (length === 1 ? Math.min(end, from + RUN) : end)) return found;
  }
  return -1;
}
