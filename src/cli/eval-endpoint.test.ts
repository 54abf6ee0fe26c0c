// corral eval on a model behind an endpoint: against a server of the test's own.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunSetup, runCorral } from '../../test/command-line.ts';
import { type OpenAiServer, startOpenAiServer } from '../../test/openai-server.ts';

let folder = '';
let task = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'corral-eval-endpoint-'));
  task = join(folder, 'pairs.yaml');
  writeFileSync(
    task,
    [
      'task: pairs',
      'dataset_path: mine/pairs',
      'test_split: test',
      'output_type: multiple_choice',
      "doc_to_text: '{{question}}'",
      'doc_to_choice: choices',
      'doc_to_target: answer',
      'metric_list: [{ metric: acc }]',
      'metadata: { version: 1 }',
    ].join('\n'),
  );
  mkdirSync(join(folder, 'data', 'mine', 'pairs'), { recursive: true });
  const row = (index: number) => ({
    question: `Is ${index} odd?`,
    choices: ['yes', 'no'],
    answer: 0,
  });
  const lines = [1, 2, 3].map((index) => `${JSON.stringify(row(index))}\n`).join('');
  writeFileSync(join(folder, 'data', 'mine', 'pairs', 'test.jsonl'), lines);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let homes = 0;
function evaluate(server: OpenAiServer, args: readonly string[], setup: RunSetup = {}) {
  const env = { CORRAL_HOME: join(folder, `home-${homes++}`), OPENAI_API_KEY: 'secret' };
  const where = ['--base-url', server.baseUrl, '--data-dir', join(folder, 'data')];
  const named = ['eval', '--model', 'openai:parrot', '--tasks', task, ...where];
  return runCorral([...named, ...args], { env, ...setup });
}

describe('corral eval of an endpoint', () => {
  it('shows what it will cost and asks for nothing until that is confirmed', async () => {
    await using server = await startOpenAiServer();
    const { status, stderr } = await evaluate(server, ['--prices', '1000000,2000000']);
    expect(status).toBe(2);
    // by hand: six requests, each with a prompt and one token that is not read, at 1 and 2 a token
    expect(stderr).toMatch(
      /parrot will be asked 6 times: about \d+ tokens in, at most 6 out, at most \d+\.00 by --prices/,
    );
    expect(stderr).toMatch(/give --yes to go ahead/);
    const scored = server.requests.filter(({ body }) => JSON.stringify(body).includes('odd?'));
    expect(scored).toEqual([]);
  });

  it('scores it once the question is answered with yes', async () => {
    await using server = await startOpenAiServer();
    const questions: string[] = [];
    const confirm = async (question: string): Promise<boolean> => {
      questions.push(question);
      return true;
    };
    const terminal = { stdin: true, stderr: true };
    const { status, stdout } = await evaluate(server, [], { terminal, library: { confirm } });
    expect(status).toBe(0);
    expect(questions).toEqual(['Go ahead?']);
    expect(stdout).toMatch(/\|pairs\|1 +\|none +\|0 +\|acc +\|↑ +\|/);
    expect(server.requests.every(({ key }) => key.includes('secret'))).toBe(true);
  });

  it('stops quietly when the answer is no', async () => {
    await using server = await startOpenAiServer();
    const terminal = { stdin: true, stderr: true };
    const library = { confirm: async () => false };
    const { status, stdout } = await evaluate(server, [], { terminal, library });
    expect({ status, stdout }).toEqual({ status: 130, stdout: '' });
  });

  it('names tasks that the endpoint cannot answer, and why', async () => {
    await using server = await startOpenAiServer({ chatOnly: true });
    const { status, stderr } = await evaluate(server, ['--yes']);
    expect(status).toBe(1);
    expect(stderr).toMatch(/pairs: parrot gives no log-probabilities of prompts/);
  });

  it.each([
    [['--model', 'parrot'], /--model is parrot; allowed: openai:NAME/],
    [['--prices', '3'], /--prices is 3; allowed: two prices/],
  ])('refuses %j', async (args, message) => {
    await using server = await startOpenAiServer();
    const { status, stderr } = await evaluate(server, args);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
  });

  it('needs to know where the endpoint is', async () => {
    const args = ['eval', '--model', 'openai:parrot', '--tasks', task];
    const { status, stderr } = await runCorral(args, { env: { CORRAL_HOME: folder } });
    expect(status).toBe(2);
    expect(stderr).toMatch(/give --base-url URL/);
  });
});
