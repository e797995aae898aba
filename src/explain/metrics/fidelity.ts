/**
 * Whether a map says what the model does.
 *
 *   sensitivity-max  max ||R(x + d) - R(x)|| / ||R(x)|| over small d (Yeh et al. 2019, arXiv:1901.09392)
 *   mu-fidelity      correlation over random subsets of pixels between the sum of their R and the fall of f when they
 *                    are hidden (Bhatt et al. 2020, arXiv:2005.00631)
 */
import { WgradError } from '../../errors.ts';
import { sizeOf } from '../../graph/shape.ts';
import type { Model } from '../../model/model.ts';
import { abortSignal, count, floats, fraction, positive, readOptions, whole, type OptionsOf } from '../../options.ts';
import { Random } from '../../random.ts';
import { compileMasked, segmentMasks } from '../engines/masks.ts';
import type { Explainer } from '../explainer.ts';
import { classScore } from '../score.ts';
import { correlation } from './similarity.ts';

const sensitivityOptions = {
  samples: count(10, 'neighbours of the picture'),
  radius: positive(0.02, 'largest change of a value, in input space'),
  perturbations: floats('the changes themselves, [samples,C,H,W]'),
  seed: whole(0, 'of the changes'),
  signal: abortSignal(),
};

/** The largest relative change of the map among neighbours of the picture; the class stays that of the picture. */
export async function sensitivityMax(
  explainer: Explainer,
  pixels: Float32Array,
  given: OptionsOf<typeof sensitivityOptions> & { target?: number } = {},
): Promise<{ value: number; each: number[] }> {
  const { target: wanted, ...rest } = given;
  const { samples, radius, perturbations, seed, signal } = readOptions('sensitivityMax', sensitivityOptions, rest);
  const size = pixels.length;
  if (perturbations && perturbations.length % size !== 0) {
    throw new WgradError('shape', `sensitivityMax: ${perturbations.length} values of changes for a picture of ${size}`);
  }
  const random = new Random(`sensitivity ${seed}`);
  const clean = await explainer.run(pixels, { target: wanted, signal });
  const length = norm(clean.map);
  const each: number[] = [];
  for (let k = 0; k < (perturbations ? perturbations.length / size : samples); k++) {
    const moved = pixels.map((v, i) => v + (perturbations?.[k * size + i] ?? random.uniform(-radius, radius)));
    const { map } = await explainer.run(moved, { target: clean.target ?? undefined, signal });
    each.push(length > 0 ? norm(map.map((v, i) => v - clean.map[i]!)) / length : 0);
  }
  return { value: Math.max(...each), each };
}

const norm = (values: Float32Array) => Math.sqrt(values.reduce((n, v) => n + v * v, 0));

const muOptions = {
  samples: count(200, 'subsets'),
  share: fraction(0.2, 'of the regions that a subset hides'),
  cells: count(8, 'cells along a side of the grid whose cells are hidden'),
  seed: whole(0, 'of the subsets'),
  batch: count(8, 'subsets in one run'),
  signal: abortSignal(),
};

/** @param map one value a pixel, [H,W]. Hidden cells of the grid take the value 0 of the network's input. */
export async function muFidelity(
  model: Model,
  pixels: Float32Array,
  map: ArrayLike<number>,
  target: number,
  given: OptionsOf<typeof muOptions> = {},
): Promise<number> {
  const fidelity = await compileMuFidelity(model, given);
  try {
    return await fidelity.run(pixels, map, target);
  } finally {
    fidelity.dispose();
  }
}

/** {@link muFidelity}, compiled once for many pictures and maps; the subsets are the same for all. */
export async function compileMuFidelity(
  model: Model,
  given: OptionsOf<typeof muOptions> = {},
): Promise<{
  run(pixels: Float32Array, map: ArrayLike<number>, target: number): Promise<number>;
  dispose(): void;
}> {
  const { samples, share, cells, seed, batch, signal } = readOptions('muFidelity', muOptions, given);
  const [, h, w] = model.pictureShape;
  const labels = Int32Array.from(
    { length: h * w },
    (_, i) => Math.floor((Math.floor(i / w) * cells) / h) * cells + Math.floor(((i % w) * cells) / w),
  );
  const all = Array.from({ length: cells * cells }, (_, i) => i);
  const random = new Random(`mu-fidelity ${seed}`);
  const hidden = Array.from({ length: samples }, () =>
    random.shuffle([...all]).slice(0, Math.max(1, Math.round(share * cells * cells))),
  );
  const limit = Math.min(batch, samples + 1);
  const mask = segmentMasks([h, w], cells * cells);
  const masked = await compileMasked(model, classScore(model, 'logit'), { mask, limit, signal });
  return {
    async run(pixels, map, target) {
      if (map.length !== h * w) {
        throw new WgradError('shape', `muFidelity: a map of ${map.length} values for ${h} x ${w}`);
      }
      const sums = new Float64Array(cells * cells);
      labels.forEach((label, i) => (sums[label]! += map[i]!));
      // The whole picture comes last.
      const feeds = (first: number) => {
        const shown = new Float32Array(limit * cells * cells).fill(1);
        for (let k = 0; k < limit; k++) for (const cell of hidden[first + k] ?? []) shown[k * cells * cells + cell] = 0;
        return { labels, shown };
      };
      const fill = new Float32Array(sizeOf(model.pictureShape));
      const run = { pixels, weights: new Float32Array(masked.outputs), feeds: {}, signal };
      const outputs = await masked.run({ count: samples + 1, feeds, fill, run });
      const f = (k: number) => outputs[k * masked.outputs + target]!;
      const falls = hidden.map((_, k) => f(samples) - f(k));
      return correlation(
        hidden.map((set) => set.reduce((n, cell) => n + sums[cell]!, 0)),
        falls,
      );
    },
    dispose: () => masked.dispose(),
  };
}
