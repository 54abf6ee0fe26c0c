// Chat formats: a conversation that axolotl tokenised, Meta's rules, Hugging Face's template, and
// everything a user might write to pass for somebody else.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasSharedData, sharedData } from '../../test/shared-data.ts';
import { type ChatMessage, defaultChatTemplate, encodeChat } from './chat.ts';
import { tokenizerFromJson } from './json-tokenizer.ts';
import { llama2SystemPrompt } from './llama2-chat.ts';
import { pieceModelDefaults } from './piece-model.ts';
import { tokenizerFromSentencePiece } from './sentencepiece-model.ts';
import { SentencePieceTokenizer } from './sentencepiece-tokenizer.ts';
import type { Tokenizer } from './tokenizer.ts';

const user = (content: string): ChatMessage => ({ role: 'user', content });
const assistant = (content: string): ChatMessage => ({ role: 'assistant', content });
const system = (content: string): ChatMessage => ({ role: 'system', content });

// Written for these tests by the format of the anchors: BOS and tags around trimmed texts.
const llama2Jinja = [
  "{% if messages[0]['role'] == 'system' %}",
  "{% set rest = messages[1:] %}{% set system = '<<SYS>>\\n' + messages[0]['content'] + '\\n<</SYS>>\\n\\n' %}",
  "{% else %}{% set rest = messages %}{% set system = '' %}{% endif %}",
  '{% for message in rest %}',
  "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate.') }}{% endif %}",
  "{% set content = (system if loop.index0 == 0 else '') + message['content'] %}",
  "{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}",
  "{% else %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}",
  '{% endfor %}',
].join('');

const llama3Jinja = [
  '{% for message in messages %}',
  "{{ (bos_token if loop.index0 == 0 else '') + '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' }}",
  "{% if message.tool_calls %}{{ message.tool_calls | tojson }}{% else %}{{ message['content'] | trim }}{% endif %}",
  "{{ '<|eot_id|>' }}{% endfor %}",
  "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}",
].join('');

/** Byte-level, no merges: every byte is a token, so that ids can be read by eye. */
function llama3Tokenizer(): Tokenizer {
  const bytes = Array.from({ length: 256 }, (_, byte): number => byte);
  let extra = 0;
  const alphabet = bytes.map((byte) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174
      ? String.fromCharCode(byte)
      : String.fromCharCode(256 + extra++),
  );
  const controls = ['<|begin_of_text|>', '<|start_header_id|>', '<|end_header_id|>', '<|eot_id|>'];
  return tokenizerFromJson({
    path: 'made up',
    tokenizerJson: {
      added_tokens: controls.map((content, at) => ({ id: 256 + at, content, special: true })),
      normalizer: null,
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
      post_processor: null,
      decoder: { type: 'ByteLevel' },
      model: {
        type: 'BPE',
        vocab: Object.fromEntries(alphabet.map((piece, id) => [piece, id])),
        merges: [],
      },
    },
    tokenizerConfig: { bos_token: controls[0], eos_token: controls[3], add_bos_token: true },
  });
}

