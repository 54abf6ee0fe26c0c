// corral chat with a fake model: turns from a pipe, commands, and a terminal played by a stream.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeCall, fakeModel, runCorral } from '../../test/command-line.ts';
import { errors } from '../base/errors.ts';
import type { ChatMessage } from './library.ts';

let folder: string;
let file: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'corral-chat-'));
  file = join(folder, 'model.gguf');
  writeFileSync(file, 'x');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Answers with the last word of the question in capitals. */
function shout(input: unknown): readonly string[] {
  const messages = input as readonly ChatMessage[];
  return [' ', messages.at(-1)?.content.split(' ').at(-1)?.toUpperCase() ?? '', '!'];
}

function asked(calls: readonly FakeCall[]): string[] {
  return calls
    .filter((call) => call.what === 'chat')
    .map(({ input }) =>
      (input as readonly ChatMessage[])
        .map(({ role, content }) => `${role[0]}:${content}`)
        .join('|'),
    );
}

describe('corral chat from a pipe', () => {
  it('takes each line for a turn and remembers what was said', async () => {
    const { library, calls } = fakeModel(shout);
    const outcome = await runCorral(['chat', file, '--system', 'Be loud'], {
      library,
      stdin: 'say hello\n\nsay bye\n',
    });
    expect(outcome).toEqual({ status: 0, stdout: ' HELLO!\n BYE!\n', stderr: '' });
    expect(asked(calls)).toEqual([
      's:Be loud|u:say hello',
      's:Be loud|u:say hello|a:HELLO!|u:say bye',
    ]);
    expect(calls.at(-1)?.what).toBe('close');
  });

  it('joins lines that end in a backslash', async () => {
    const { library, calls } = fakeModel(shout);
    await runCorral(['chat', file], { library, stdin: 'one\\\ntwo\\\nthree\nfour\\' });
    expect(asked(calls)).toEqual([
      'u:one\ntwo\nthree',
      'u:one\ntwo\nthree|a:ONE\nTWO\nTHREE!|u:four',
    ]);
  });

  it('takes lines as they come, whatever pieces they come in', async () => {
    const { library, calls } = fakeModel(shout);
    const stdin = new PassThrough();
    const text = Buffer.from('caf\u00e9\r\n\u4f60\u597d\nlast');
    const running = runCorral(['chat', file], { library, stdin });
    for (const byte of text) stdin.write(Buffer.of(byte));
    stdin.end();
    expect((await running).status).toBe(0);
    expect(asked(calls).at(-1)).toMatch(/^u:caf\u00e9\|.*\|u:\u4f60\u597d\|.*\|u:last$/);
  });

  it('ends at a line that is not UTF-8, and says where', async () => {
    const { library, calls } = fakeModel(shout);
    const stdin = Buffer.from('caf\u00e9\ncaf\u00e9\n', 'latin1');
    const outcome = await runCorral(['chat', file], { library, stdin });
    expect(outcome.status).toBe(1);
    expect(outcome.stderr).toContain('Standard input is not UTF-8: byte 3 is 0xe9.');
    expect(asked(calls)).toEqual([]);
    expect(calls.at(-1)?.what).toBe('close');
    const second = Buffer.concat([Buffer.from('ok\n'), Buffer.of(0xff)]);
    const later = await runCorral(['chat', file], { library, stdin: second });
    expect(later.stderr).toContain('byte 3 is 0xff');
    expect(later.stdout).toBe(' OK!\n');
  });

  it('prints one object per answer with --json', async () => {
    const { library } = fakeModel(shout);
    const { stdout } = await runCorral(['chat', file, '--json'], { library, stdin: 'a\nb\n' });
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map((line) => line.text)).toEqual([' A!', ' B!']);
  });

  it('obeys commands, and keeps what they say off stdout', async () => {
    const { library, calls } = fakeModel(shout);
    const saved = join(folder, 'talk.json');
    const outcome = await runCorral(['chat', file], {
      library,
      stdin: [
        'one',
        '/system Be brief',
        '/system',
        'two',
        '/undo',
        'three',
        '/retry',
        `/save ${saved}`,
        '/reset',
        '//four',
        `/load ${saved}`,
        'five',
        '/rest',
        '/exit',
        'never',
      ].join('\n'),
    });
    expect(outcome.status).toBe(0);
    expect(asked(calls)).toEqual([
      'u:one',
      's:Be brief|u:one|a:ONE!|u:two',
      's:Be brief|u:one|a:ONE!|u:three',
      's:Be brief|u:one|a:ONE!|u:three',
      's:Be brief|u:/four',
      's:Be brief|u:one|a:ONE!|u:three|a:THREE!|u:five',
    ]);
    expect(outcome.stdout).not.toContain('Saved');
    expect(outcome.stderr).toContain('Be brief\n');
    expect(outcome.stderr).toContain('There is no command /rest. Did you mean /reset?');
    expect(JSON.parse(readFileSync(saved, 'utf8')).messages).toHaveLength(5);
  });

  it('changes sampling options with /set, from the next answer on', async () => {
    const { library, calls } = fakeModel(shout);
    const outcome = await runCorral(['chat', file, '--temperature', '0.5', '--seed', '7'], {
      library,
      stdin: [
        'one',
        '/set temperature 0',
        '/set top-p 0.25',
        'two',
        '/set',
        '/set top-p 2',
        '/set heat 1',
        '/set seed',
        '/clear',
        'three',
      ].join('\n'),
    });
    expect(outcome.status).toBe(0);
    const options = calls.filter((call) => call.what === 'chat').map((call) => call.options);
    expect(options[0]).toMatchObject({ temperature: 0.5, seed: 7 });
    expect(options[0]).not.toHaveProperty('topP');
    for (const later of options.slice(1)) {
      expect(later).toMatchObject({ temperature: 0, topP: 0.25, seed: 7 });
    }
    expect(asked(calls).at(-1)).toBe('u:three');
    expect(outcome.stderr).toContain('temperature 0\ntopP 0.25\nOptions: max-tokens, temperature');
    expect(outcome.stderr).toContain('--top-p is 2; allowed: a number from 0 to 1.');
    expect(outcome.stderr).toContain('The name is "heat"; allowed: max-tokens, temperature');
    expect(outcome.stderr).toContain('/set NAME VALUE\n');
  });

  it('lists its commands', async () => {
    const { library } = fakeModel(shout);
    const { stderr } = await runCorral(['chat', file], { library, stdin: '/help\n' });
    expect(stderr).toMatch(/\/set \[NAME VALUE\] +change a sampling option/);
    expect(stderr).toContain('(also /clear)');
  });

  it('says what is wrong with a file to load, and goes on', async () => {
    const bad = join(folder, 'bad.json');
    writeFileSync(bad, '{"messages":[{"role":"robot","content":1}]}');
    const { library } = fakeModel(shout);
    const outcome = await runCorral(['chat', file], {
      library,
      stdin: `/load ${bad}\n/load ${folder}/none.json\n/undo\n/retry\nhi\n`,
    });
    expect(outcome.stdout).toBe(' HI!\n');
    expect(outcome.stderr).toContain('is no saved conversation');
    expect(outcome.stderr).toContain('ENOENT');
  });

  it('ends with the error of the first question that fails', async () => {
    const { library } = fakeModel(shout, {
      fail: () => errors.CONTEXT_OVERFLOW({ have: 99, limit: 64 }),
    });
    const { status, stderr } = await runCorral(['chat', file], { library, stdin: 'a\nb\n' });
    expect(status).toBe(1);
    expect(stderr).toContain('needs 99 tokens; the context holds 64');
  });

  it('hands over the chat template, by name or from a file', async () => {
    const template = join(folder, 'chat.jinja');
    writeFileSync(template, '{{ messages }}');
    for (const [given, seen] of [
      ['llama-2', 'llama-2'],
      [template, '{{ messages }}'],
    ] as const) {
      const { library, calls } = fakeModel(shout);
      await runCorral(['chat', file, '--chat-template', given], { library });
      expect(calls[0]?.options).toMatchObject({ chatTemplate: seen });
    }
  });
});

