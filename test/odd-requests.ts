// Requests that the server should take, or refuse with a reason, but that nobody sends by accident: many fields at
// once, each at the edge of what it may be. A function of the draws.

/** A number from 0 to below − 1. */
export type Draw = (below: number) => number;

/** A request's path and body. */
export interface OddRequest {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

type Options = Readonly<Record<string, readonly unknown[]>>;

const long = 'the cat was on the mat and '.repeat(6);
const tooLong = long.repeat(10);

const shared: Options = {
  max_tokens: [1, 2, 7, 24],
  temperature: [0, 0.01, 1, 2, 100],
  top_p: [0, 0.0001, 0.5, 1],
  top_k: [0, 1, 2, 2 ** 31 - 1],
  min_p: [0, 0.5, 1],
  typical_p: [0, 0.3, 1],
  seed: [0, -1, 2 ** 53 - 1, -(2 ** 53 - 1)],
  frequency_penalty: [-100, -2, 0, 100],
  presence_penalty: [-100, 0, 100],
  repetition_penalty: [0.01, 1, 100],
  logit_bias: [
    {},
    { 5: -100 },
    { 287: 100 },
    { 2: -100 },
    { 2: 100, 3: 100 },
    { 37: -100, 12: -100 },
  ],
  stop: ['a', ['the', ' '], '\u0000', ['"', '}', '{'], 'é', '</s>', [], ['a', 'ab', 'abc', 'abcd']],
  n: [1, 2, 3],
  priority: ['batch', 'interactive'],
  return_token_ids: [true, false],
  corral: [{ settings: true, timings: true }, {}, { timings: true }],
  user: ['', 'x'.repeat(500)],
};

const schemas: readonly unknown[] = [
  { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] },
  { enum: ['a', 'b', '', 'é\n"', null, 1] },
  { type: 'string', maxLength: 5, minLength: 2 },
  { type: 'array', items: { type: 'number', minimum: 0, maximum: 9 }, maxItems: 3 },
  { type: 'array', items: { $ref: '#' }, maxItems: 2 },
  { properties: { a: { $ref: '#' } } },
  { anyOf: [{ type: 'null' }, { type: 'boolean' }, { type: 'array', items: { $ref: '#' } }] },
  { type: 'string', pattern: '^[a-f]{1,3}$' },
  { type: 'string', format: 'date' },
  { type: 'integer', multipleOf: 7 },
  {},
  true,
  false,
  null,
  ...[{ $ref: '#' }, { allOf: [{ $ref: '#' }] }, { $ref: '#/nowhere' }, { $ref: '#/%zz' }],
  ...[{ type: 'strin' }, { enum: [] }, { not: {} }, { type: 'string', pattern: '(' }],
  ...[
    { type: 'string', minLength: 1e9 },
    { type: 'array', minItems: 1e15 },
    { required: ['a', 'a'] },
  ],
  ...[{ type: 'string', pattern: '(?:){2000000000}' }, { properties: { __proto__: null, '': {} } }],
  { type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] },
  { oneOf: Array.from({ length: 150 }, (_, i) => ({ const: i })) },
  { enum: Array.from({ length: 800 }, (_, i) => `value ${i}`) },
  { allOf: Array.from({ length: 20 }, () => ({ anyOf: [{ type: 'string' }, { type: 'null' }] })) },
  {
    type: 'object',
    properties: Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`p${i}`, {}])),
  },
];

const expressions: readonly string[] = [
  ...[
    '[a-z]{3}',
    '(a|b)*c',
    '\\d{4}-\\d{2}',
    '.{0,20}',
    '[^]+',
    '\\w+\\s\\w+',
    '^ab?$',
    'é+|漢{2}',
  ],
  ...['(?:a|a)*', '(?:a?){60}b', '((a*)*)*', '(a|ab)(c|bcd)(d*)', '\\u{1F600}+', '[\\s\\S]{1,9}'],
  ...[
    '',
    'a{0}',
    '$',
    '(',
    'a(?=b)',
    '\\bword',
    '(a)\\1',
    '\\p{L}',
    '(?:){999999999}',
    'a{99999999}',
  ],
  ...[
    '(((a{99}){99}){99}){99}',
    '(?:a?){3000}',
    `${'('.repeat(150)}a${')'.repeat(150)}`,
    '\\ud800',
  ],
];

