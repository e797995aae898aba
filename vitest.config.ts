import { defineConfig } from 'vitest/config';

const reference = process.env['WGRAD_REFERENCE'] === '1';

export default defineConfig({
  test: {
    include: reference ? ['test/reference/**/*.test.ts'] : ['test/**/*.test.ts'],
    exclude: reference ? [] : ['test/reference/**'],
    // Dawn lives in the process: forks keep a crash of the driver inside one file.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
