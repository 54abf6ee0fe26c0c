// The command line on a real checkpoint: the golden text of llama2.c through every layer, and what
// the other commands say of it.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runCorral } from '../../test/command-line.ts';
import { hasSharedData, sharedData } from '../../test/shared-data.ts';
import { lazyLibrary } from './library.ts';

const model = sharedData('stories260K', 'stories260K.bin');
const tokenizer = sharedData('stories260K', 'tok512.bin');
const library = lazyLibrary;

/** The bytes that llama2.c's own test expects of this model. */
function goldenText(): string {
  const source = readFileSync(sharedData('stories260K', 'golden-test_all.py.txt'), 'utf8');
  const literal = /expected_stdout = b'((?:[^'\\]|\\.)*)'/.exec(source)?.[1] ?? '';
  return literal.replaceAll('\\n', '\n').replaceAll("\\'", "'");
}

describe.skipIf(!hasSharedData)('corral on stories260K (needs the shared data)', () => {
  const flags = ['--tokenizer', tokenizer, '--temperature', '0', '--max-tokens', '200'];

  it('prints the golden text, byte for byte into a pipe', async () => {
    const outcome = await runCorral(['run', model, '', ...flags], { library });
    expect(outcome).toEqual({ status: 0, stdout: goldenText(), stderr: expect.any(String) });
  });

  it('prints the same as JSON, with the ids', async () => {
    const { stdout } = await runCorral(['run', model, '', ...flags, '--json'], { library });
    const result = JSON.parse(stdout);
    expect(result.text).toBe(goldenText());
    expect(result.tokens).toHaveLength(200);
    expect(result).toMatchObject({ promptTokens: 1, finishReason: 'length' });
  });

  it('gives an empty completion of no tokens', async () => {
    const none = [...flags.slice(0, -1), '0', '--json'];
    const { status, stdout } = await runCorral(['run', model, 'Once', ...none], { library });
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ text: '', tokens: [], finishReason: 'length' });
  });

  it('tokenizes with a bare tokenizer file', async () => {
    const { stdout } = await runCorral(['tokenize', tokenizer, 'Once upon', '--json'], { library });
    expect(JSON.parse(stdout).pieces.join('')).toBe('▁Once▁upon');
  });

  it('inspects it without a tokenizer', async () => {
    const { stdout } = await runCorral(['inspect', model, '--json'], { library });
    expect(JSON.parse(stdout)).toMatchObject({
      format: 'llama2c',
      parameters: 260032,
      config: { layers: 5, heads: 8, kvHeads: 4, context: 512 },
      tokenizer: null,
      // Heads of 8 are no whole blocks of 32.
      memory: { weights: 1040128, cache: { f16: 327680, q8_0: null } },
    });
  });

  it('says what to give when the checkpoint has no tokenizer', async () => {
    const { status, stderr } = await runCorral(['run', model, 'x'], { library });
    expect(status).toBe(1);
    expect(stderr).toContain('carries no tokenizer');
    expect(stderr).toContain('--tokenizer');
  });

  it('names both numbers when a prompt does not fit the context', async () => {
    const long = 'word '.repeat(600);
    const { status, stderr } = await runCorral(['run', model, long, ...flags], { library });
    expect(status).toBe(1);
    expect(stderr).toMatch(/needs \d+ tokens; the context holds 512/);
  });
});