/** A person at a terminal: types the next text when the screen shows the one before it. */
async function converse(
  script: readonly (readonly [see: string, type: string])[],
  model: ReturnType<typeof fakeModel>,
): Promise<{ status: number; stdout: string; stderr: string }> {
  const stdin = new PassThrough();
  let next = 0;
  let seen = 0;
  return runCorral(['chat', file], {
    library: model.library,
    stdin,
    terminal: { stdin: true, stdout: true },
    onOutput: (soFar) => {
      const step = script[next];
      const at = step === undefined ? -1 : soFar.indexOf(step[0], seen);
      if (step === undefined || at < 0) return;
      next++;
      seen = at + step[0].length;
      setTimeout(() => stdin.write(step[1]), 5);
    },
  });
}

const ctrlC = '\u0003';
const ctrlD = '\u0004';

describe('corral chat at a terminal', () => {
  it('answers, prompts again and leaves with Ctrl-D', async () => {
    const model = fakeModel(shout);
    const outcome = await converse(
      [
        ['> ', 'say hello\r'],
        ['HELLO!\n', ctrlD],
      ],
      model,
    );
    expect(outcome.status).toBe(0);
    expect(asked(model.calls)).toEqual(['u:say hello']);
  });

  it('stops the answer at Ctrl-C and not the chat, and keeps the half answer', async () => {
    const model = fakeModel(
      (input) => {
        const count = (input as readonly ChatMessage[]).length === 1 ? 1000 : 1;
        return Array.from({ length: count }, () => 'blah ');
      },
      { pieceMs: 1 },
    );
    const outcome = await converse(
      [
        ['> ', 'go\r'],
        ['blah blah', ctrlC],
        ['> ', 'and now\r'],
        ['blah', '/exit\r'],
      ],
      model,
    );
    expect(outcome.status).toBe(0);
    const [, second] = asked(model.calls);
    expect(second).toMatch(/^u:go\|a:blah blah[ blah]*\|u:and now$/);
    expect(second?.length).toBeLessThan(2000);
  });

  it('leaves at the second Ctrl-C at an empty prompt; the first clears what was typed', async () => {
    const model = fakeModel(shout);
    const outcome = await converse(
      [
        ['> ', `half a line${ctrlC}`],
        ['\n', ctrlC],
        ['(Ctrl-C again', ctrlC],
      ],
      model,
    );
    expect(outcome.status).toBe(0);
    expect(asked(model.calls)).toEqual([]);
  });

  it('goes on after a question that the model refuses, without that question', async () => {
    let failures = 1;
    const model = fakeModel(shout, {
      fail: () => (failures-- > 0 ? errors.CONTEXT_OVERFLOW({ have: 99, limit: 64 }) : undefined),
    });
    const outcome = await converse(
      [
        ['> ', 'too long\r'],
        ['> ', 'short\r'],
        ['SHORT!\n', ctrlD],
      ],
      model,
    );
    expect(outcome.status).toBe(0);
    expect(outcome.stderr).toContain('context holds 64');
    expect(asked(model.calls)).toEqual(['u:too long', 'u:short']);
  });
});