describe('a Llama 3 style template', () => {
  const tokenizer = llama3Tokenizer();
  const [bos, start, endHeader, eot] = [256, 257, 258, 259];
  const bytes = (text: string): number[] => [...new TextEncoder().encode(text)];
  const turn = (role: string, text: string): number[] => [
    start,
    ...bytes(role),
    endHeader,
    ...bytes(`\n\n${text}`),
    eot,
  ];

  it('renders to control tokens between plain text', () => {
    const { ids } = encodeChat(tokenizer, [system('S'), user(' hi ')], { template: llama3Jinja });
    expect(ids).toEqual([
      bos,
      ...turn('system', 'S'),
      ...turn('user', 'hi'),
      start,
      ...bytes('assistant'),
      endHeader,
      ...bytes('\n\n'),
    ]);
  });

  it('marks the assistant’s text and the token that ends its turn', () => {
    const messages = [user('q'), assistant('answer'), user('r'), assistant('x')];
    const { ids, assistant: labels } = encodeChat(tokenizer, messages, { template: llama3Jinja });
    const labelled = ids.filter((_, at) => labels[at]);
    expect(labelled).toEqual([...bytes('answer'), eot, ...bytes('x'), eot]);
  });

  it('marks answers that are empty or tool calls alone by what they add', () => {
    const call: ChatMessage = { ...assistant(''), tool_calls: [{ name: 'f' }] };
    const { ids, assistant: labels } = encodeChat(tokenizer, [user('q'), call], {
      template: llama3Jinja,
      labels: 'required',
    });
    expect(tokenizer.decode(ids.filter((_, at) => labels[at]))).toBe('[{"name": "f"}]');
    expect(ids.filter((_, at) => labels[at]).at(-1)).toBe(eot);
  });

  it('never lets a message make a control token, whatever it holds', () => {
    const part = fc.constantFrom(
      '<|eot_id|>',
      '<|begin_of_text|>',
      '<|start_header_id|>',
      '<|eot',
      '_id|>',
      '<',
      '|>',
      '\uE000',
      '\uE001',
      '\u{F0000}',
      ' ',
      '\n',
      'text',
      '☃',
      '\ud800',
      '{{ bos_token }}',
      '{% raw %}',
    );
    const content = fc.array(part, { maxLength: 12 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(content, content, content, (one, two, three) => {
        const messages = [system(one), user(two), assistant(three), user(one + three)];
        const { ids } = encodeChat(tokenizer, messages, { template: llama3Jinja });
        const text = (value: string): string => value.toWellFormed().trim();
        expect(ids).toEqual([
          bos,
          ...turn('system', text(one)),
          ...turn('user', text(two)),
          ...turn('assistant', text(three)),
          ...turn('user', text(one + three)),
          start,
          ...bytes('assistant'),
          endHeader,
          ...bytes('\n\n'),
        ]);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps a message from finishing a control string that the template begins', () => {
    const template =
      "{{ bos_token + '<|eot' + messages[0].content + messages[1].content + 'id|>' }}";
    const { ids } = encodeChat(tokenizer, [user('_id|>'), user('<|eot_')], { template });
    expect(ids).toEqual([bos, ...bytes('<|eot_id|><|eot_id|>')]);
  });

  it('protects tools, names and nested fields as well', () => {
    const template = '{{ bos_token + (tools | tojson) + messages[0].name }}';
    const { ids, text } = encodeChat(tokenizer, [{ ...user('x'), name: 'n<|eot_id|>' }], {
      template,
      tools: [{ description: 'a<|eot_id|>b', '<|eot_id|>': 1 }],
    });
    expect(ids.filter((id) => id > 255)).toEqual([bos]);
    expect(text).toBe(
      '<|begin_of_text|>[{"description": "a<|eot_id|>b", "<|eot_id|>": 1}]n<|eot_id|>',
    );
  });

  it('begins with one BOS, whether the template writes none, one or two', () => {
    for (const count of [0, 1, 2]) {
      const template = `${'{{ bos_token }}'.repeat(count)}{{ messages[0].content }}`;
      expect(encodeChat(tokenizer, [user('a')], { template }).ids).toEqual([bos, 97]);
    }
  });

  it('tells the template the date it was given', () => {
    const template = "{{ strftime_now('%d %b %Y') }}";
    const { text } = encodeChat(tokenizer, [user('a')], { template, now: new Date(2023, 6, 8) });
    expect(text).toBe('<|begin_of_text|>08 Jul 2023');
  });

  it('says what a template threw, and ends those that would not', () => {
    const run = (template: string) => () => encodeChat(tokenizer, [user('a')], { template });
    expect(run("{{ raise_exception('no tools here') }}")).toThrow(/failed: no tools here\./);
    expect(run('{% if %}')).toThrow(/chat template failed/);
    expect(run('{% for i in range(1000000000) %}{% endfor %}')).toThrow(/range\(\) of 1000000000/);
    expect(run('x'.repeat(2 ** 20 + 1))).toThrow(/characters/);
    const doubling =
      "{% set n = namespace(s='a') %}{% for i in range(64) %}{% set n.s = n.s + n.s %}{% endfor %}{{ n.s }}";
    expect(run(doubling)).toThrow(/chat template failed/);
  });

  it('refuses to guess labels that a template hides', () => {
    const template =
      '{{ bos_token + messages | length | string + (messages[-1].content | length | string) }}';
    const messages = [user('q'), assistant('a')];
    expect(() => encodeChat(tokenizer, messages, { template, labels: 'required' })).toThrow(
      /which tokens of message 2/,
    );
    const { assistant: labels } = encodeChat(tokenizer, messages, { template });
    expect(labels.includes(true)).toBe(false);
  });

  it('names what is wrong with a conversation', () => {
    const run = (messages: readonly ChatMessage[], template?: string) => () =>
      encodeChat(tokenizer, messages, { template });
    expect(run([user('a')])).toThrow(/has none/);
    expect(run([], llama3Jinja)).toThrow(/no messages/);
    const stranger = { role: 'king', content: '' } as unknown as ChatMessage;
    expect(run([stranger], llama3Jinja)).toThrow(/role king; roles are system/);
    const number = { role: 'user', content: 3 } as unknown as ChatMessage;
    expect(run([number], llama3Jinja)).toThrow(/content of message 1/);
  });
});

describe.skipIf(!hasSharedData)('Llama 2’s format (needs ../shared/data)', () => {
  const model = sharedData('llama2-tokenizer', 'tokenizer.model');
  const tokenizer = hasSharedData
    ? tokenizerFromSentencePiece(readFileSync(model), model)
    : (undefined as unknown as Tokenizer); // never used: the block is skipped
  const render = (messages: readonly ChatMessage[], template = 'llama-2') =>
    encodeChat(tokenizer, messages, { template });

  it('gives axolotl’s ids and labels up to the last EOS', () => {
    const read = (name: string) =>
      JSON.parse(readFileSync(sharedData('tokenizer-vectors', name), 'utf8'));
    const { conversations } = read('conversation.json') as {
      conversations: { from: string; value: string }[];
    };
    const recorded = read('conversation.tokenized_llama2chat.json') as {
      input_ids: number[];
      labels: number[];
    };
    const messages = conversations.map(({ from, value }) =>
      from === 'human' ? user(value) : assistant(value),
    );
    const end = recorded.input_ids.lastIndexOf(2) + 1;
    for (const template of ['llama-2', llama2Jinja]) {
      const encoded = encodeChat(tokenizer, messages, { template, system: llama2SystemPrompt });
      expect(encoded.ids).toEqual(recorded.input_ids.slice(0, end));
      expect(encoded.ids.map((id, at) => (encoded.assistant[at] ? id : -100))).toEqual(
        recorded.labels.slice(0, end),
      );
    }
  });

  it('renders as Hugging Face’s reference does', () => {
    const messages = [system('SYS'), user('U1'), assistant('A1'), user('U2')];
    const expected = '<s>[INST] <<SYS>>\nSYS\n<</SYS>>\n\nU1 [/INST] A1 </s><s>[INST] U2 [/INST]';
    expect(render(messages).text).toBe(expected);
    expect(render(messages, llama2Jinja).text).toBe(expected);
    expect(render(messages, llama2Jinja).ids).toEqual(render(messages).ids);
  });

  it('encodes each turn as a string of its own', () => {
    const { ids } = render([user(' U1 '), assistant('A1'), user('U2')]);
    const string = (text: string) => tokenizer.encode(text);
    expect(ids).toEqual([
      1,
      ...string('[INST] U1 [/INST] A1 '),
      2,
      1,
      ...string('[INST] U2 [/INST]'),
    ]);
  });

  it('equals its Jinja form on any texts', () => {
    const content = fc
      .string({ unit: 'grapheme', maxLength: 40 })
      .map((text) => `x${text.replaceAll(/[[<]/g, '')}y`);
    fc.assert(
      fc.property(content, content, content, content, (one, two, three, four) => {
        const messages = [system(one), user(two), assistant(three), user(four)];
        const jinja = render(messages, llama2Jinja);
        const { ids, assistant: labels } = render(messages);
        expect([jinja.ids, jinja.assistant]).toEqual([ids, labels]);
      }),
      { numRuns: 100 },
    );
  });

  it('renders ollama’s template as ollama recorded it', () => {
    const template = [
      "{%- set n = namespace(system='') -%}[INST] {% for m in messages -%}",
      "{%- if m.role == 'system' -%}{%- set n.system = m.content -%}",
      "{%- elif m.role == 'user' -%}{{ '<<SYS>>' + ('\\n' + n.system + '\\n' if n.system else '') + '<</SYS>>\\n\\n' + m.content + ' [/INST]' }}{%- set n.system = '' -%}",
      "{%- else -%}{{ ' ' + m.content + '</s><s>[INST] ' }}{%- endif -%}{%- endfor -%}",
    ].join('');
    const hello = user('Hello, how are you?');
    const great = assistant("I'm doing great. How can I help you today?");
    const show = user("I'd like to show off how chat templating works!");
    const cases: readonly (readonly [string, readonly ChatMessage[]])[] = [
      ['user', [hello]],
      ['user-assistant-user', [hello, great, show]],
      ['system-user-assistant-user', [system('You are a helpful assistant.'), hello, great, show]],
    ];
    for (const [name, messages] of cases) {
      const recorded = readFileSync(
        sharedData('tokenizer-vectors', 'llama2-chat.gotmpl', name),
        'utf8',
      );
      expect(render(messages, template).text).toBe(`<s>${recorded}`);
    }
  });

  it('keeps control strings in messages as text', () => {
    for (const template of ['llama-2', llama2Jinja]) {
      const { ids } = render([user('a</s><s>b'), assistant('<unk></s>'), user('<s>')], template);
      expect(ids.filter((id) => id < 3)).toEqual([1, 2, 1]);
    }
    expect(render([user('a \uE000</s>\uE001')], llama2Jinja).ids).toEqual(
      render([user('a \uE000</s>\uE001')]).ids,
    );
  });

  it('takes a message of a million characters', () => {
    const { ids } = render([user('<'.repeat(1e6))], llama2Jinja.replace(/\[[/]?INST\]/g, ''));
    expect(ids.length).toBeGreaterThan(100_000);
  });

  it('refuses its own tags in messages, as Meta does', () => {
    for (const tag of ['[INST]', '[/INST]', '<<SYS>>', '<</SYS>>']) {
      for (const template of ['llama-2', llama2Jinja]) {
        for (const messages of [
          [user(`a${tag}`)],
          [system(tag), user('a')],
          [user('a'), assistant(tag), user('b')],
        ]) {
          expect(() => render(messages, template)).toThrow(/which this format keeps for itself/);
        }
      }
    }
  });

  it('wants turns that alternate and end as asked', () => {
    expect(() => render([assistant('a')])).toThrow(/a user message was due/);
    expect(() => render([user('a'), user('b')])).toThrow(/an assistant message was due/);
    expect(() => render([system('a')])).toThrow(/no user message/);
    expect(() => render([user('a'), { role: 'tool', content: 'x' }])).toThrow(/role tool/);
    expect(() =>
      encodeChat(tokenizer, [user('a'), assistant('b')], {
        template: 'llama-2',
        addGenerationPrompt: true,
      }),
    ).toThrow(/the last message is the assistant/);
    expect(() => render([user('a'), user('b')], llama2Jinja)).toThrow(/Roles must alternate\./);
  });

  it('is the default for its own vocabulary only', () => {
    expect(defaultChatTemplate({ chatTemplate: undefined, tokenizer })).toBe('llama-2');
    expect(defaultChatTemplate({ chatTemplate: 'x', tokenizer })).toBe('x');
    const other = llama3Tokenizer();
    expect(defaultChatTemplate({ chatTemplate: undefined, tokenizer: other })).toBe(undefined);
  });
});

describe('added tokens that steer', () => {
  it('count as control strings even where a file calls them ordinary', () => {
    const tokenizer = new SentencePieceTokenizer({
      ...pieceModelDefaults,
      pieces: ['<unk>', '<s>', '</s>', '\u2581', 'a', '<|im_start|>'],
      scores: new Float32Array(6),
      kinds: ['unknown', 'control', 'control', 'normal', 'normal', 'added'],
      unknown: 0,
      bos: 1,
      eos: 2,
    });
    const template = "{{ '<|im_start|>' + messages[0].content }}";
    const { ids } = encodeChat(tokenizer, [user('a<|im_start|>')], { template });
    expect(ids.filter((id) => id === 5)).toHaveLength(1);
  });
});
