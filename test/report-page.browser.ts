// The report of an evaluation in a real browser: that it fetches and runs nothing, stays quick with 20,000
// items, and can be used by keyboard alone. Skipped where there is no Chromium.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeResult, makeReport } from '../src/evaluate/index.ts';
import type { EvaluationResult } from '../src/evaluate/result.ts';
import { makeEvaluation } from './make-evaluation.ts';

const executablePath = process.env.CORRAL_CHROMIUM ?? '/usr/bin/chromium';
const evil = '</script><img src=x onerror="window.evil = 1"><script>window.evil = 2</script>';

/** The same result with a model that writes markup. */
function withMarkup(result: EvaluationResult): EvaluationResult {
  const text = JSON.stringify(result).replaceAll('<b>', JSON.stringify(evil).slice(1, -1));
  const changed = JSON.parse(text) as EvaluationResult;
  return { ...changed, model: { ...changed.model, name: `made-up ${evil}` } };
}

describe.skipIf(!existsSync(executablePath))('the report in a browser (needs Chromium)', () => {
  let folder = '';
  let browser: Browser;
  let page: Page;
  const noise: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'corral-report-'));
    const results = [0.4, 0.6].map((skill) => withMarkup(makeEvaluation({ skill, items: 8400 })));
    const file = join(folder, 'report.html');
    writeFileSync(file, await makeReport(results.map(describeResult), { iterations: 100 }));
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    page = await browser.newPage();
    page.on('console', (message) => noise.push(message.text()));
    page.on('pageerror', (error) => noise.push(error.message));
    page.on('request', (request) => {
      if (request.url() !== `file://${file}`) noise.push(request.url());
    });
    await page.goto(`file://${file}`);
    await page.waitForSelector('.row');
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const count = (): Promise<string | null> => page.textContent('#count');

  it('shows every item while only a screenful of rows is in the page', async () => {
    expect(await count()).toBe('20,160 items');
    expect(await page.locator('.row').count()).toBeLessThan(40);
    await page.locator('#list').evaluate((list) => {
      list.scrollTop = 10_000 * 52;
    });
    await page.waitForSelector('[data-index="10000"]');
    expect(await page.locator('.row').count()).toBeLessThan(40);
  });

  it('filters 20,160 items in under 100 ms', async () => {
    // As text, since the project's types know no browser.
    const slowest = await page.evaluate<number>(`
      const query = document.querySelector('#query');
      const list = document.querySelector('#list');
      const times = ['virology', 'virology 77', 'nothing at all', 'odd', ''].map((text) => {
        const tries = [1, 2, 3].map(() => {
          const start = performance.now();
          query.value = text;
          query.dispatchEvent(new Event('input'));
          void list.offsetHeight;
          return performance.now() - start;
        });
        // The machine may be busy with other things: what counts is how long it takes undisturbed.
        return Math.min(...tries);
      });
      Math.max(...times)`);
    expect(slowest).toBeLessThan(100);
  });

  it('filters by task and by who was right, and says how many are left', async () => {
    await page.selectOption('#task', 'mmlu_virology');
    expect(await count()).toBe('8,400 of 20,160');
    await page.selectOption('#verdict', 'only 1');
    const only = Number((await count())?.replaceAll(',', '').split(' ')[0]);
    // Items are right where a number lies below the skill: a fifth lie between 0.4 and 0.6.
    expect(only / 8400).toBeGreaterThan(0.18);
    expect(only / 8400).toBeLessThan(0.22);
    await page.selectOption('#task', '');
    await page.selectOption('#verdict', '');
  });

  it('shows prompt, choices, log-probabilities and target of the item chosen by keyboard', async () => {
    await page.keyboard.press('/');
    await page.keyboard.type('mmlu_astronomy 500');
    await page.keyboard.press('Enter');
    await page.keyboard.press('End');
    await page.keyboard.press('Home');
    const detail = page.locator('#detail');
    const text = (await detail.textContent()) ?? '';
    expect(text).toMatch(/^astronomy \d+/);
    expect(text).toMatch(/Question \d+ of mmlu_astronomy: is \d+ < 500 & odd\?/);
    expect(await detail.locator('.choice').allTextContents()).toEqual([' A', ' B', ' C', ' D']);
    expect(await detail.locator('.gold').count()).toBe(1);
    expect(await detail.locator('.picked').count()).toBe(2);
    expect(await detail.locator('mark').first().textContent()).toBe('mmlu_astronomy');
    await page.fill('#query', '');
  });

  it('shows what a model wrote as text, whatever it wrote', async () => {
    await page.selectOption('#task', 'gsm8k');
    expect(await page.textContent('#detail')).toContain('onerror="window.evil = 1"');
    expect(await page.evaluate(() => 'evil' in globalThis)).toBe(false);
    expect(await page.textContent('.model h2')).toBe(`made-up ${evil}`);
  });

  it('folds groups and changes its colours by buttons', async () => {
    const button = page.locator('#scores .toggle');
    const members = page.locator('#scores tbody[data-member]');
    expect(await members.first().isVisible()).toBe(true);
    await button.click();
    expect(await members.first().isVisible()).toBe(false);
    expect(await button.getAttribute('aria-expanded')).toBe('false');
    const paper = (): Promise<string> =>
      page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    const before = await paper();
    await page.click('#theme');
    await page.click('#theme');
    expect(await paper()).not.toBe(before);
  });

  it('asked for nothing and complained of nothing', () => {
    expect(noise).toEqual([]);
  });
});
