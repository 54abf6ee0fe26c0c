// The 200 greedy tokens of stories260K that llama2.c pins in its own test, byte for byte: on every
// device and instruction set, and from every format the weights can be written in.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { availableIsas } from '../src/device/cpu.ts';
import { convertCheckpoint, openCheckpoint } from '../src/formats/index.ts';
import { load } from '../src/index.ts';
import { hasSharedData, sharedData } from './shared-data.ts';

const model = sharedData('stories260K', 'stories260K.bin');
const tokenizer = sharedData('stories260K', 'tok512.bin');

/** The expected text out of llama2.c's Python test file. */
function goldenText(): string {
  const source = readFileSync(sharedData('stories260K', 'golden-test_all.py.txt'), 'utf8');
  const literal = /expected_stdout = b'((?:[^'\\]|\\.)*)'/.exec(source)?.[1] ?? '';
  return literal.replaceAll('\\n', '\n').replaceAll("\\'", "'");
}

async function tell(
  path: string,
  options: { device?: string; tokenizer?: string },
): Promise<string> {
  await using llama = await load(path, options);
  return await llama.complete('', { temperature: 0, maxTokens: 200 }).text();
}

describe.skipIf(!hasSharedData)('the golden text (needs the shared data)', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'corral-golden-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  afterEach(() => {
    delete process.env['CORRAL_ISA'];
  });

  it('is the text llama2.c knows: 464 bytes', () => {
    expect(goldenText()).toHaveLength(464);
  });

  it('comes from the reference device', async () => {
    expect(await tell(model, { device: 'reference', tokenizer })).toBe(goldenText());
  });

  it.each(availableIsas())('comes from the cpu device with %s kernels', async (isa) => {
    process.env['CORRAL_ISA'] = isa;
    expect(await tell(model, { device: 'cpu', tokenizer })).toBe(goldenText());
  });

  it('comes from the version 1 file', async () => {
    const path = sharedData('stories260K', 'checkpoint_v1.bin');
    expect(await tell(path, { tokenizer })).toBe(goldenText());
  });

  it.each(['stories.gguf', 'stories'])('comes from what we convert it to: %s', async (name) => {
    const out = join(folder, name);
    const checkpoint = await openCheckpoint(model, { tokenizer });
    await convertCheckpoint(checkpoint, out, { type: 'f32' });
    await checkpoint.close();
    expect(await tell(out, {})).toBe(goldenText());
  });
});
