/** Methods that hide parts of the picture, on a linear model: every answer is a sum of w_i (x_i - fill). */
import { beforeAll, describe, expect, it } from 'vitest';
import { explain } from '../../src/explain/index.ts';
import { constant } from '../../src/graph/leaves.ts';
import type { Model } from '../../src/model/model.ts';
import { mul } from '../../src/ops/binary.ts';
import { sum } from '../../src/ops/reduce.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { spread } from '../support/gradcheck.ts';
import { testEngine } from '../support/engine.ts';
import { compare, tolerance } from '../tolerance.ts';
import { tinyModel } from './tiny_network.ts';

const [h, w] = [6, 9];
const picture: [number, number, number] = [2, h, w];
const size = 2 * h * w;
const weights = spread(3 * size, 5);
const x = spread(size, 6);
let model: Model;

beforeAll(async () => {
  model = tinyModel(await testEngine(), {
    picture,
    build: (x) => ({ logits: sum(mul(reshape(x, [x.shape[0]!, 1, size]), constant(weights, [3, size])), [2]) }),
  });
});

const near = (actual: ArrayLike<number>, expected: ArrayLike<number>) =>
  expect(compare(actual, expected).maxRel).toBeLessThan(tolerance.longSum);

/** w_k (x - fill) of each pixel, summed over the channels. */
const pixelValues = (k: number, fill: number) =>
  Float64Array.from({ length: h * w }, (_, i) =>
    [0, 1].reduce((n, c) => n + weights[k * size + c * h * w + i]! * (x[c * h * w + i]! - fill), 0),
  );

describe('occlusion', () => {
  it.each([
    [3, 4, 2, 3, 0],
    [6, 9, 1, 1, 0.5],
    [2, 2, 3, 3, -0.25],
    [4, 4, 4, 4, 0],
  ])('windows of %i x %i every %i x %i, hidden by %f: the mean over windows of what they hold', async (...given) => {
    const [window, windowWidth, stride, strideWidth, baseline] = given;
    const options = { window, windowWidth, stride, strideWidth, baseline, batch: 4 };
    const result = await explain(model, x, { method: 'occlusion', target: 1, ...options });
    const values = pixelValues(1, baseline);
    const [total, cover] = [new Float64Array(h * w), new Float64Array(h * w)];
    for (let top = 0; top === 0 || top - stride + window < h; top += stride) {
      for (let left = 0; left === 0 || left - strideWidth + windowWidth < w; left += strideWidth) {
        const inside = [...total.keys()].filter((i) => {
          const [row, column] = [Math.floor(i / w), i % w];
          return row >= top && row < top + window && column >= left && column < left + windowWidth;
        });
        const sum = inside.reduce((n, i) => n + values[i]!, 0);
        for (const i of inside) [total[i], cover[i]] = [total[i]! + sum, cover[i]! + 1];
      }
    }
    near(
      result.map,
      total.map((v, i) => (cover[i]! > 0 ? v / cover[i]! : 0)),
    );
    expect(result.shape).toEqual([1, h, w]);
  });

  it('a window larger than the picture is refused', async () => {
    await expect(explain(model, x, { method: 'occlusion', window: 7 })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  });
});

describe('rise', () => {
  it('with all cells showing, every pixel gets the score over p', async () => {
    const grids = new Float32Array(5 * 9).fill(1);
    const result = await explain(model, x, { method: 'rise', target: 2, cells: 3, grids, shifts: new Float32Array(10), batch: 2 }); // prettier-ignore
    near(result.map, new Float32Array(h * w).fill(2 * result.score));
  });

  it('one seed, one map; the error falls with the number of masks', async () => {
    const run = (samples: number, seed: number) =>
      explain(model, x, { method: 'rise', target: 0, cells: 3, samples, seed, batch: 16 });
    const [few, again, other, many] = [await run(40, 1), await run(40, 1), await run(40, 2), await run(640, 1)];
    expect(few.map).toEqual(again.map);
    expect(few.map).not.toEqual(other.map);
    const relative = ({ error }: typeof few) => (error.kind === 'standard-error' ? error.relative : NaN);
    expect(relative(many) / relative(few)).toBeLessThan(0.5);
  });

  it('p = 0 and grids of another size are refused', async () => {
    await expect(explain(model, x, { method: 'rise', p: 0 })).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(
      explain(model, x, { method: 'rise', grids: new Float32Array(3), shifts: new Float32Array(2) }),
    ).rejects.toMatchObject({ code: 'shape' });
  });
});
