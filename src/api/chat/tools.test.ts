import { describe, expect, it } from 'vitest';
import { type Piece, ToolCallReader, toolFormatOf } from './tools.ts';

const names = new Set(['weather', 'time']);
const hermes = toolFormatOf('{{ tools }}<tool_call>');
const mistral = toolFormatOf('{{ tools }}[TOOL_CALLS]');
const llama3 = toolFormatOf('{% if tools %}{% endif %}');

// What is read may not depend on how the text is cut: whole, and one character at a time.
function read(format: ReturnType<typeof toolFormatOf>, text: string, limit = 10): unknown {
  const results = [[text], [...text]].map((parts) => {
    const reader = new ToolCallReader(format as NonNullable<typeof format>, { names, limit });
    const pieces: Piece[] = parts.flatMap((part) => reader.push(part));
    pieces.push(...reader.end());
    const said = pieces.map((piece) => (piece.kind === 'text' ? piece.text : '')).join('');
    const calls = pieces.flatMap((piece) =>
      piece.kind === 'call' ? [[piece.call.function.name, piece.call.function.arguments]] : [],
    );
    return { text: said, calls };
  });
  expect(results[0]).toEqual(results[1]);
  return results[0];
}

describe('calls of tools', () => {
  it('knows no format for a template without tools', () => {
    expect(toolFormatOf('{{ messages }}')).toBeUndefined();
    expect(toolFormatOf('llama-2')).toBeUndefined();
  });

  it('are read between tags, as Hermes and Qwen write them, with the text before', () => {
    const text =
      'Let me look.\n<tool_call>\n{"name": "weather", "arguments": {"city": "Ulm"}}\n</tool_call>\n<tool_call>{"name":"time","arguments":{}}</tool_call>';
    expect(read(hermes, text)).toEqual({
      text: 'Let me look.\n',
      calls: [
        ['weather', '{"city":"Ulm"}'],
        ['time', '{}'],
      ],
    });
  });

  it('do not end at a closing tag within a string', () => {
    const text =
      '<tool_call>{"name":"weather","arguments":{"city":"a \\"</tool_call> b"}}</tool_call>';
    expect(read(hermes, text)).toEqual({
      text: '',
      calls: [['weather', '{"city":"a \\"</tool_call> b"}']],
    });
  });

  it('are read after the tag of Mistral, and where the tokenizer kept the tag', () => {
    const list =
      '[{"name": "weather", "arguments": {"city": "Ulm"}}, {"name": "time", "arguments": {}}]';
    const calls = [
      ['weather', '{"city":"Ulm"}'],
      ['time', '{}'],
    ];
    expect(read(mistral, `[TOOL_CALLS]${list}`)).toEqual({ text: '', calls });
    expect(read(mistral, ` ${list}`)).toEqual({ text: '', calls });
  });

  it('are read from an answer that is JSON, as Llama 3 writes them', () => {
    const call = '{"name": "weather", "parameters": {"city": "Ulm"}}';
    const calls = [['weather', '{"city":"Ulm"}']];
    expect(read(llama3, call)).toEqual({ text: '', calls });
    expect(read(llama3, `${call}; ${call}`)).toEqual({ text: '', calls: [...calls, ...calls] });
    expect(read(llama3, `${call}; ${call}`, 1)).toEqual({ text: '', calls });
  });

  it.each([
    'It is {"name": "weather"} warm.',
    '{"name": "unknown", "parameters": {}}',
    '{"name": "weather", ',
    '[1, 2, 3]',
    'a < b and <tool_',
    '<tool_call>nothing</tool_call> more',
    '<tool_call>{"name": "weather"',
  ])('leave %j what it is: text', (text) => {
    for (const format of [hermes, llama3]) expect(read(format, text)).toEqual({ text, calls: [] });
  });
});
