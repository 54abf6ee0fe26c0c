// The few statistics that the tables show.

/** The value below which this share of them lies: nearest rank. NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** The middle one; of an even number the lower of two. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
