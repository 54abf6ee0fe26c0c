// The searches behind the k-quants: scales (and minimums) that lose least of a few values, by weighted
// least squares over several roundings. Knows nothing of how blocks are stored.

const { abs, max, min } = Math;

/** How many levels there are and which roundings are tried. */
export interface AffineSearch {
  /** Highest level; the lowest is 0. */
  readonly top: number;
  /** The first rounding maps the range to `top + first` levels, each further one to `step` more. */
  readonly first: number;
  readonly step: number;
  readonly tries: number;
}

/** x ≈ scale · level - offset, with offset ≥ 0. */
export interface AffineFit {
  scale: number;
  offset: number;
}

/** Finds the fit for values[at .. at + weights.length) into `fit`. */
export function fitAffine(
  values: Float32Array,
  at: number,
  weights: Float64Array,
  { top, first, step, tries }: AffineSearch,
  fit: AffineFit,
): void {
  const count = weights.length;
  let low = 0; // the offset may not be negative, so the range always holds 0
  let high = Number.NEGATIVE_INFINITY;
  let sumW = 0;
  let sumWX = 0;
  let sumWXX = 0;
  for (let i = 0; i < count; i++) {
    const x = values[at + i] as number;
    const w = weights[i] as number;
    if (x < low) low = x;
    if (x > high) high = x;
    sumW += w;
    sumWX += w * x;
    sumWXX += w * x * x;
  }
  fit.offset = -low;
  fit.scale = 0;
  if (high <= low) return; // all values equal and not positive: the offset alone is exact
  const range = high - low;
  let best = Number.POSITIVE_INFINITY;
  // The plain rounding comes first (-1), with its scale as it is; the tries then solve for theirs.
  for (let attempt = -1; attempt < tries; attempt++) {
    const inverse = (attempt < 0 ? top : top + first + step * attempt) / range;
    let sumL = 0;
    let sumLL = 0;
    let sumXL = 0;
    for (let i = 0; i < count; i++) {
      const x = values[at + i] as number;
      // Not below 0, so cutting off rounds to nearest; Math.round is several times slower.
      const level = min((inverse * (x - low) + 0.5) | 0, top);
      const weighted = (weights[i] as number) * level;
      sumL += weighted;
      sumLL += weighted * level;
      sumXL += weighted * x;
    }
    let scale = range / top;
    let minimum = low;
    if (attempt >= 0) {
      const determinant = sumW * sumLL - sumL * sumL;
      if (determinant <= 0) continue;
      scale = (sumW * sumXL - sumWX * sumL) / determinant;
      minimum = (sumLL * sumWX - sumL * sumXL) / determinant;
      if (minimum > 0) {
        minimum = 0;
        scale = sumXL / sumLL;
      }
    }
    // Σ w (scale · level + minimum - x)², multiplied out.
    const error =
      scale * scale * sumLL +
      2 * scale * minimum * sumL +
      minimum * minimum * sumW -
      2 * scale * sumXL -
      2 * minimum * sumWX +
      sumWXX;
    if (error < best) {
      best = error;
      fit.scale = scale;
      fit.offset = -minimum;
    }
  }
}

/**
 * The scale for x ≈ scale · level with levels -steps … steps - 1, over values[at .. at + count).
 * Large values count more: the weights are x².
 */
export function fitSymmetric(
  values: Float32Array,
  at: number,
  count: number,
  steps: number,
): number {
  let extreme = 0;
  for (let i = 0; i < count; i++) {
    const x = values[at + i] as number;
    if (abs(x) > abs(extreme)) extreme = x;
  }
  // Below this a half cannot hold the block's scale anyway, and x² · level² nears underflow.
  if (abs(extreme) < 1e-15) return 0;
  const raised = steps + 0.5;
  const top = 2 * steps - 1;
  let scale = 0;
  let best = 0;
  for (let attempt = -9; attempt <= 9; attempt++) {
    const inverse = -(steps + 0.1 * attempt) / extreme;
    let sumXL = 0;
    let sumLL = 0;
    for (let i = 0; i < count; i++) {
      const x = values[at + i] as number;
      // Raised above 0 so that cutting off rounds to nearest; Math.round is several times slower.
      const level = max(min((inverse * x + raised) | 0, top) - steps, -steps);
      const weighted = x * x * level;
      sumXL += weighted * x;
      sumLL += weighted * level;
    }
    // With its best scale a rounding explains sumXL² / sumLL of Σ w x².
    if (sumLL > 0 && sumXL * sumXL > best * sumLL) {
      best = (sumXL * sumXL) / sumLL;
      scale = sumXL / sumLL;
    }
  }
  return scale;
}
