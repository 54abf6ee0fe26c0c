// Draws losses over tokens as one small SVG: a line of training losses, dots where the held-out loss was
// measured. Knows nothing of where they come from.

interface Point {
  readonly tokens: number;
  readonly loss: number;
}

/** The losses of one lesson. */
export interface Curve {
  readonly name: string;
  readonly steps: readonly Point[];
  readonly heldOut: readonly Point[];
}

const [width, height, margin] = [640, 320, 44];
const colours = ['#1f6feb', '#d2691e'];

/** The drawing: lessons side by side, in the order in which they were learned. */
export function drawCurves(curves: readonly Curve[]): string {
  const drawn = curves.filter(({ steps }) => steps.length > 0);
  const total = drawn.reduce((sum, curve) => sum + lastTokens(curve), 0);
  const highest = Math.max(1, ...drawn.flatMap(({ steps }) => steps.map(({ loss }) => loss)));
  const x = (tokens: number): number => margin + ((width - 2 * margin) * tokens) / total;
  // logarithmic from 0.1 up, so that the end of the curve can be read
  const scale = Math.log(highest / 0.1);
  const y = (loss: number): number =>
    height - margin - ((height - 2 * margin) * Math.log(Math.max(loss, 0.1) / 0.1)) / scale;
  let before = 0;
  const parts = drawn.map((curve, at) => {
    const colour = colours[at % colours.length] as string;
    const start = before;
    before += lastTokens(curve);
    const line = smooth(curve.steps).map(
      ({ tokens, loss }) => `${x(start + tokens).toFixed(1)},${y(loss).toFixed(1)}`,
    );
    const dots = curve.heldOut.map(
      ({ tokens, loss }) =>
        `<circle cx="${x(start + tokens).toFixed(1)}" cy="${y(loss).toFixed(1)}" r="3" fill="${colour}"/>`,
    );
    const label = `<text x="${(x(start) + 8).toFixed(1)}" y="${margin - 16}" fill="${colour}">${curve.name}</text>`;
    return `${label}<polyline fill="none" stroke="${colour}" points="${line.join(' ')}"/>${dots.join('')}`;
  });
  const ticks = [0.1, 0.2, 0.5, 1, 2, 5]
    .filter((loss) => loss <= highest)
    .map(
      (loss) =>
        `<line x1="${margin}" x2="${width - margin}" y1="${y(loss).toFixed(1)}" y2="${y(loss).toFixed(1)}" stroke="#ddd"/><text x="8" y="${(y(loss) + 4).toFixed(1)}">${loss}</text>`,
    );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<title>Losses while Cria was trained</title>
<rect width="${width}" height="${height}" fill="#fff"/>
${ticks.join('\n')}
${parts.join('\n')}
<text x="${margin}" y="${height - 12}">loss in nats per token over ${(total / 1e6).toFixed(2)} M tokens; dots: held out</text>
</svg>
`;
}

const lastTokens = ({ steps }: Curve): number => steps.at(-1)?.tokens ?? 0;

/** At most about 200 points, each the mean of its neighbourhood. */
function smooth(points: readonly Point[]): Point[] {
  const size = Math.max(1, Math.ceil(points.length / 200));
  const smoothed: Point[] = [];
  for (let at = 0; at < points.length; at += size) {
    const some = points.slice(at, at + size);
    const loss = some.reduce((sum, point) => sum + point.loss, 0) / some.length;
    smoothed.push({ tokens: (some.at(-1) as Point).tokens, loss });
  }
  return smoothed;
}
