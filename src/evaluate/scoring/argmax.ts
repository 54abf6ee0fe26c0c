// The index of the largest value, the first of equals, as numpy has it.

/** `numpy.argmax`; -1 for no values. NaN counts as largest. */
export function argmax(values: readonly number[]): number {
  let best = -1;
  for (const [index, value] of values.entries()) {
    const largest = values[best];
    if (
      largest === undefined ||
      value > largest ||
      (Number.isNaN(value) && !Number.isNaN(largest))
    ) {
      best = index;
    }
  }
  return best;
}
