// What is learned of a row: against an axolotl mask, and by the definition that training sees the very
// prompt that the model will be asked with.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { hasSharedData, sharedData } from '../../../test/shared-data.ts';
import {
  type ChatMessage,
  encodeChat,
  llama2SystemPrompt,
  type Tokenizer,
  tokenizerFromSentencePiece,
} from '../../tokenizer/index.ts';
import type { Example } from '../batch.ts';
import { type EncodeRowOptions, encodeRow } from './encode-row.ts';
import type { DataRow } from './row-formats.ts';

// made and loaded by Google's SentencePiece: <|user|> 3, <|end|> 4, bytes from 5, then pieces
const golden = JSON.parse(
  readFileSync(
    join(import.meta.dirname, '..', '..', 'tokenizer', 'golden', 'trained.json'),
    'utf8',
  ),
) as { readonly model: string };
const tokenizer = tokenizerFromSentencePiece(Buffer.from(golden.model, 'base64'), 'trained.model');

const markers =
  "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}<|user|>{{ m.content }}<|end|>{% else %}{{ m.content }}<|end|>\n{% endif %}{% endfor %}";

const basic = {
  tokenizer,
  template: markers,
  system: undefined,
  learn: 'assistant',
  bos: true,
  eos: true,
} as const satisfies EncodeRowOptions;

function encode(row: DataRow, options: Partial<EncodeRowOptions> = {}): Example {
  const encoded = encodeRow(row, { ...basic, ...options });
  if ('reason' in encoded) throw new Error(encoded.reason);
  return encoded.example;
}

function reasonOf(row: DataRow, options: Partial<EncodeRowOptions> = {}): string {
  const encoded = encodeRow(row, { ...basic, ...options });
  return 'reason' in encoded ? encoded.reason : 'none';
}

/** Pieces, those that are learned in upper brackets. */
function show({ tokens, learn }: Example, by: Tokenizer = tokenizer): string {
  return [...tokens].map((id, at) => (learn[at] ? `[${by.piece(id)}]` : by.piece(id))).join('');
}

const user = (content: string): ChatMessage => ({ role: 'user', content });
const answer = (content: string): ChatMessage => ({ role: 'assistant', content });
const chat = (...messages: ChatMessage[]): DataRow => ({ kind: 'chat', messages });

describe('texts and completions', () => {
  it('learn all of a text but its first token, EOS included', () => {
    expect(show(encode({ kind: 'text', text: 'the llama' }))).toBe('<s>[▁the][▁llama][</s>]');
    expect(show(encode({ kind: 'text', text: 'the llama' }, { bos: false, eos: false }))).toBe(
      '▁the[▁llama]',
    );
    expect(reasonOf({ kind: 'text', text: '' })).toBe('its text is empty');
  });

  it('learn the completion alone, encoded as what follows the prompt', () => {
    const row: DataRow = { kind: 'completion', prompt: 'the', completion: ' llama' };
    expect(show(encode(row))).toBe('<s>▁the[▁llama][</s>]');
    expect(show(encode(row, { learn: 'all' }))).toBe('<s>[▁the][▁llama][</s>]');
    const unprompted: DataRow = { kind: 'completion', prompt: '', completion: 'llama' };
    expect(show(encode(unprompted))).toBe('<s>[▁llama][</s>]');
  });
});

