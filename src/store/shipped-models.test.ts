import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findShippedModel } from './shipped-models.ts';

const root = mkdtempSync(join(tmpdir(), 'corral-shipped-'));
mkdirSync(join(root, 'models'));
writeFileSync(join(root, 'models', 'cria-chat.gguf'), '');
writeFileSync(join(root, 'models', 'other.gguf'), '');
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('findShippedModel', () => {
  it('finds what ships, by its name alone, where it was installed', () => {
    expect(findShippedModel('cria-chat', root)).toBe(join(root, 'models', 'cria-chat.gguf'));
    expect(findShippedModel('cria-base', root)).toBeUndefined();
    expect(findShippedModel('other', root)).toBeUndefined();
    expect(findShippedModel('../models/cria-chat', root)).toBeUndefined();
  });
});
