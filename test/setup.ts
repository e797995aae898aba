/** In every test file: the adapter that the run began with (opens nothing), and no error of a device that reaches nobody. */
import { afterAll, afterEach, beforeEach, expect, inject } from 'vitest';
import { noteCost, processorSeconds } from './support/cost.ts';
import { uncaught } from './support/uncaught.ts';

const choice = inject('adapterChoice');
if (choice) process.env['WGRAD_ADAPTER'] ??= choice;

afterAll(() => expect(uncaught.splice(0)).toEqual([]));

// Kernels are chosen as on a machine that nobody has tuned.
process.env['WGRAD_TUNING'] ??= 'off';

const log = process.env['WGRAD_TEST_COST'];
if (log) {
  const [atFile, { testPath: file = '' }] = [processorSeconds(), expect.getState()];
  let atTest = 0;
  beforeEach(() => void (atTest = processorSeconds()));
  afterEach(() => noteCost(log, { file, test: expect.getState().currentTestName!, seconds: processorSeconds() - atTest })); // prettier-ignore
  afterAll(() => noteCost(log, { file, seconds: processorSeconds() - atFile }));
}
