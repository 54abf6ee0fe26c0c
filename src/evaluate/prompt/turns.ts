// Questions and answers as turns, and turns as one text or as a conversation: how the harness joins
// description, examples and item (lm_eval/api/task.py `build_qa_turn`, lm_eval/api/utils.py, 0.4.13).
import { endsWithSpace, startsWithSpace, strip } from '../definition/python-text.ts';

/** One turn. `delimiter` follows it in plain text and is dropped in a conversation of several turns. */
export interface Turn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
  readonly delimiter: string;
}

/** A turn of a conversation. */
export type Message = Pick<Turn, 'role' | 'content'>;

/** What a question and its answer are made of. */
export interface QuestionOptions {
  readonly question: string;
  /** Absent for the item that is asked. */
  readonly answer?: string | undefined;
  /** How the answer begins, already written for the model. */
  readonly prefix?: string | undefined;
  readonly targetDelimiter: string;
  readonly fewShotDelimiter: string;
}

/** A question with its answer, or with the beginning of one, or alone. */
export function questionTurns(options: QuestionOptions): Turn[] {
  const { question, answer, prefix, targetDelimiter } = options;
  const answered = answer !== undefined && answer !== '';
  const delimited = prefix
    ? question !== '' && !endsWithSpace(question) && !startsWithSpace(prefix)
    : answered;
  const user: Turn = {
    role: 'user',
    content: question,
    delimiter: delimited ? targetDelimiter : '',
  };
  if (answered) {
    const content = joinDelimited(prefix, answer, ' ');
    return [user, { role: 'assistant', content, delimiter: options.fewShotDelimiter }];
  }
  if (prefix) return [user, { role: 'assistant', content: prefix, delimiter: '' }];
  return [user];
}

/** Joins with the delimiter unless one side brings whitespace of its own. */
export function joinDelimited(
  before: string | undefined,
  after: string | undefined,
  delimiter: string,
): string {
  if (!before) return after ?? '';
  if (!after) return before;
  return endsWithSpace(before) || startsWithSpace(after)
    ? before + after
    : before + delimiter + after;
}

/** Turns as plain text. */
export function turnsAsText(turns: readonly Turn[]): string {
  return turns.map(({ content, delimiter }) => content + delimiter).join('');
}

/** Turns as a conversation; unless each is to be a turn of its own, all that is asked is one user turn. */
export function turnsAsMessages(turns: readonly Turn[], multiturn: boolean): Message[] {
  const plain = ({ role, content }: Turn): Message => ({ role, content });
  if (multiturn) return turns.map(plain);
  const system = turns[0]?.role === 'system' ? turns.slice(0, 1) : [];
  const rest = turns.slice(system.length);
  const begun = rest.at(-1)?.role === 'assistant' ? rest.slice(-1) : [];
  const asked = rest.slice(0, rest.length - begun.length);
  const text = asked.map(({ content, delimiter }, i) => {
    return i === asked.length - 1 ? content : content + delimiter;
  });
  return [...system.map(plain), { role: 'user', content: text.join('') }, ...begun.map(plain)];
}

/** Renders a conversation; when it ends in a begun answer, the text ends where that ends. */
export function renderMessages(
  messages: readonly Message[],
  renderChat: (messages: readonly Message[]) => string,
): string {
  const last = messages.at(-1);
  const rendered = renderChat(messages);
  if (last?.role !== 'assistant') return rendered;
  // templates may strip an answer, and close it: cut where it ends (transformers' continue_final_message)
  const begun = strip(last.content);
  const at = rendered.lastIndexOf(begun);
  if (at < 0) return renderChat(messages.slice(0, -1)) + last.content;
  const whole = last.content.slice(last.content.indexOf(begun));
  return rendered.slice(0, at) + (rendered.startsWith(whole, at) ? whole : begun);
}
