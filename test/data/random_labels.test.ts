/** Random labels: drawn once, evenly, and learnt by heart by the network that the sanity check compares with. */
import { expect, it } from 'vitest';
import { learnRandomLabels, randomLabels } from '../../src/data/random_labels.ts';
import { evaluate } from '../../src/train/evaluate.ts';
import { tinyData, tinyModel } from '../support/tiny.ts';

const many = { length: 3000, classes: ['a', 'b', 'c'], get: () => ({ input: new Float32Array(1), label: 0 }) };

it('each picture has one label, drawn from all classes alike', async () => {
  const [data, again, other] = [randomLabels(many, 1), randomLabels(many, 1), randomLabels(many, 2)];
  const labels = async (d: typeof data) => Promise.all(Array.from({ length: 3000 }, async (_, i) => (await d.get(i)).label)); // prettier-ignore
  const first = await labels(data);
  expect(await labels(again)).toEqual(first);
  expect(await labels(other)).not.toEqual(first);
  // Of 3000 draws from three classes the counts deviate by 26.
  for (const k of [0, 1, 2]) expect(Math.abs(first.filter((l) => l === k).length - 1000)).toBeLessThan(100);
});

it('a network learns them by heart, from weights that have forgotten the true ones', async () => {
  const model = await tinyModel();
  const before = await model.state();
  const seen: number[] = [];
  const known = await learnRandomLabels(model, tinyData(6), {
    epochs: 60,
    batchSize: 6,
    lr: 1e-2,
    onProgress: ({ accuracy }) => seen.push(accuracy),
  });
  expect(known).toBeGreaterThanOrEqual(0.95);
  expect(seen.at(-1)).toBe(known);
  expect(seen.length).toBeLessThan(60);
  const { accuracy } = await evaluate(model, randomLabels(tinyData(6)));
  expect(accuracy).toBe(known);
  expect(model.trainable()).toEqual([]);
  const after = await model.state();
  for (const [name, values] of before) if (name.includes('conv')) expect(after.get(name), name).not.toEqual(values);
  model.dispose();
});
