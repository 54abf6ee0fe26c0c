// Answers in which calls of tools may stand: text as free as ever, but a call, once begun, is one of a schema.
// A call begins with a tag, or, where the format has none, with the answer itself.
import {
  choice,
  type Expression,
  type Grammar,
  literal,
  nothing,
  optional,
  sequence,
} from './expression.ts';
import { parseRegex } from './regex.ts';
import { RuleTable } from './rule-table.ts';
import { addSchema } from './schema.ts';
import type { Steps } from './steps.ts';

/** How calls stand in a text. */
export interface CallFormat {
  /** Before a call; undefined where a call is the whole answer. */
  readonly open: string | undefined;
  /** After a call; undefined where nothing comes after it. */
  readonly close: string | undefined;
  /** What stands between. */
  readonly schema: unknown;
}

/** Text without the tag, and calls. Text that begins as JSON would be read as a call, and may not come. */
export function* toolCallGrammar({ open, close, schema }: CallFormat): Steps<Grammar> {
  const rules = new RuleTable();
  const answer = rules.declare('the answer');
  const value = yield* addSchema(schema, rules);
  const line = optional(literal('\n'));
  if (open === undefined) {
    const text = rules.add('text', parseRegex('[^]*'));
    rules.define(answer, choice(value, beginning(answer, [parseRegex('[^\\s{\\[]'), text])));
    return rules.build();
  }
  const call = rules.declare('a call');
  const texts = textWithout(open, call, rules);
  const [text] = texts as [Expression];
  const afterwards = close === undefined ? nothing : sequence(line, literal(close), text);
  rules.define(call, sequence(optional(choice(literal('\n'), literal(' '))), value, afterwards));
  const [first = ''] = open;
  const other = parseRegex(`[^\\s{\\[${escaped(first)}]`);
  const tagged = sequence(literal(first), texts[1] ?? call);
  rules.define(answer, choice(beginning(answer, [other, text]), tagged));
  return rules.build();
}

// Nothing, more space, or a first character and the rest.
function beginning(answer: Expression, first: readonly Expression[]): Expression {
  return choice(nothing, sequence(parseRegex('\\s'), answer), sequence(...first));
}

// One rule for each number of the tag's characters that the text ends with (Knuth, Morris and Pratt); the
// whole tag goes on with `then`.
function textWithout(tag: string, then: Expression, rules: RuleTable): readonly Expression[] {
  const characters = [...tag];
  const texts = characters.map((_, read) => rules.declare(`text after ${read} of ${tag}`));
  const signs = [...new Set(characters)];
  const other = parseRegex(`[^${signs.map(escaped).join('')}]`);
  for (const [read, rule] of texts.entries()) {
    const ways = signs.map((sign) => {
      const next = longestEnd([...characters.slice(0, read), sign], characters);
      return sequence(literal(sign), texts[next] ?? then);
    });
    rules.define(rule, choice(nothing, ...ways, sequence(other, texts[0] as Expression)));
  }
  return texts;
}

function longestEnd(text: readonly string[], tag: readonly string[]): number {
  for (let length = Math.min(text.length, tag.length); length > 0; length--) {
    const end = text.slice(text.length - length);
    if (end.every((sign, i) => sign === tag[i])) return length;
  }
  return 0;
}

function escaped(sign: string): string {
  return `\\u{${(sign.codePointAt(0) as number).toString(16)}}`;
}
