/** Deep dream: steps against a closed form, tiles against the whole, octaves, refusals, an abort. */
import { beforeAll, expect, it } from 'vitest';
import { channel, deepDream, layer, objective, type DreamFrame, type DreamOptions } from '../../src/ascent/index.ts';
import { constant } from '../../src/graph/leaves.ts';
import type { Planes } from '../../src/image/image.ts';
import type { Model } from '../../src/model/model.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { sub } from '../../src/ops/binary.ts';
import { sum } from '../../src/ops/reduce.ts';
import { slice } from '../../src/ops/slice.ts';
import { affine, square } from '../../src/ops/unary.ts';
import { spread } from '../support/gradcheck.ts';
import { compare, tolerance } from '../tolerance.ts';
import { mirrorModel } from './scene.ts';

let model: Model;
const pixel = { preprocess: { mean: [0, 0, 0], std: [1, 1, 1] } };
beforeAll(async () => {
  model = await mirrorModel([3, 8, 8], pixel);
});

const photo = (height: number, width: number): Planes => ({ channels: 3, height, width, data: spread(3 * height * width).map((v) => 0.5 + 0.2 * v) }); // prettier-ignore

async function frames(picture: Planes, options: DreamOptions): Promise<DreamFrame[]> {
  const list: DreamFrame[] = [];
  for await (const frame of deepDream(model, picture, options)) list.push(frame);
  return list;
}

/** Of a layer that is the picture, a sum of squares has the slope 2 p wherever the tiles lie: p grows by rate p / mean(p). */
it('a step goes along the gradient of all tiles, whatever their offset and overlap', async () => {
  const squares = objective('squares', (s) => sum(square(s.value('maps')), [1, 2, 3]));
  for (const given of [photo(11, 19), photo(8, 8)]) {
    const [start, end] = await frames(given, { objective: squares, octaves: 1, steps: 1, rate: 0.01, batch: 3 });
    expect(start).toMatchObject({ octave: 1, octaves: 1, step: 0 });
    const p = given.data;
    const mean = p.reduce((a, b) => a + b, 0) / p.length;
    expect(compare(start!.picture.data, p).maxAbs).toBeLessThan(tolerance.op);
    expect(compare(end!.picture.data, p.map((v) => v + (0.01 * v) / mean)).maxAbs).toBeLessThan(tolerance.op); // prettier-ignore
  }
});

it('neighbours in a tile are neighbours in the picture', async () => {
  // Half the squared steps to the right: the slope is 2 p - left - right, but at the one seam of the tile.
  const part = (t: Tensor, x: number) => slice(t, [0, 0, 0, x], [t.shape[0]!, 3, 8, 7]);
  const steps = objective('steps', (s) => sum(affine(square(sub(part(s.value('maps'), 1), part(s.value('maps'), 0))), 0.5), [1, 2, 3])); // prettier-ignore
  const p = photo(8, 8).data;
  const [, end] = await frames(photo(8, 8), { objective: steps, octaves: 1, steps: 1, rate: 0.01 });
  const moved = end!.picture.data.map((v, i) => v - p[i]!);
  const slope = p.map((v, i) => 2 * v - p[i - (i % 8) + ((i + 1) % 8)]! - p[i - (i % 8) + ((i + 7) % 8)]!);
  const ratios = moved.map((m, i) => m / slope[i]!).sort();
  const middle = ratios[96]!;
  const alike = ratios.filter((r) => Math.abs(r / middle - 1) < 1e-2).length;
  expect(alike).toBeGreaterThanOrEqual(3 * 8 * 6);
});

it('octaves end at the size of the photograph; those smaller than a tile are left out', async () => {
  const list = await frames(photo(16, 24), { objective: layer('maps'), octaves: 4, scale: 1.5, steps: 2 });
  const starts = list.filter((f) => f.step === 0);
  expect(starts.map(({ picture: { width, height } }) => [height, width])).toEqual([[11, 16], [16, 24]]); // prettier-ignore
  expect(list).toHaveLength(6);
  // What the small one gained is in the large one's start.
  const brighter = (f: DreamFrame) => f.picture.data.reduce((a, b) => a + b, 0) / f.picture.data.length;
  expect(brighter(starts[1]!) - brighter(starts[0]!)).toBeGreaterThan(0.008);
  // A photograph that is smaller than the model's picture is one tile.
  expect((await frames(photo(5, 6), { objective: layer('maps'), steps: 1 })).at(-1)!.picture).toMatchObject({ width: 6, height: 5 }); // prettier-ignore
});

it('the same seed gives the same bits', async () => {
  const run = () => frames(photo(9, 17), { objective: layer('maps'), steps: 2, seed: 3 });
  expect(await run()).toEqual(await run());
});

it('refuses, and stops', async () => {
  const run = (options: object, picture = photo(8, 8)) => frames(picture, { objective: layer('maps'), ...options });
  await expect(run({ scale: 1 })).rejects.toMatchObject({ code: 'invalid-argument' });
  await expect(run({ objective: channel('none', 1) })).rejects.toMatchObject({ code: 'unknown-name' });
  await expect(run({ objective: channel('maps', 1).times(0) })).rejects.toMatchObject({ code: 'dead-unit' });
  await expect(run({}, photo(1, 8))).rejects.toMatchObject({ code: 'shape' });
  await expect(run({}, { ...photo(8, 8), data: photo(8, 8).data.fill(NaN) })).rejects.toMatchObject({ code: 'not-finite' }); // prettier-ignore
  const nan = objective('nan', (s) => sum(s.value('maps'), [1, 2, 3])).times(Infinity).plus(objective('c', () => constant([0], []))); // prettier-ignore
  await expect(run({ objective: nan })).rejects.toMatchObject({ code: 'not-finite' });
  const stop = new AbortController();
  const seen: number[] = [];
  const loop = async () => {
    for await (const { step } of deepDream(model, photo(8, 8), { objective: layer('maps'), signal: stop.signal })) {
      seen.push(step);
      if (step === 2) stop.abort();
    }
  };
  await expect(loop()).rejects.toMatchObject({ name: 'AbortError' });
  expect(seen).toEqual([0, 1, 2]);
});
