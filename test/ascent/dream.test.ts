/** Deep dream: steps against a closed form, tiles against the whole, octaves, refusals, an abort. */
import { beforeAll, expect, it } from 'vitest';
import { channel, deepDream, layer, objective, type DreamFrame, type DreamOptions } from '../../src/ascent/index.ts';
import { constant } from '../../src/graph/leaves.ts';
import type { Planes } from '../../src/image/image.ts';
import type { Model } from '../../src/model/model.ts';
import { mul } from '../../src/ops/binary.ts';
import { sum } from '../../src/ops/reduce.ts';
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

/**
 * The weights differ from place to place of a tile, so that a value that is read or written at another place shows. The
 * offset is found by trying all: the step must be that of exactly one.
 */
it('each place of a tile is its place in the picture, round the edges too', async () => {
  const w = spread(3 * 8 * 8, 9);
  const weighed = objective('weighed', (s) => sum(mul(constant(w, [3, 8, 8]), affine(square(s.value('maps')), 0.5)), [1, 2, 3])); // prettier-ignore
  const [height, width] = [11, 19];
  const { data } = photo(height, width);
  const [, end] = await frames(photo(height, width), {
    objective: weighed,
    octaves: 1,
    steps: 1,
    rate: 0.01,
    batch: 4,
  });
  const moved = end!.picture.data.map((v, i) => v - data[i]!);
  /** A step where the first tile begins at `dy`, `dx`: two rows and three columns of tiles, as even as can be. */
  const step = (dy: number, dx: number): number[] => {
    const [total, times] = [new Float64Array(data.length), new Float64Array(data.length)];
    for (const y0 of [0, 5])
      for (const x0 of [0, 6, 12])
        w.forEach((weight, i) => {
          const [c, y, x] = [Math.floor(i / 64), Math.floor(i / 8) % 8, i % 8];
          const at = (c * height + ((y0 + dy + y) % height)) * width + ((x0 + dx + x) % width);
          total[at]! += weight * data[at]!;
          times[at]! += 1;
        });
    const slope = Array.from(total, (v, i) => v / times[i]!);
    const mean = slope.reduce((a, v) => a + Math.abs(v), 0) / slope.length;
    return slope.map((v) => (0.01 * v) / mean);
  };
  const offsets = Array.from({ length: height * width }, (_, i) => [Math.floor(i / width), i % width] as const);
  const fitting = offsets.filter(([dy, dx]) => compare(moved, step(dy, dx)).maxAbs < tolerance.op);
  expect(fitting).toHaveLength(1);
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