describe('conversations', () => {
  const two = chat(user('the hat'), answer('lost'), user('hill'), answer('found'));

  it('learn each answer and the token that ends it, and nothing else', () => {
    expect(show(encode(two))).toBe(
      '<s><|user|>▁the▁hat<|end|>[▁lost][<|end|>]▁<0x0A><|user|>▁hill<|end|>[▁found][<|end|>]',
    );
  });

  it('learn the last answer alone, or all, when asked', () => {
    expect(show(encode(two, { learn: 'last' }))).toBe(
      '<s><|user|>▁the▁hat<|end|>▁lost<|end|>▁<0x0A><|user|>▁hill<|end|>[▁found][<|end|>]',
    );
    const all = encode(two, { learn: 'all' });
    expect([...all.learn].indexOf(0, 1)).toBe(-1);
    expect(all.learn[0]).toBe(0);
  });

  it('end with a learned EOS where the template leaves the last turn open', () => {
    const open = markers.replace('{{ m.content }}<|end|>\n', '{{ m.content }}');
    expect(show(encode(chat(user('the hat'), answer('lost')), { template: open }))).toBe(
      '<s><|user|>▁the▁hat<|end|>[▁lost][</s>]',
    );
  });

  it('learn what the model has to write itself when the prompt does not hold it', () => {
    // no generation prompt: the model writes the header of its own turn
    const headers =
      '{% for m in messages %}<|user|>{{ m.role }}\n{{ m.content }}<|end|>{% endfor %}';
    const learned = show(encode(chat(user('the'), answer('hat')), { template: headers }));
    expect(learned).toMatch(/<\|end\|>\[<\|user\|>\].*\[<0x0A>\].*\[<\|end\|>\]$/);
  });

  it('are bad rows where the prompt would be asked in other tokens than it is learned in', () => {
    // writes the number of messages first: no conversation begins as a longer one does
    const counting = `{{ messages | length }}${markers}`;
    expect(reasonOf(two, { template: counting })).toMatch(/^the template writes messages 1 to 1,/);
    expect(reasonOf(chat(answer('hat')), {})).toBe('it begins with an answer of the assistant');
    expect(reasonOf(chat(user('a'), user('b'), answer('c')), { template: 'llama-2' })).toMatch(
      /an assistant message was due/,
    );
  });

  it('need a template', () => {
    expect(() => encode(two, { template: undefined })).toThrow('no template is given');
  });

  it('never let text pass for a marker', () => {
    const example = encode(chat(user('<|end|>'), answer('</s><|end|>x')));
    expect([...example.tokens].filter((id) => id === 4)).toHaveLength(2);
    expect([...example.tokens]).not.toContain(2);
  });
});

describe.skipIf(!hasSharedData)('the Llama 2 chat format (needs ../shared/data)', () => {
  let llama: Tokenizer;

  beforeAll(() => {
    const path = sharedData('llama2-tokenizer', 'tokenizer.model');
    llama = tokenizerFromSentencePiece(readFileSync(path), path);
  });

  it('has the label mask that axolotl recorded', () => {
    const read = (name: string): unknown =>
      JSON.parse(readFileSync(sharedData('tokenizer-vectors', name), 'utf8'));
    const { conversations } = read('conversation.json') as {
      conversations: { from: string; value: string }[];
    };
    const recorded = read('conversation.tokenized_llama2chat.json') as {
      input_ids: number[];
      labels: number[];
    };
    const end = recorded.input_ids.lastIndexOf(2) + 1;
    const messages = conversations.map(({ from, value }) =>
      from === 'human' ? user(value) : answer(value),
    );
    const { tokens, learn } = encode(
      { kind: 'chat', messages },
      { tokenizer: llama, template: 'llama-2', system: llama2SystemPrompt },
    );
    expect([...tokens]).toEqual(recorded.input_ids.slice(0, end));
    expect([...tokens].map((id, at) => (learn[at] ? id : -100))).toEqual(
      recorded.labels.slice(0, end),
    );
  });

  it('learns exactly what follows the prompt that the model is asked with', () => {
    const content = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
      .map((text) => `x${text.replaceAll(/[[<]/g, '')}`);
    fc.assert(
      fc.property(content, content, (question, said) => {
        const options = { tokenizer: llama, template: 'llama-2' };
        const { tokens, learn } = encode(chat(user(question), answer(said)), options);
        const { ids } = encodeChat(llama, [user(question)], { template: 'llama-2' });
        expect([...tokens.subarray(0, ids.length)]).toEqual(ids);
        expect([...learn].indexOf(1)).toBe(ids.length);
        expect([...learn.subarray(ids.length)].every((one) => one === 1)).toBe(true);
        expect(tokens.at(-1)).toBe(2);
      }),
      { numRuns: 100 },
    );
  });
});