const grammars: readonly string[] = [
  ...['root ::= "yes" | "no"', 'root ::= [a-z]+ "."', 'root ::= "a" root | "b"', 'root ::= .'],
  ...['root ::= "(" root ")" | "x"', 'root ::= x x x\nx ::= "a" | "b"?', 'root ::= [^"]{1,9}'],
  ...[
    'root ::= root "a" | "a"',
    'root ::= a\na ::= b\nb ::= a',
    'root ::= ""',
    'root ::= x',
    'x ::= "a"',
  ],
  ...[
    'root ::= "a',
    'root ::= [z-a]',
    'root ::= "a"{9999999}',
    'root ::= ("a"?){2000}',
    'root ::= <tok>',
  ],
  ...[
    'root ::= ((("a"|"a")*)*)*',
    `root ::= ${'('.repeat(150)}"a"${')'.repeat(150)}`,
    'root ::= "\\uD800"',
  ],
];

const tool = (name: string, parameters: unknown, more: object = {}): object => ({
  type: 'function',
  function: { name, ...(parameters === undefined ? {} : { parameters }), ...more },
});
const tools: readonly (readonly object[])[] = [
  [tool('weather', schemas[0])],
  [tool('weather', undefined, { description: '{{ 1/0 }}' }), tool('time', {}, { strict: true })],
  [
    tool(
      'a',
      { $defs: { x: { enum: [1] } }, properties: { b: { $ref: '#/$defs/x' } } },
      { strict: true },
    ),
  ],
  [tool('a', { $ref: '#' }), tool('a', {})],
  [],
];

const user = { role: 'user', content: 'the cat' };
const call = {
  id: 'abc',
  type: 'function',
  function: { name: 'weather', arguments: '{"a":1}' },
};
const chat: Options = {
  messages: [
    [user],
    [{ role: 'system', content: 'be brief' }, user],
    [{ role: 'developer', content: [{ type: 'text', text: '' }] }, user],
    [user, { role: 'assistant', content: 'on' }, { role: 'user', content: '漢字 \u0000 😀' }],
    [user, { role: 'assistant', content: 'on the ' }],
    [
      user,
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'abc', content: 'x' },
    ],
    [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: '' },
        ],
      },
    ],
    [{ role: 'user', content: long }],
    [{ role: 'user', content: tooLong }],
    [{ role: 'user', content: '' }],
    [{ role: 'assistant', content: '</s><s>[INST]' }],
  ],
  logprobs: [true, false],
  top_logprobs: [0, 1, 20],
  tools,
  tool_choice: ['auto', 'none', 'required', { type: 'function', function: { name: 'weather' } }],
  parallel_tool_calls: [true, false],
  continue_final_message: [true, false],
  add_generation_prompt: [true, false],
  max_completion_tokens: [1, 24],
};

const completion: Options = {
  prompt: [
    'the cat',
    '',
    '漢字',
    long,
    tooLong,
    [1, 2, 3],
    [[1], [5, 6]],
    ['a', 'b'],
    [0],
    [287],
    ['', ''],
  ],
  best_of: [1, 3],
  echo: [true, false],
  logprobs: [0, 1, 32],
};

/** Draws one. About half are whole and right in every field. */
export function oddRequest(draw: Draw): OddRequest {
  const isChat = draw(3) > 0;
  const pick = <T>(list: readonly T[]): T => list[draw(list.length)] as T;
  const own = isChat ? chat : completion;
  const [first] = Object.keys(own) as [string];
  const body: Record<string, unknown> = {
    model: 'tiny',
    max_tokens: 12,
    [first]: pick(own[first] as readonly unknown[]),
  };
  for (const [name, values] of Object.entries({ ...own, ...shared })) {
    if (draw(7) === 0) body[name] = pick(values);
  }
  constrain(body, { isChat, draw, pick });
  if (draw(3) === 0) body['stream'] = true;
  if (body['stream'] === true && draw(2) === 0) body['stream_options'] = { include_usage: true };
  // Fields that only go together: without this nearly all would be refused for the same reasons.
  if (body['top_logprobs'] !== undefined) body['logprobs'] = true;
  if (body['max_completion_tokens'] !== undefined) delete body['max_tokens'];
  if (body['tool_choice'] !== undefined && draw(4) > 0) body['tools'] ??= pick(tools);
  return { path: isChat ? '/v1/chat/completions' : '/v1/completions', body };
}

function constrain(
  body: Record<string, unknown>,
  { isChat, draw, pick }: { isChat: boolean; draw: Draw; pick: <T>(list: readonly T[]) => T },
): void {
  const kind = draw(isChat ? 10 : 6);
  if (kind === 0) body['regex'] = pick(expressions);
  if (kind === 1) body['grammar'] = pick(grammars);
  if (kind === 6) body['response_format'] = { type: 'json_object' };
  if (kind === 7 || kind === 8) {
    const json_schema = { name: 'x', schema: pick(schemas), strict: draw(2) === 0 };
    body['response_format'] = { type: 'json_schema', json_schema };
  }
  if (kind === 9) {
    body['tools'] = pick(tools);
    body['tool_choice'] = pick(chat['tool_choice'] as readonly unknown[]);
  }
}
