// Names of models short enough for a bar's label, and still apart from each other.

const limit = 15;

/** Without a file's ending and what all begin with; in the middle cut where still too long. */
export function shortNames(names: readonly string[]): string[] {
  const bare = names.map((name) => name.replace(/\.(gguf|bin|safetensors)$/i, ''));
  const shared = bare.length > 1 ? sharedBeginning(bare) : 0;
  return bare.map((name) => cutMiddle(shared < 6 ? name : `…${name.slice(shared)}`));
}

/** Up to the last separator before the first difference, so that words stay whole. */
function sharedBeginning([first = '', ...rest]: readonly string[]): number {
  let length = first.length;
  for (const name of rest) {
    let same = 0;
    while (same < length && name[same] === first[same]) same++;
    length = same;
  }
  const isWhole = [first, ...rest].some((name) => name.length === length);
  return isWhole ? 0 : first.slice(0, length).search(/[^-_./ ]*$/);
}

function cutMiddle(name: string): string {
  if (name.length <= limit) return name;
  const tail = Math.floor(limit / 2) - 1;
  return `${name.slice(0, limit - tail - 1)}…${name.slice(-tail)}`;
}
