import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const reference = process.env['WGRAD_REFERENCE'] === '1';
const consumers = process.env['WGRAD_CONSUMERS'] === '1';
const report = process.env['WGRAD_TEST_REPORT'];

/** They replace modules, which other files of the process would find replaced, or have already. */
const replacing = ['test/ops/many_workgroups.test.ts'];

/** The longest, and those that need a process of their own: nothing long is then left to run by itself at the end. */
const first = [...replacing, 'test/demo/demo.test.ts', 'test/cli/', 'test/package/', 'test/browser/'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) =>
      first.findIndex((part) => moduleId.includes(part)) + 1 || Infinity;
    return (await super.sort(files)).sort((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)));
  }
}

const project = (
  name: string,
  isolate: boolean,
  include: string[],
  exclude: string[],
): TestProjectInlineConfiguration => ({
  test: {
    name,
    isolate,
    include,
    exclude,
    setupFiles: 'test/setup.ts',
    // Dawn lives in the process: a crash of the driver ends one file, and the next gets another process. Threads would not
    // do: their process.env is a copy that the Vulkan loader does not see.
    pool: 'forks',
    // Software adapters use every core by themselves; a second file fills the gaps between their dispatches.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // What is waited for comes in time on an idle machine; a second, the default, is too little on a busy one.
    expect: { poll: { timeout: 30_000 } },
  },
});

export default defineConfig({
  test: {
    projects: reference
      ? [project('reference', true, ['test/reference/**/*.test.ts'], [])]
      : consumers
        ? [project('consumers', true, ['test/consumers/*.test.ts'], [])]
        : [
            // Files of a process share its engine (test/support/engine.ts): pipelines are compiled once.
            project('together', false, ['test/**/*.test.ts'], ['test/reference/**', 'test/consumers/**', ...replacing]),
            project('alone', true, replacing, []),
          ],
    sequence: { sequencer: LongestFirst },
    globalSetup: 'test/global-setup.ts',
    // WGRAD_TEST_REPORT names the file for counts that a script can read.
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
  },
});
