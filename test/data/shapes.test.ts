import { describe, expect, it } from 'vitest';
import { shapesDataset } from '../../src/data/dataset.ts';
import { newShapeClasses, shapeClasses, shapePicture, shapePictures, SIDE } from '../../src/data/shapes.ts';
import { Random } from '../../src/random.ts';

const all = [...shapeClasses, ...newShapeClasses];
const share = (mask: Uint8Array) => mask.reduce((n, v) => n + (v ? 1 : 0), 0) / mask.length;

describe('shape pictures', () => {
  it('are the same for the same seed, whatever the count, and differ for another', () => {
    const [few, more, other] = [shapePictures('a', 3, all), shapePictures('a', 5, all), shapePictures('b', 3, all)];
    few.forEach((picture, i) => expect(picture).toEqual(more[i]));
    expect(other[0]!.pixels).not.toEqual(few[0]!.pixels);
  });

  it('come in turn, class by class, with a mask of a sensible size', () => {
    shapePictures('masks', 2 * all.length, all).forEach(({ pixels, mask, label }, i) => {
      expect(label).toBe(i % all.length);
      expect([pixels.length, mask.length]).toEqual([SIDE * SIDE * 3, SIDE * SIDE]);
      expect(share(mask), all[label]).toBeGreaterThan(0.03);
      expect(share(mask), all[label]).toBeLessThan(0.5);
      expect(mask.every((v) => v === 0 || v === 255)).toBe(true);
    });
  });

  it('mark the object: another class from the same randomness changes hardly a pixel outside both masks', () => {
    // Noise is drawn pixel by pixel in the same order; the grain texture alone may shift with the object's area.
    const [disc, cross] = ['disc', 'cross'].map((name) => shapePicture(name, 0, new Random('same')));
    let [changed, outside] = [0, 0];
    for (let i = 0; i < SIDE * SIDE; i++) {
      if (disc!.mask[i] || cross!.mask[i]) continue;
      outside++;
      if (Math.abs(disc!.pixels[3 * i]! - cross!.pixels[3 * i]!) > 2) changed++;
    }
    expect(outside).toBeGreaterThan(SIDE * SIDE * 0.4);
    // What is left is the rim, less than half covered.
    expect(changed / outside).toBeLessThan(0.05);
    expect(disc!.mask).not.toEqual(cross!.mask);
  });

  it('do not give the class away by colour: class means lie within the spread of the pictures', () => {
    const means = shapePictures('colour', 8 * 12).map(({ pixels, label }) => ({
      label,
      mean: pixels.reduce((n, v) => n + v, 0) / pixels.length,
    }));
    const average = (list: number[]) => list.reduce((n, v) => n + v, 0) / list.length;
    const grand = average(means.map((m) => m.mean));
    const spread = Math.sqrt(average(means.map((m) => (m.mean - grand) ** 2)));
    shapeClasses.forEach((name, label) => {
      const own = average(means.filter((m) => m.label === label).map((m) => m.mean));
      // Standard error of a class mean: spread / sqrt(12).
      expect(Math.abs(own - grand), name).toBeLessThan((4 * spread) / Math.sqrt(12));
    });
  });

  it('as a data set: random access, normalised, the same on the second read', async () => {
    const data = shapesDataset('set', 20, { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] }, newShapeClasses);
    expect([data.length, data.classes]).toEqual([20, newShapeClasses]);
    const [late, again] = [await data.get(7), await data.get(7)];
    expect(late.label).toBe(3);
    expect(again.input).toEqual(late.input);
    const { pixels } = shapePictures('set', 8, newShapeClasses)[7]!;
    expect(late.input[SIDE * SIDE + 100]).toBeCloseTo((pixels[3 * 100 + 1]! / 255 - 0.5) / 0.25, 5);
  });
});
