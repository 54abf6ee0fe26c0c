// One answer from its first event to its last: the message grows frame by frame and is saved now and then.
import type { Signal } from '@preact/signals';
import type { ChatEvent } from '../api/client.ts';
import { RequestProblem } from '../api/problem.ts';
import type { AssistantMessage } from '../conversation/message.ts';

/** How an answer is run. */
export interface RunOptions {
  readonly events: AsyncIterable<ChatEvent>;
  /** Aborted when a person stops the answer. */
  readonly signal: AbortSignal;
  /** Grows as events come. */
  readonly message: Signal<AssistantMessage>;
  /** Keeps what there is so far. */
  readonly save: (message: AssistantMessage) => void;
}

const SAVE_EVERY_MS = 1000;
/** A frame; also where no frames are drawn, in a tab that is out of sight. */
const SHOW_EVERY_MS = 30;

/** Runs it to its end and gives the message as it is then. What the server said wrong is in it, not thrown. */
export async function runAnswer(options: RunOptions): Promise<AssistantMessage> {
  const { message, save } = options;
  let draft = message.value;
  let showing: ReturnType<typeof setTimeout> | undefined;
  const saving = setInterval(() => save(draft), SAVE_EVERY_MS);
  const tokens = [...draft.tokens];
  const show = (): void => {
    showing = undefined;
    draft = { ...draft, tokens: tokens.slice() };
    message.value = draft;
  };
  try {
    for await (const event of options.events) {
      if (event.type === 'end') {
        const state = event.reason === 'length' ? 'length' : 'whole';
        draft = { ...draft, state, timing: event.timing };
      } else {
        tokens.push(...event.tokens);
        draft = { ...draft, text: draft.text + event.text };
        showing ??= setTimeout(show, SHOW_EVERY_MS);
      }
    }
  } catch (error) {
    draft = { ...draft, ...endOf(error, options.signal) };
  } finally {
    clearTimeout(showing);
    clearInterval(saving);
    show();
  }
  return draft;
}

function endOf(error: unknown, signal: AbortSignal): Partial<AssistantMessage> {
  if (signal.aborted) return { state: 'stopped' };
  if (error instanceof RequestProblem) return { state: 'cut', problem: error.problem };
  const message = error instanceof Error ? error.message : String(error);
  const hint = 'This is a fault of the page. What was said is kept: try to continue.';
  return { state: 'cut', problem: { kind: 'refused', message, hint } };
}
