/** In every test file: the adapter that the run began with (opens nothing), and no error of a device that reaches nobody. */
import { afterAll, expect, inject } from 'vitest';
import { costSince } from './support/cost.ts';
import { uncaught } from './support/uncaught.ts';

const choice = inject('adapterChoice');
if (choice) process.env['WGRAD_ADAPTER'] ??= choice;

const log = process.env['WGRAD_TEST_COST'];
const note = log ? costSince(log) : undefined;

afterAll(() => {
  note?.(expect.getState().testPath!);
  expect(uncaught.splice(0)).toEqual([]);
});
