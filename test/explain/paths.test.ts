/** Paths that are not straight lines: blur integrated gradients and guided integrated gradients, in closed form. */
import { beforeAll, describe, expect, it } from 'vitest';
import { explain, type Completeness } from '../../src/explain/index.ts';
import { constant } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import type { Model } from '../../src/model/model.ts';
import { mul } from '../../src/ops/binary.ts';
import { sum } from '../../src/ops/reduce.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { square } from '../../src/ops/unary.ts';
import { spread } from '../support/gradcheck.ts';
import { testEngine } from '../support/engine.ts';
import { compare, tolerance } from '../tolerance.ts';
import { tinyModel } from './tiny_network.ts';

const picture: [number, number, number] = [2, 5, 7];
const size = 70;
const w = spread(size, 5);
const x = spread(size, 6);
const b = spread(size, 8).map((v) => v / 2);
let linear: Model;
let quadratic: Model;

beforeAll(async () => {
  const engine = await testEngine();
  const readout = (t: Tensor) => sum(mul(reshape(t, [t.shape[0]!, 1, size]), constant(w, [1, size])), [2]);
  linear = tinyModel(engine, { picture, build: (x) => ({ logits: readout(x) }) });
  quadratic = tinyModel(engine, { picture, build: (x) => ({ logits: readout(square(x)) }) });
});

const near = (actual: ArrayLike<number>, expected: ArrayLike<number>) =>
  expect(compare(actual, expected).maxRel).toBeLessThan(tolerance.longSum);

/** A Gaussian cut off at 4 sigma, zeros outside: scipy's gaussian_filter(mode='constant'). */
function blurred(values: Float32Array, sigma: number): Float64Array {
  const [c, h, w] = picture;
  const radius = Math.floor(4 * sigma + 0.5);
  const tap = (k: number) => Math.exp((-0.5 * k * k) / sigma ** 2);
  let total = 0;
  for (let k = -radius; k <= radius; k++) total += tap(k);
  const weight = (k: number) => (Math.abs(k) > radius ? 0 : tap(k) / total);
  return Float64Array.from({ length: c * h * w }, (_, i) => {
    const [plane, row, column] = [Math.floor(i / (h * w)), Math.floor(i / w) % h, i % w];
    let sum = 0;
    for (let y = 0; y < h; y++)
      for (let z = 0; z < w; z++) sum += weight(y - row) * weight(z - column) * values[plane * h * w + y * w + z]!;
    return sum;
  });
}

describe('blur-ig', () => {
  it('of a linear score it is w (x - the most blurred x)', async () => {
    const { map, error } = await explain(linear, x, { method: 'blur-ig', target: 0, maxSigma: 3, steps: 7, batch: 3 });
    const from = blurred(x, 3);
    near(
      map,
      x.map((v, i) => w[i]! * (v - from[i]!)),
    );
    expect((error as Completeness).relativeGap).toBeLessThan(tolerance.longSum);
  });

  it('of a quadratic score it is complete at any number of steps: the sum of w (x_k^2 - x_k+1^2)', async () => {
    for (const steps of [1, 4]) {
      const { map, error } = await explain(quadratic, x, { method: 'blur-ig', target: 0, maxSigma: 2, steps });
      const from = blurred(x, 2);
      near(
        map,
        x.map((v, i) => w[i]! * (v * v - from[i]! ** 2)),
      );
      expect(Math.abs((error as Completeness).gap)).toBeLessThan(tolerance.longSum);
    }
  });

  it("PAIR saliency's quotient: gradients at the sharper picture, times the change over 0.01", async () => {
    const given = { method: 'blur-ig', target: 0, maxSigma: 2, steps: 2, slope: 'derivative' } as const;
    const { map } = await explain(quadratic, x, given);
    const [at, next] = [blurred(x, 1), blurred(x, 1.01)];
    // At sigma 0 a kernel of 0.01 is one pixel, and nothing moves.
    const expected = x.map((_, i) => 2 * w[i]! * at[i]! * ((at[i]! - next[i]!) / 0.01));
    expect(compare(map, expected).relL2).toBeLessThan(1e-3);
  });
});

describe('guided-ig', () => {
  it('of a linear score it is w (x - b) on any path', async () => {
    const given = { method: 'guided-ig', target: 0, baseline: b, steps: 9, fraction: 0.3, maxDistance: 0.1 } as const;
    const { map, error } = await explain(linear, x, given);
    near(
      map,
      x.map((v, i) => w[i]! * (v - b[i]!)),
    );
    expect((error as Completeness).relativeGap).toBeLessThan(tolerance.longSum);
  });

  const four = async () =>
    tinyModel(await testEngine(), {
      picture: [1, 2, 2],
      build(x) {
        const flat = reshape(square(x), [x.shape[0]!, 1, 4]);
        return { logits: sum(mul(flat, constant([1, 2, 3, 4], [1, 4])), [2]) };
      },
    });

  it('moves the values of small gradient first', async () => {
    // f = sum k x_k^2 from ones to twos: in the first of two steps the first two values go all the way, by gradients
    // 2 and 4; in the second the others, by 6 and 8.
    const given = { method: 'guided-ig', target: 0, steps: 2, fraction: 0.25, maxDistance: 1 } as const;
    const { map } = await explain(await four(), new Float32Array(4).fill(2), { ...given, baseline: new Float32Array(4).fill(1) }); // prettier-ignore
    near(map, [2, 4, 6, 8]);
  });

  it('no further from the straight path than it may', async () => {
    // At 0 the path is the straight one: (x - b) times the mean of the gradients at b and at the middle.
    const given = { method: 'guided-ig', target: 0, steps: 2, maxDistance: 0 } as const;
    const { map } = await explain(await four(), new Float32Array(4).fill(2), { ...given, baseline: new Float32Array(4).fill(1) }); // prettier-ignore
    near(map, [2.5, 5, 7.5, 10]);
  });

  it('from the picture itself nothing moves; two baselines are refused', async () => {
    const same = await explain(quadratic, x, { method: 'guided-ig', target: 0, steps: 3, baseline: x });
    expect(same.map.every((v) => v === 0)).toBe(true);
    const two = explain(quadratic, x, { method: 'guided-ig', baseline: new Float32Array(2 * size) });
    await expect(two).rejects.toMatchObject({ code: 'shape' });
  });
});
