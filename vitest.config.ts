import { defineConfig } from 'vitest/config';

const reference = process.env['WGRAD_REFERENCE'] === '1';
const report = process.env['WGRAD_TEST_REPORT'];

export default defineConfig({
  test: {
    include: reference ? ['test/reference/**/*.test.ts'] : ['test/**/*.test.ts'],
    exclude: reference ? [] : ['test/reference/**'],
    globalSetup: 'test/global-setup.ts',
    setupFiles: 'test/setup.ts',
    // Dawn lives in the process: forks keep a crash of the driver inside one file. Threads would not do either: their
    // process.env is a copy that the Vulkan loader does not see.
    pool: 'forks',
    // Software adapters use every core by themselves; a second file fills the gaps between their dispatches.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // WGRAD_TEST_REPORT names the file for counts that a script can read.
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
  },
});
