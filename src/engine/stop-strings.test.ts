import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StopStrings } from './stop-strings.ts';

function feed(pieces: readonly string[], stops: readonly string[]): string {
  const watcher = new StopStrings(stops);
  let text = '';
  for (const piece of pieces) {
    const released = watcher.push(piece);
    text += released.text;
    if (released.stop !== undefined) return text;
  }
  return text + watcher.flush();
}

describe('StopStrings', () => {
  it('stops at the first matching stop string across a token boundary', () => {
    expect(feed(['one\nU', 'ser', ': two'], ['\nUser:', 'two'])).toBe('one');
  });

  it('holds back only what could begin a stop string', () => {
    const watcher = new StopStrings(['###']);
    expect(watcher.push('a#').text).toBe('a');
    expect(watcher.push('b').text).toBe('#b');
    expect(watcher.push('##').text).toBe('');
    expect(watcher.flush()).toBe('##');
  });

  it('waits for a stop string that began before one that is already complete', () => {
    expect(feed(['bac', 'b'], ['bacb', 'a'])).toBe('');
    expect(feed(['bac', 'c'], ['bacb', 'a'])).toBe('b');
    expect(feed(['bac'], ['bacb', 'a'])).toBe('b');
  });

  it('gives the text before the earliest stop however the text is cut', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 30 });
    const stop = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(letters), fc.array(stop, { maxLength: 3 }), (pieces, stops) => {
        const text = pieces.join('');
        const ends = stops.map((each) => text.indexOf(each)).filter((at) => at >= 0);
        expect(feed(pieces, stops)).toBe(text.slice(0, Math.min(text.length, ...ends)));
      }),
    );
  });
});
