/** Transforms: closed forms, what merges, gradients, seeds, statistics of what is drawn. */
import { describe, expect, it } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import { constant, input } from '../../src/graph/leaves.ts';
import { randomNormal, sum } from '../../src/ops/index.ts';
import { Random } from '../../src/random.ts';
import * as t from '../../src/transforms/index.ts';
import { adapters } from '../support/adapters.ts';
import { testEngine } from '../support/engine.ts';
import { spread } from '../support/gradcheck.ts';
import { compare, tolerance } from '../tolerance.ts';

const shape = [2, 3, 6, 8] as const;
const values = spread(288);
const x = constant(values, shape);

async function run(transforms: t.Transform[], seed = 1, options: t.TransformOptions = {}) {
  const { y, draw } = t.transformed(x, transforms, options);
  const feeds = draw(new Random(seed));
  return { y: (await (await testEngine()).evaluate({ y }, feeds)).y, shape: y.shape, feeds };
}

const plane = (v: Float32Array, n: number, w = 8) => Array.from({ length: v.length / w }, (_, r) => [...v.slice(r * w, (r + 1) * w)]).slice(n * 6, (n + 1) * 6); // prettier-ignore

describe('geometric', () => {
  it('those that move by whole pixels copy bits', async () => {
    const padded = await run([t.pad(2), t.crop(2)]);
    expect(padded.y).toEqual(values);
    const fitted = await run([t.fit([4, 10])], 1, { fill: 9 });
    expect(fitted.shape).toEqual([2, 3, 4, 10]);
    expect(plane(values, 0)[1]).toEqual([...fitted.y.slice(1, 9)]);
    expect([fitted.y[0], fitted.y[9]]).toEqual([9, 9]);
    const flipped = await run([t.flip(1)]);
    expect(plane(flipped.y, 4)).toEqual(plane(values, 4).map((row) => row.reverse()));
    expect((await run([t.flip(0)])).y).toEqual(values);
  });

  it('a quarter turn is counterclockwise, and four of them nothing', async () => {
    const square = constant(Float32Array.from({ length: 9 }, (_, i) => i), [1, 1, 3, 3]); // prettier-ignore
    const engine = await testEngine();
    const turned = async (...transforms: t.Transform[]) => {
      const { y, draw } = t.transformed(square, transforms);
      return Array.from((await engine.evaluate({ y }, draw(new Random(1)))).y, (v) => Math.round(v * 1e4) / 1e4 + 0);
    };
    expect(await turned(t.rotate(90, 90))).toEqual([2, 5, 8, 1, 4, 7, 0, 3, 6]);
    expect(await turned(...Array.from({ length: 4 }, () => t.rotate(90, 90)))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await turned(t.scale(2), t.scale(0.5))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('each picture has its own draw; the same seed draws the same, and runs need no new program', async () => {
    const { y, draw } = t.transformed(x, t.lucidTransforms());
    const program = await (await testEngine()).compile({ outputs: { y } });
    const random = new Random(3);
    const [first, second] = [draw(random), draw(random)];
    const a = (await program.run(first)).y;
    expect((await program.run(second)).y).not.toEqual(a);
    expect((await program.run(draw(new Random(3)))).y).toEqual(a);
    program.dispose();
    const places = first['transform.0'] as Float32Array;
    expect(places.slice(0, 6)).not.toEqual(places.slice(10, 16));
    // 12 - 8 / 2 - 4 / 2 pixels on each side are left of the margin.
    expect(y.shape).toEqual([2, 3, 18, 20]);
  });

  it('a resized crop shows the part that it draws: of a ramp, a ramp of its slope', async () => {
    const ramp = constant(Float32Array.from({ length: 240 }, (_, i) => i % 20), [1, 1, 12, 20]); // prettier-ignore
    const { y, draw } = t.transformed(ramp, [t.resizedCrop([5, 6], { area: [0.2, 0.5] })], { border: 'edge' });
    const random = new Random(5);
    for (let k = 0; k < 8; k++) {
      const feeds = draw(random);
      const [a, , , , e, f] = feeds['transform.0'] as Float32Array;
      const area = (a! * 5 * e! * 6) / 240;
      const ratio = (e! * 6) / (a! * 5);
      expect(area).toBeGreaterThan(0.199);
      expect(area).toBeLessThan(0.501);
      expect(Math.abs(Math.log(ratio))).toBeLessThan(Math.log(4 / 3) + 1e-5);
      const row = (await (await testEngine()).evaluate({ y }, feeds)).y.slice(0, 6);
      const wanted = Array.from({ length: 6 }, (_, j) => Math.min(19, Math.max(0, e! * j + f!)));
      expect(compare(row, wanted).maxRel).toBeLessThan(tolerance.op);
    }
  });
});

describe('of values', () => {
  it('blur keeps constants, and spreads a point as the Gaussian', async () => {
    const point = new Float32Array(15 * 15);
    point[7 * 15 + 7] = 1;
    const { y } = t.transformed(constant(point, [1, 1, 15, 15]), [t.blur(1.2)]);
    const got = (await (await testEngine()).evaluate({ y })).y;
    const weight = Array.from({ length: 11 }, (_, i) => Math.exp(-((i - 5) ** 2) / 2.88));
    const total = weight.reduce((a, b) => a + b);
    expect(got[7 * 15 + 8]! * total ** 2).toBeCloseTo(weight[5]! * weight[6]!, 5);
    const flat = t.transformed(constant(new Float32Array(288).fill(3), shape), [t.blur(2)]);
    const same = (await (await testEngine()).evaluate({ y: flat.y })).y;
    expect(compare(same, new Float32Array(288).fill(3)).maxRel).toBeLessThan(tolerance.op);
  });

  it('colours: brightness scales, no saturation is grey, hue keeps grey and the sum', async () => {
    const engine = await testEngine();
    const picture = constant([0.2, 0.5, 0.9, 0.5, 0.4, 0.5], [1, 3, 1, 2]);
    const with_ = async (options: t.ColourJitterOptions, seed = 2) => {
      const { y, draw } = t.transformed(picture, [t.colourJitter(options)]);
      return (await engine.evaluate({ y }, draw(new Random(seed)))).y;
    };
    const bright = await with_({ brightness: 0.5 });
    expect(bright[0]! / 0.2).toBeCloseTo(bright[4]! / 0.4, 5);
    expect(bright[0]! / 0.2).not.toBeCloseTo(1, 2);
    const turned = await with_({ hue: 0.3 });
    expect(turned[1]).toBeCloseTo(0.5, 5);
    expect(turned[0]! + turned[2]! + turned[4]!).toBeCloseTo(1.5, 5);
    expect(turned[0]).not.toBeCloseTo(0.2, 2);
    const contrast = await with_({ contrast: 0.9 });
    const grey = (v: Float32Array, i: number) => 0.299 * v[i]! + 0.587 * v[2 + i]! + 0.114 * v[4 + i]!;
    const start = Float32Array.of(0.2, 0.5, 0.9, 0.5, 0.4, 0.5);
    expect(grey(contrast, 0) + grey(contrast, 1)).toBeCloseTo(grey(start, 0) + grey(start, 1), 5);
    const washed = await with_({ saturation: 1 });
    expect(grey(washed, 0)).toBeCloseTo(grey(start, 0), 5);
    expect(washed[1]).toBeCloseTo(0.5, 5);
    // A third of the circle takes red to green to blue.
    const third = t.colourJitter({ hue: 0.5 }).build(picture, 'h').draw({ uniform: (a = 0) => (a < 0 ? 1 / 3 : 1), bits: () => 0 } as unknown as Random); // prettier-ignore
    const colours = third['h.matrix'] as Float32Array;
    expect(Array.from(colours, (v) => Math.round(v * 1e5) / 1e5 + 0)).toEqual([0, 0, 1, 1, 0, 0, 0, 1, 0]);
  });

  it('erase puts one value into a rectangle of each picture', async () => {
    const { y } = await run([t.erase({ p: 1, value: 7, area: [0.1, 0.3] })]);
    for (const n of [0, 3]) {
      const erased = plane(y, n).map((row) => row.map((v) => v === 7));
      const rows = erased.filter((row) => row.some(Boolean));
      expect(rows.length).toBeGreaterThan(0);
      for (const row of rows) expect(row).toEqual(rows[0]);
      expect(y.filter((v, i) => v !== 7 && v !== values[i])).toHaveLength(0);
    }
    expect((await run([t.erase({ p: 0 })])).y).toEqual(values);
  });

  it.each(adapters)('noise is standard normal, and new for each seed, on %s', async (_, engine) => {
    const n = 40_000;
    const y = randomNormal(input('seed', [2], 'i32'), [n]);
    const draw = async (...seed: number[]) => (await engine.evaluate({ y }, { seed: Int32Array.from(seed) })).y;
    const a = await draw(5, -3);
    expect(await draw(5, -3)).toEqual(a);
    const moment = (v: Float32Array, k: number) => v.reduce((m, e) => m + e ** k, 0) / n;
    // Four standard errors: of the mean, the variance, the third and the fourth moment.
    expect(Math.abs(moment(a, 1))).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(moment(a, 2) - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
    expect(Math.abs(moment(a, 3))).toBeLessThan(4 * Math.sqrt(15 / n));
    expect(Math.abs(moment(a, 4) - 3)).toBeLessThan(4 * Math.sqrt(96 / n));
    const b = await draw(6, -3);
    const together = a.reduce((s, v, i) => s + v * b[i]!, 0) / n;
    expect(Math.abs(together)).toBeLessThan(4 / Math.sqrt(n));
    const neighbours = a.reduce((s, v, i) => s + v * (a[i + 1] ?? 0), 0) / n;
    expect(Math.abs(neighbours)).toBeLessThan(4 / Math.sqrt(n));
  });
});

it('every chain is differentiable: the gradient of a linear one is its adjoint', async () => {
  const chain = [t.colourJitter({ brightness: 0.2, hue: 0.1 }), ...t.lucidTransforms(100), t.blur(0.8), t.flip(), t.erase({ p: 1 })]; // prettier-ignore
  const v = input('x', shape);
  const { y, draw } = t.transformed(v, chain);
  const weights = constant(spread(y.size, 5), y.shape);
  const { mul } = await import('../../src/ops/index.ts');
  const score = sum(mul(y, weights));
  const [g] = grad(score, [v]);
  const engine = await testEngine();
  const feeds = draw(new Random(2));
  const program = await engine.compile({ outputs: { score, g: g! } });
  const at = async (value: Float32Array) => program.run({ x: value, ...feeds });
  const { g: gradient, score: whole } = await at(values);
  const { score: nothing } = await at(new Float32Array(288));
  program.dispose();
  const product = gradient.reduce((s, e, i) => s + e * values[i]!, 0);
  expect(Math.abs(whole[0]! - nothing[0]! - product)).toBeLessThan(tolerance.longSum * Math.hypot(...gradient));
});

it.each<[string, string, () => unknown]>([
  ['a crop of everything', 'shape', () => t.transformed(x, [t.crop(3)])],
  ['half a pixel', 'invalid-argument', () => t.pad(0.5)],
  ['a negative jitter', 'invalid-argument', () => t.jitter(-1)],
  ['a scale of 0', 'invalid-argument', () => t.scale(0, 1)],
  ['an angle that is NaN', 'invalid-argument', () => t.rotate(NaN)],
  ['a probability of 2', 'invalid-argument', () => t.flip(2)],
  ['a blur of 0', 'invalid-argument', () => t.blur(0)],
  ['a hue of 1', 'invalid-argument', () => t.colourJitter({ hue: 1 })],
  ['an area of 2', 'invalid-argument', () => t.resizedCrop([4, 4], { area: [0.5, 2] })],
  ['colours of five channels', 'shape', () => t.transformed(input('y', [1, 5, 2, 2]), [t.colourJitter({})])],
])('%s is refused', (_, code, f) => expect(f).toThrow(expect.objectContaining({ code })));
