/** Pictures that are bytes come to the device as bytes, and are the same pictures to the bit. */
import { describe, expect, it } from 'vitest';
import { input, constant } from '../../src/graph/leaves.ts';
import { channelTable, normalize } from '../../src/image/preprocess.ts';
import { fromBytes, wordsOf } from '../../src/ops/from_bytes.ts';
import { Random } from '../../src/random.ts';
import { inMemory, type Dataset } from '../../src/train/dataset.ts';
import { entranceFor } from '../../src/train/entrance.ts';
import { evaluate } from '../../src/train/evaluate.ts';
import { fit, type FitOptions } from '../../src/train/fit.ts';
import { sgd } from '../../src/train/optimizers.ts';
import { subset } from '../../src/train/splits.ts';
import { flip } from '../../src/transforms/index.ts';
import { adapters } from '../support/adapters.ts';
import { tinyClasses, tinyModel } from '../support/tiny.ts';

const side = 16;
const spec = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const random = new Random('bytes');
const pixels = Array.from({ length: 10 }, () => Uint8Array.from({ length: 3 * side * side }, () => random.int(256)));
const image = (data: Uint8Array) => ({ width: side, height: side, data });
const floats = inMemory(
  pixels.map((data, i) => ({ input: normalize(image(data), spec), label: i % 3 })),
  tinyClasses,
);
const bytes: Dataset = { ...floats, bytes: { spec, get: (i) => ({ pixels: pixels[i]!, label: i % 3 }) } };

describe.each(adapters)('fromBytes on %s', (_, engine) => {
  it.each([
    ['RGB', [2, 3, 5, 7], spec],
    ['grey', [2, 1, 5, 7], { mean: [0.3], std: [0.2] }],
  ] as const)('%s: what the host makes of them, to the bit', async (_name, shape, own) => {
    const [, channels, h, w] = shape;
    const pictures = [0, 1].map(() => Uint8Array.from({ length: 3 * h * w }, () => random.int(256)));
    const words = new Int32Array(2 * wordsOf(h, w));
    pictures.forEach((p, k) => new Uint8Array(words.buffer).set(p, 4 * k * wordsOf(h, w)));
    const table = Array.from({ length: channels }, (_v, c) => [...channelTable(own, c)]).flat();
    const y = fromBytes(input('words', [2, wordsOf(h, w)], 'i32'), constant(table, [channels, 256]), shape);
    const got = (await engine.evaluate({ y }, { words })).y;
    const wanted = pictures.flatMap((data) => [...normalize({ width: w, height: h, data }, own)]);
    expect(got).toEqual(Float32Array.from(wanted));
  });
});

describe('a dataset of bytes', () => {
  it('uploads a quarter', async () => {
    using model = await tinyModel();
    const upload = async (data: Dataset) => {
      const { inputs } = await entranceFor(model, data, { batch: 4 }).load(data, [0, 1, 2], 0);
      return Object.values(inputs).reduce((n: number, v) => n + (v as Float32Array).byteLength, 0);
    };
    expect([await upload(floats), await upload(bytes)]).toEqual([4 * 3072, 4 * 768]);
  });

  it('trains and is judged to the same bits, with features kept and pictures augmented too', async () => {
    const run = async (data: Dataset, options: Partial<FitOptions>) => {
      using model = (await tinyModel()).unfreeze('fc');
      const all = { optimizer: sgd({ lr: 0.1, momentum: 0.9 }), epochs: 2, batchSize: 4, validation: subset(data, [1, 3]), ...options }; // prettier-ignore
      const held = [];
      for await (const e of fit(model, data, all)) if (e.type === 'epoch') held.push(e.validation);
      return { held, state: await model.state(), evaluation: await evaluate(model, data) };
    };
    for (const options of [{}, { cache: false }, { augment: [flip()] }] as const) {
      expect(await run(bytes, options)).toEqual(await run(floats, options));
    }
  });

  it('is refused where the bytes are no such picture', async () => {
    using model = (await tinyModel()).unfreeze('fc');
    const bad: Dataset = { ...bytes, checked: true, bytes: { spec, get: () => ({ pixels: new Uint8Array(5), label: 0, name: 'a.png' }) } }; // prettier-ignore
    await expect(evaluate(model, bad)).rejects.toMatchObject({ code: 'shape', message: expect.stringMatching(/^a\.png: 5 bytes/) }); // prettier-ignore
  });
});
