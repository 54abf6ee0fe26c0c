// Tokens of a stream with what each adds to the text: characters may be spread over several tokens.
import type { Alternative, AnswerToken } from '../conversation/message.ts';
import type { TokenEntry } from './schemas.ts';

type Entry = Pick<TokenEntry, 'token' | 'bytes' | 'logprob'>;

const encoder = new TextEncoder();

/** Reads the tokens of one answer, in order. */
export function tokenReader(): (entry: TokenEntry) => AnswerToken {
  const decoder = new TextDecoder();
  return (entry) => {
    // No bytes: a control token, which adds nothing to a text.
    const bytes = entry.bytes === null ? [] : (entry.bytes ?? encoder.encode(entry.token));
    const text = decoder.decode(Uint8Array.from(bytes), { stream: true });
    const alternatives = (entry.top_logprobs ?? []).map(readAlternative);
    return { text, logprob: round(entry.logprob), alternatives };
  };
}

function readAlternative({ token, bytes, logprob }: Entry): Alternative {
  if (bytes === null) return { text: '', label: token, ends: true, logprob: round(logprob) };
  try {
    const whole = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const text = bytes === undefined ? token : whole.decode(Uint8Array.from(bytes));
    return { text, logprob: round(logprob) };
  } catch {
    return { text: '', label: token.replace(/^bytes:/, ''), logprob: round(logprob) };
  }
}

// Stored thousands of times per conversation: four decimals are a hundredth of a percent.
function round(logprob: number): number {
  return Math.round(logprob * 1e4) / 1e4;
}
