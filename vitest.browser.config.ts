// Tests that need a browser: `npm run test:browser`. Debian's Chromium, or the one CORRAL_CHROMIUM names.
import { defineConfig, type ViteUserConfig } from 'vitest/config';

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['test/**/*.browser.ts', 'web/test/**/*.browser.ts'],
    setupFiles: ['test/setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 1,
  },
});

export default config;
