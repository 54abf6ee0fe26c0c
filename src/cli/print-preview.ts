// What --dry-run prints: the plan of a run, what its data came to, and the first examples with what is
// learned in green, or between « and » where there are no colours.
import type { PreviewPart, RunPreview } from '../train/index.ts';
import { forTerminal, type Io, write } from './io.ts';
import { formatBytes, formatCount, formatTable } from './present.ts';

// An example is shown up to here.
const mostCharacters = 1500;

const green = '\u001b[32m';
const plain = '\u001b[39m';

/** Prints a preview. */
export async function printPreview(preview: RunPreview, io: Io): Promise<void> {
  const isTerminal = io.isTerminal.stdout;
  const safe = (text: string): string => (isTerminal ? forTerminal(text) : text);
  const lines = [...planLines(preview), ...sourceLines(preview), ...sequenceLines(preview)].map(
    safe,
  );
  const inColour = isTerminal && io.env['NO_COLOR'] === undefined;
  for (const [index, example] of preview.examples.entries()) {
    lines.push('', `example ${index + 1}:`, ...exampleLines(example, safe, inColour));
  }
  const mark = inColour ? 'green' : 'between « and »';
  lines.push('', `What is learned is ${mark}.`);
  await write(io, lines.map((line) => `${line}\n`).join(''));
}

function planLines({ plan, stepsPerEpoch, ...preview }: RunPreview): string[] {
  const { schedule } = plan;
  const epochs = stepsPerEpoch && ` (an epoch has ${stepsPerEpoch})`;
  const share = preview.trained === preview.parameters ? 'all' : formatCount(preview.trained);
  return [
    `parameters     ${formatCount(preview.parameters)}, ${share} trained, which takes ${formatBytes(preview.trainingBytes)} besides activations`,
    `steps          ${schedule.steps}${epochs ?? ''}`,
    `learning rate  ${schedule.peak}, ${schedule.kind}, ${schedule.warmup} steps of warm-up`,
    `evaluation     ${preview.heldOutSteps === 0 ? 'none: nothing is held out' : `every ${plan.evaluateEvery} steps`}`,
    `checkpoints    every ${plan.checkpointEvery} steps`,
  ];
}

function sourceLines({ sources }: RunPreview): string[] {
  const rows = sources.map(({ path, examples, tokens, learned, badRows }) => [
    path,
    `${examples}`,
    `${tokens}`,
    `${learned}`,
    `${badRows}`,
  ]);
  const table = formatTable(
    [['source', 'examples', 'tokens', 'learned', 'bad rows'], ...rows],
    [1, 2, 3, 4],
  );
  const bad = sources.flatMap(({ path, firstBadRows }) =>
    firstBadRows.map(({ line, reason }) => `${path}:${line}: ${reason}`),
  );
  return ['', ...table, ...bad];
}

function sequenceLines({ sequences, context }: RunPreview): string[] {
  if (sequences === undefined) return [];
  const { count, rows, bins, filled, split, cut, dropped } = sequences;
  const packed =
    bins === undefined || filled === undefined
      ? ''
      : `, packed into ${bins} of ${context}: ${(100 * filled).toFixed(1)} % full`;
  const overlong = `longer than ${context}: ${split} split, ${cut} cut; left out: ${dropped}`;
  return [
    '',
    `${count} sequences of ${rows} tokens to go on from${packed}`,
    ...(split + cut + dropped === 0 ? [] : [overlong]),
  ];
}

function exampleLines(
  example: readonly PreviewPart[],
  safe: (text: string) => string,
  inColour: boolean,
): string[] {
  let room = mostCharacters;
  let shown = '';
  for (const { text, learned } of example) {
    const part = safe(text.slice(0, room));
    room -= part.length;
    if (!learned) shown += part;
    else shown += inColour ? `${green}${part}${plain}` : `«${part}»`;
    if (room <= 0) return [`${shown} …`];
  }
  return [shown];
}
