// A line of the last minutes. Decoration: the number beside it says what it is.
import type { JSX } from 'preact';

const WIDTH = 240;
const HEIGHT = 48;

/** Values over time, newest at the right; gaps where there was none. */
export function Sparkline({
  values,
  length,
  top,
}: {
  readonly values: readonly (number | undefined)[];
  /** How many values fill the width. */
  readonly length: number;
  /** The highest value there can be, if there is one. */
  readonly top?: number | undefined;
}): JSX.Element {
  const known = values.filter((value) => value !== undefined);
  const highest = top ?? Math.max(1e-9, ...known);
  const first = length - values.length;
  const x = (index: number): string => (((first + index) / (length - 1)) * WIDTH).toFixed(1);
  const y = (value: number): string => (HEIGHT - 2 - (value / highest) * (HEIGHT - 6)).toFixed(1);
  let pen = 'M';
  let line = '';
  let start: string | undefined;
  let end = '';
  for (const [index, value] of values.entries()) {
    if (value === undefined) {
      pen = 'M';
      continue;
    }
    line += `${pen}${x(index)} ${y(value)}`;
    pen = 'L';
    start ??= x(index);
    end = x(index);
  }
  const area =
    start === undefined
      ? ''
      : `${line.replaceAll('M', 'L').replace('L', 'M')}L${end} ${HEIGHT}L${start} ${HEIGHT}Z`;
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <path class="area" d={area} />
      <path class="line" d={line} />
    </svg>
  );
}
