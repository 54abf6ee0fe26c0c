// Names of tasks in a sentence, which must stay one however many there are.

/** All names where they are few, else the first ones and how many more there are. */
export function listNames(names: readonly string[]): string {
  const shown = names.length > 5 ? names.slice(0, 3) : names;
  const rest = names.length - shown.length;
  return rest === 0 ? shown.join(', ') : `${shown.join(', ')} and ${rest} more`;
}
