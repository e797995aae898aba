import { expect, it } from 'vitest';
import { histogram } from '../../src/tensorboard/histogram.ts';
import { prCurve } from '../../src/tensorboard/pr_curve.ts';

it('bins as PyTorch does: an empty bucket at the left, right edges, left-closed bins', () => {
  // torch 2.13's SummaryWriter.add_histogram of five zeros, of one 2 and of ten times 0.37f.
  expect(histogram([0, 0, 0, 0, 0])).toMatchObject({ min: 0, max: 0, num: 5, bucketLimit: [0, 1e-12], bucket: [0, 5] });
  expect(histogram([2])).toMatchObject({ bucketLimit: [1.9661990955585713, 2.1628190051144287], bucket: [0, 1] });
  expect(histogram(new Float32Array(10).fill(0.37))).toEqual({
    min: 0.3700000047683716,
    max: 0.3700000047683716,
    num: 10,
    sum: 3.700000047683716,
    sumSquares: 1.36900003528595,
    bucketLimit: [0.35363819004775493, 0.38900200905253046],
    bucket: [0, 10],
  });
});

it('counts by edges or equal widths, the last bin closed on both sides', () => {
  const values = [-1, 0, 0.5, 1, 2, 3];
  expect(histogram(values, { bins: [0, 1, 2] })).toMatchObject({ num: 6, sum: 5.5, bucketLimit: [0, 1, 2], bucket: [0, 2, 2] }); // prettier-ignore
  expect(histogram(values, { bins: 4 })).toMatchObject({ bucketLimit: [-1, 0, 1, 2, 3], bucket: [0, 1, 2, 1, 2] });
  expect(histogram([4, 4], { bins: 2 })).toMatchObject({ bucketLimit: [4, 4.5], bucket: [0, 2] });
  expect(histogram([9], { bins: [0, 1] })).toMatchObject({ num: 1, bucketLimit: [0], bucket: [0] });
});

it.each([
  [[], {}, 'invalid-argument'],
  [[1, NaN], {}, 'not-finite'],
  [[1, -Infinity], {}, 'not-finite'],
  [[1], { bins: [1, 1] }, 'invalid-argument'],
  [[1], { bins: 0 }, 'invalid-argument'],
  [[1], { bins: [1] }, 'invalid-argument'],
])('refuses %j with %j', (values, options, code) => {
  expect(() => histogram(values, options)).toThrow(expect.objectContaining({ code }));
});

it('counts positives from each threshold on', () => {
  // By hand: thresholds 0, 0.5, 1.
  const { rows } = prCurve([1, 0, true, false], [1, 0.6, 0.4, 0.1], { thresholds: 3 });
  expect([...rows]).toEqual([2, 1, 1, 2, 1, 0, 0, 1, 2, 0, 1, 1, 0.5, 0.5, 1, 1, 0.5, 0.5].map(Math.fround));
  expect([...prCurve([1], [0.5], { thresholds: 2, weights: [3] }).rows]).toEqual([3, 0, 0, 0, 0, 0, 0, 3, 1, 0, 1, 0]);
});

it.each([
  [[1], [0.5, 0.5], {}],
  [[2], [0.5], {}],
  [[1], [1.5], {}],
  [[1], [NaN], {}],
  [[], [], {}],
  [[1], [0.5], { thresholds: 128 }],
])('refuses a curve of %j and %j with %j', (labels, predictions, options) => {
  expect(() => prCurve(labels, predictions, options)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
});
