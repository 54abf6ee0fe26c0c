import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyCheckpoint } from '../../../test/tiny-llama.ts';
import type { Device } from '../../device/device.ts';
import { openDevice } from '../../device/open.ts';
import { loadWeights } from '../../model/weights.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { Engine } from '../engine.ts';
import type { GenerateRequest } from '../generate-request.ts';
import { type ConstraintSource, compileConstraint } from './compile.ts';

const schema = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    ages: { type: 'array', items: { type: 'integer', minimum: 0, maximum: 150 }, minItems: 1 },
    kind: { enum: ['llama', 'alpaca'] },
  },
  required: ['name', 'ages', 'kind'],
  additionalProperties: false,
};

describe('generation under a compiled constraint', () => {
  let device: Device;
  let engine: Engine;
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    device = openDevice('reference');
    const { config, ...rest } = tinyCheckpoint();
    const checkpoint = { config, ...rest };
    tokenizer = (await checkpoint.tokenizer()) as Tokenizer;
    const weights = await loadWeights(checkpoint, device);
    engine = await Engine.open({ config, device, weights, tokenizer, cache: 'f32', sequences: 4 });
  });
  afterAll(async () => {
    await engine.close();
    await device.close();
  });

  const generate = async (
    source: ConstraintSource,
    request: Partial<GenerateRequest> = {},
  ): Promise<{ text: string; ids: number[]; finishReason: string }> => {
    const constraint = await compileConstraint(source, tokenizer);
    const whole = { prompt: [1, 270, 280], maxTokens: constraint.shortest, ...request, constraint };
    const answer = { text: '', ids: [] as number[], finishReason: '' };
    for await (const event of engine.generate(whole)) {
      answer.text += event.text;
      if (event.type === 'token-delta') answer.ids.push(event.id);
      if (event.type === 'request-end') answer.finishReason = event.finishReason;
    }
    return answer;
  };

  it('validates at every limit that has room for an answer', async () => {
    const validate = new Ajv2020().compile(schema);
    const { shortest } = await compileConstraint({ kind: 'json_schema', schema }, tokenizer);
    for (const more of [0, 1, 2, 5, 20, 40]) {
      const limits = { maxTokens: shortest + more, temperature: 1, seed: more };
      const { text, finishReason } = await generate({ kind: 'json_schema', schema }, limits);
      expect(validate(JSON.parse(text)), text).toBe(true);
      expect(finishReason).toBe('stop');
    }
    const tooFew = generate({ kind: 'json_schema', schema }, { maxTokens: shortest - 1 });
    await expect(tooFew).rejects.toMatchObject({ code: 'CORRAL_CONSTRAINT_TOO_LONG' });
  });

  it('gives the same tokens alone and among others', async () => {
    const sources: ConstraintSource[] = [
      { kind: 'json_schema', schema },
      { kind: 'json_object' },
      { kind: 'regex', pattern: '[a-z]{3,12}( [a-z]+)*' },
      { kind: 'grammar', grammar: 'root ::= "<" root ">" | [0-9]+' },
    ];
    const requests = sources.map((source, seed) => ({
      source,
      seed,
      maxTokens: 60,
      temperature: 0.9,
    }));
    const alone: number[][] = [];
    for (const { source, ...rest } of requests) alone.push((await generate(source, rest)).ids);
    const together = await Promise.all(
      requests.map(({ source, ...rest }) => generate(source, rest)),
    );
    expect(together.map(({ ids }) => ids)).toEqual(alone);
  });

  it('keeps the first space of an answer, which is a text of its own', async () => {
    const { text } = await generate({ kind: 'regex', pattern: ' the' }, { start: 'text' });
    expect(text).toBe(' the');
  });

  it('ends by the limit where the text could go on', async () => {
    const { text, finishReason } = await generate(
      { kind: 'regex', pattern: '[ab]{5,}' },
      { maxTokens: 5, endTokens: [] },
    );
    expect(text).toMatch(/^[ab]{5}$/);
    expect(finishReason).toBe('length');
  });

  it('compiles an equal source once', async () => {
    const first = await compileConstraint({ kind: 'regex', pattern: 'a+' }, tokenizer);
    expect(await compileConstraint({ kind: 'regex', pattern: 'a+' }, tokenizer)).toBe(first);
    expect(await compileConstraint({ kind: 'regex', pattern: 'b+' }, tokenizer)).not.toBe(first);
  });
});
