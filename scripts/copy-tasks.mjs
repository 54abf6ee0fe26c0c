// Copies the task files beside the compiled code that reads them. Plain JavaScript: it runs before
// anything is compiled, maybe under an older Node than the pinned one.
import { cpSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(root, 'dist', 'evaluate', 'tasks');

rmSync(target, { recursive: true, force: true });
cpSync(join(root, 'src', 'evaluate', 'tasks'), target, { recursive: true });
