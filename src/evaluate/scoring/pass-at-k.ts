// How likely at least one of k samples is right, estimated without bias from n of them.

/** 1 − C(n − c, k) / C(n, k), as the product of Chen et al. 2021, figure 3. */
export function passAtK({
  samples,
  correct,
  k,
}: {
  readonly samples: number;
  readonly correct: number;
  readonly k: number;
}): number {
  if (samples - correct < k) return 1;
  let missed = 1;
  for (let i = samples - correct + 1; i <= samples; i++) missed *= 1 - k / i;
  return 1 - missed;
}
