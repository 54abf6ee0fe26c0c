// The chat page in Chromium, built as it ships, under its real content security policy, against a server that says what
// it is told to.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { answers, type FakeServer, startFakeServer } from './fake-server.ts';

const executablePath = process.env.CORRAL_CHROMIUM ?? '/usr/bin/chromium';
const configFile = resolve(import.meta.dirname, '..', 'vite.config.ts');

describe.skipIf(!existsSync(executablePath))('the chat page (needs Chromium)', () => {
  let folder = '';
  let server: FakeServer;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let noise: string[];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'corral-page-'));
    await build({ configFile, build: { outDir: folder } });
    server = await startFakeServer(folder);
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    noise = [];
    server.asked.length = 0;
    server.key = undefined;
    context = await browser.newContext({ viewport: { width: 1200, height: 800 } });
    page = await context.newPage();
    page.setDefaultTimeout(10_000);
    page.on('console', (message) => noise.push(message.text()));
    page.on('pageerror', (error) => noise.push(error.message));
    page.on('request', (request) => {
      if (!request.url().startsWith(server.url)) noise.push(request.url());
    });
    await page.goto(server.url);
    await page.locator('#message[placeholder="Write a message"]').waitFor();
  });
  afterEach(() => context.close());

  const send = async (text: string): Promise<void> => {
    await page.fill('#message', text);
    await page.keyboard.press('Enter');
  };
  const ended = (): Promise<void> => page.locator('.strip').last().waitFor();
  const answer = (): Promise<string> => page.locator('.prose').last().innerText();
  const says = (text: string): Promise<void> =>
    page.locator('.messages').getByText(text).first().waitFor();
  const versions = (): Promise<string> => page.locator('.answer .versions').last().innerText();
  /** Clicks the middle of a word of the last answer. */
  const clickWord = async (word: string): Promise<void> => {
    const place = await page.evaluate<{ x: number; y: number }>(`
      (() => {
        const nodes = document.createTreeWalker(document.querySelector('.prose'), NodeFilter.SHOW_TEXT);
        while (nodes.nextNode()) {
          const at = nodes.currentNode.data.indexOf(${JSON.stringify(word)});
          if (at === -1) continue;
          const range = document.createRange();
          range.setStart(nodes.currentNode, at);
          range.setEnd(nodes.currentNode, at + ${word.length});
          const { left, top, width, height } = range.getBoundingClientRect();
          return { x: left + width / 2, y: top + height / 2 };
        }
      })()`);
    await page.mouse.move(place.x, place.y);
    await page.locator('.word-card').waitFor();
    await page.mouse.click(place.x, place.y);
    await page.locator('.word-card[data-held="true"]').waitFor();
  };

  it('sends, streams and shows how the answer went', async () => {
    await send('Hello');
    await ended();
    expect(await answer()).toBe(answers['usual']);
    expect(await page.locator('.strip').innerText()).toMatch(
      /7 tokens\s*123 tok\/s\s*first after [\d.]+ m?s\s*75 % cached/,
    );
    expect(server.asked[0]).toMatchObject({
      model: 'fake',
      messages: [{ role: 'user', content: 'Hello' }],
      logprobs: true,
      top_logprobs: 8,
    });
    expect(noise).toEqual([]);
  });

  it('stops an answer, keeps what was said, and goes on from there', async () => {
    await send('long');
    await says('word3');
    const leftBefore = server.left;
    await page.keyboard.press('Escape');
    await ended();
    await expect.poll(() => server.left).toBe(leftBefore + 1);
    const said = await answer();
    expect(said).toMatch(/^word0 word1 word2 word3/);
    expect(said).not.toContain('word399');
    expect(await page.locator('.strip').innerText()).toContain('stopped');
    await page.getByRole('button', { name: 'Continue', exact: true }).click();
    await expect.poll(() => server.asked.length).toBe(2);
    expect(server.asked[1]).toMatchObject({
      continue_final_message: true,
      messages: [{ role: 'user' }, { role: 'assistant', content: said }],
    });
  });

  it('keeps a partial answer when the server goes away, and continues it', async () => {
    await send('break');
    await says('The connection to the server was lost.');
    expect(await answer()).toBe('word0 word1 word2 word3 word4');
    await page.reload();
    await says('word0 word1');
    await page.getByRole('button', { name: 'Continue', exact: true }).click();
    await says('word399');
    await ended();
    expect(await answer()).toBe(answers['long']);
  });

  it('answers again, flips through the versions, and finds all after a reload', async () => {
    await send('Hello');
    await ended();
    await page.getByRole('button', { name: /^Answer again/ }).click();
    await expect.poll(versions).toMatch(/2/);
    await ended();
    await page.getByRole('button', { name: 'Version before' }).click();
    await expect.poll(versions).toMatch(/^1/);
    await page.reload();
    await ended();
    expect(await versions()).toMatch(/^1/);
    expect(await page.locator('.conversations a').allInnerTexts()).toEqual(['Hello']);
  });

  it('edits a message into a new version with its own answer', async () => {
    await send('Hello');
    await ended();
    await page.keyboard.press('ArrowUp');
    const editor = page.getByRole('textbox', { name: 'Edit your message' });
    await editor.fill('markdown');
    await page.keyboard.press('Enter');
    await says('Fences');
    expect(server.asked[1]?.messages).toEqual([{ role: 'user', content: 'markdown' }]);
    await page.locator('.question').getByRole('button', { name: 'Version before' }).click();
    await says('The brown llama');
  });

  it('shows the alternatives of a word and goes on from one', async () => {
    await send('Hello');
    await ended();
    await clickWord('llama');
    const card = page.getByRole('dialog', { name: '␣llama: 60 %' });
    await card.getByRole('button', { name: 'Continue with ␣ALTERNATIVE, 25 %' }).click();
    await says('The brown ALTERNATIVE goes on.');
    expect(server.asked[1]).toMatchObject({
      continue_final_message: true,
      add_generation_prompt: false,
      messages: [{ role: 'user' }, { role: 'assistant', content: 'The brown ALTERNATIVE' }],
    });
    await ended();
    expect(await versions()).toMatch(/^2/);
    await page.getByRole('button', { name: 'Version before' }).click();
    await says('The brown llama jumps');
    await clickWord('jumps');
    await page.getByRole('button', { name: /^End the answer here/ }).click();
    await expect.poll(answer).toBe('The brown llama');
    expect(server.asked).toHaveLength(2);
  });

  it('does everything by keyboard alone', async () => {
    await page.keyboard.type('Hello');
    await page.keyboard.press('Enter');
    await ended();
    await page.keyboard.press('Alt+W');
    await page.getByRole('dialog', { name: 'The: 60 %' }).waitFor();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.getByRole('dialog', { name: '␣llama: 60 %' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await says('The brown ALTERNATIVE goes on.');
    await ended();
    await page.keyboard.press('Alt+J');
    await says('The brown llama jumps');
    await page.keyboard.press('Alt+N');
    await page.getByRole('heading', { name: 'Talk to fake' }).waitFor();
    expect(await page.evaluate<string>('document.activeElement.id')).toBe('message');
    await page.keyboard.press('Alt+H');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  });

  it('runs nothing and loads nothing that a model writes', async () => {
    await send('evil');
    await ended();
    await says('<script>window.evil = 2</script>');
    expect(await page.evaluate('"evil" in window')).toBe(false);
    expect(
      await page.locator('.prose').locator('img, script, svg, iframe, [onclick]').count(),
    ).toBe(0);
    const links = page.locator('.prose a');
    expect(await links.evaluateAll((all) => all.map((a) => a.getAttribute('href')))).toEqual([
      'http://evil.example/cat.png',
      'https://safe.example/a',
    ]);
    expect(await links.last().getAttribute('rel')).toContain('noopener');
    expect(noise).toEqual([]);
  });

  it('renders markdown with coloured code, and tells a screen reader of paragraphs', async () => {
    await send('markdown');
    await ended();
    await page.locator('.hljs-keyword', { hasText: 'const' }).waitFor();
    expect(await page.locator('.code-head span').innerText()).toBe('js');
    expect(await page.locator('.prose a').getAttribute('data-site')).toBe('example.com');
    expect(await page.locator('.prose td').allInnerTexts()).toEqual(['left', '2']);
    await expect
      .poll(() => page.locator('[aria-live="polite"] p').allInnerTexts())
      .toEqual(['Fences A fence has posts and: rails nails (code)', 'post height left 2']);
    await clickWord('rails');
    expect(await page.locator('.word-text').innerText()).toMatch(/rails$/);
    expect(noise).toEqual([]);
  });

  it('says what the server refused, and asks for a key where one is wanted', async () => {
    await send('refuse');
    await says('The prompt has 5,012 tokens; this model takes 4,096.');
    server.key = 'secret';
    await page.reload();
    await page.fill('#key', 'secret');
    await page.keyboard.press('Enter');
    await page.locator('#message[placeholder="Write a message"]').waitFor();
    expect(await page.evaluate('localStorage.getItem("corral-key")')).toBe(null);
    expect(await page.evaluate('sessionStorage.getItem("corral-key")')).toBe('secret');
  });

  it('forgets a key, and takes another, in the settings', async () => {
    server.key = 'secret';
    await page.reload();
    await page.fill('#key', 'secret');
    await page.keyboard.press('Enter');
    await page.locator('#message[placeholder="Write a message"]').waitFor();
    await page.keyboard.press('Alt+S');
    await page.getByRole('button', { name: 'Forget the key' }).click();
    await page.getByText('This server wants a key. Send one as a bearer token.').waitFor();
    expect(await page.evaluate('sessionStorage.getItem("corral-key")')).toBe(null);
    server.key = undefined;
    await page.reload();
    await page.locator('#message[placeholder="Write a message"]').waitFor();
    await page.keyboard.press('Alt+S');
    server.key = 'another';
    await page.fill('.settings #key', 'another');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Forget the key' }).waitFor();
    expect(await page.evaluate('sessionStorage.getItem("corral-key")')).toBe('another');
  });

  it('sends the system prompt and only the settings that were set', async () => {
    await page.keyboard.press('Alt+S');
    await page.fill('#system', 'Be brief.');
    await page.fill('#temperature', '0.3');
    await page.fill('#seed', '7');
    await page.fill('#stop', 'END\nSTOP');
    await page.selectOption('.model-picker select', 'fake-tuned');
    await send('Hello');
    await ended();
    expect(server.asked[0]).toMatchObject({
      model: 'fake-tuned',
      temperature: 0.3,
      seed: 7,
      stop: ['END', 'STOP'],
      messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user' }],
    });
    expect(server.asked[0]).not.toHaveProperty('top_p');
  });

  it('deletes a conversation and brings it back', async () => {
    await send('Hello');
    await ended();
    await page.locator('summary').click();
    await page.getByRole('button', { name: 'Delete' }).click();
    await says('Talk to fake');
    expect(await page.locator('.conversations a').count()).toBe(0);
    await page.getByRole('button', { name: 'Undo' }).click();
    await says('The brown llama');
  });

  it('fits a phone', async () => {
    await page.setViewportSize({ width: 360, height: 700 });
    await send('markdown');
    await ended();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    expect(await page.locator('.sidebar').isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Conversations' }).click();
    await page.getByRole('link', { name: 'New conversation' }).click();
    await says('Talk to fake');
    await expect.poll(() => page.locator('.sidebar').isVisible()).toBe(false);
  });

  it('shows the activity of the server', async () => {
    await page.getByRole('link', { name: 'Activity' }).click();
    const card = page.locator('.card', { hasText: 'Waiting' });
    await expect.poll(() => card.locator('.figure').innerText(), { timeout: 5000 }).toBe('2');
  });
});
