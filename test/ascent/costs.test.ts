/** What a step costs, counted: a batch no more than its pictures, and nothing read back. */
import { expect, it } from 'vitest';
import { embeddedModel } from '../support/golden.ts';
import { testEngine } from '../support/engine.ts';
import { stepFlops } from './step_flops.ts';

it('eight pictures at once cost at most 1.05 times eight single ones', async () => {
  const model = await embeddedModel(await testEngine());
  expect((await stepFlops(model, 8)) / (8 * (await stepFlops(model, 1)))).toBeLessThan(1.05);
  model.dispose();
});
