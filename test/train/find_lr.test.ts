/** The rate rises from the first to the last, the model is as it was, and the steepest fall is found. */
import { expect, it } from 'vitest';
import { findLr, steepest } from '../../src/train/find_lr.ts';
import { sgd } from '../../src/train/optimizers.ts';
import { tinyData, tinyModel } from '../support/tiny.ts';

it('tries rates that rise by one factor, and leaves the model as it was', async () => {
  using model = (await tinyModel()).unfreeze('fc');
  const before = await model.state();
  const optimizer = sgd({ lr: 0.5, momentum: 0.9 });
  const { curve, suggestion } = await findLr(model, tinyData(), {
    optimizer,
    batchSize: 4,
    from: 1e-3,
    to: 10,
    steps: 9,
  });
  const ratio = 10 ** 0.5;
  curve.forEach(({ lr }, i) => expect(lr / (1e-3 * ratio ** i)).toBeCloseTo(1, 9));
  expect(curve.length).toBeGreaterThan(3);
  expect(curve[0]!.smoothed).toBeCloseTo(curve[0]!.loss, 9);
  expect(curve.map((p) => p.lr)).toContain(suggestion);
  expect(await model.state()).toEqual(before);
});

it('finds the steepest fall over the logarithm of the rate, or none', () => {
  const curve = (losses: number[]) => losses.map((smoothed, i) => ({ lr: 10 ** i, loss: smoothed, smoothed }));
  expect(steepest(curve([5, 5, 4, 1, 0.5, 3]))).toBe(100);
  expect(steepest(curve([1, 2, 3]))).toBeUndefined();
});
