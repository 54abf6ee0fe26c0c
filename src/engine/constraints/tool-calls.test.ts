import { describe, expect, it } from 'vitest';
import { allows, answerRandomly } from '../../../test/constraint-walk.ts';
import { tinyTokenizer } from '../../../test/tiny-llama.ts';
import type { Constraint } from '../constraint.ts';
import { constrain } from './grammar-constraint.ts';
import { finish } from './steps.ts';
import { type CallFormat, toolCallGrammar } from './tool-calls.ts';
import { buildVocabulary } from './vocabulary.ts';

const tokenizer = tinyTokenizer(288);
const vocabulary = finish(buildVocabulary(tokenizer));
const schema = {
  type: 'object',
  properties: { name: { const: 'f' }, arguments: { enum: [1, 2] } },
  required: ['name', 'arguments'],
  additionalProperties: false,
};
const compile = (format: Omit<CallFormat, 'schema'>): Constraint =>
  finish(constrain(finish(toolCallGrammar({ ...format, schema })), vocabulary));

describe('an answer that may hold calls of tools', () => {
  const tagged = compile({ open: '<tool_call>', close: '</tool_call>' });
  const call = '<tool_call>{"name":"f","arguments":1}</tool_call>';

  it.each([
    ['', true],
    ['Just text, with < and <tool and {"name":"f","arguments":3}.', true],
    [call, true],
    ['<tool_call>\n{"name": "f", "arguments": 2}\n</tool_call>', true],
    [`First: <<tool_call${call} and then ${call}\n${call}`, true],
    [`é ${call.replace('1', '3')}`, false],
    [call.replace('"f"', '"g"'), false],
    [call.slice(0, -1), false],
    ['<tool_call>no', false],
    // It would be read as a call whose arguments nothing has held to the schema.
    ['{"name":"f","arguments":3}', false],
    [' \n[1]', false],
  ])('between tags reads %j: %j', (text, expected) => {
    expect(allows(tagged, tokenizer, text)).toBe(expected);
  });

  it.each([
    ['{"name":"f","arguments":1}', true],
    ['{"name":"f","arguments":3}', false],
    ['{"a":1}', false],
    ['No call: {"a":1}', true],
    [' {', false],
  ])('without tags reads %j: %j', (text, expected) => {
    const plain = compile({ open: undefined, close: undefined });
    expect(allows(plain, tokenizer, text)).toBe(expected);
  });

  it('ends with the call where no tag closes it', () => {
    const last = compile({ open: '[TOOL_CALLS]', close: undefined });
    expect(allows(last, tokenizer, 'So: [TOOL_CALLS] {"name":"f","arguments":2}')).toBe(true);
    expect(allows(last, tokenizer, '[TOOL_CALLS]{"name":"f","arguments":2} more')).toBe(false);
  });

  it('ends in time, and never within a call', () => {
    for (let seed = 0; seed < 30; seed++) {
      const { text } = answerRandomly(tagged, tokenizer, { maxTokens: 1 + (seed % 20), seed });
      expect(text.split('<tool_call>').length).toBe(text.split('</tool_call>').length);
    }
  });
});
