/** What learnt masks share: a coarse mask enlarged over the picture, the score's gradient at its cells, and Adam. */
import { grad } from '../autograd/grad.ts';
import { WgradError } from '../errors.ts';
import { input } from '../graph/leaves.ts';
import type { Model } from '../model/model.ts';
import { sum } from '../ops/reduce.ts';
import { resize } from '../ops/resize.ts';
import { choice, count, floats, nonNegative } from '../options.ts';
import { checkBlur } from './box_blur.ts';
import { maskedPicture } from './engines/masks.ts';
import type { Score } from './score.ts';
import { blurAxes } from './segments/picture.ts';
import type { MethodRun } from './types.ts';

export const maskGameOptions = {
  cells: count(28, 'of the mask along each side; enlarged bilinearly'),
  sigma: nonNegative(10, 'blur of what stands in hidden parts, pixels'),
  fill: floats('what stands there instead, [C,H,W] in input space'),
};
export const game = (fallback: 'delete' | 'preserve') =>
  choice(['delete', 'preserve'], fallback, 'the region takes the score away, or keeps it');

export interface MaskGame {
  /** Of the coarse mask. */
  readonly rows: number;
  readonly columns: number;
  /** @returns the score under a coarse mask (1 shows), its gradient at the cells, and the mask at the picture's size. */
  play(run: MethodRun): (mask: Float32Array) => Promise<Record<'scores' | 'gradient' | 'mask', Float32Array>>;
  dispose(): void;
}

/** @throws WgradError 'shape' for a fill of another size. */
export async function compileMaskGame(
  what: string,
  model: Model,
  score: Score,
  { cells, sigma, fill }: { cells: number; sigma: number; fill?: Float32Array | undefined },
  signal: AbortSignal | undefined,
): Promise<MaskGame> {
  checkBlur(sigma);
  const [channels, h, w] = model.pictureShape;
  const size = channels * h * w;
  if (fill && fill.length !== size) {
    throw new WgradError('shape', `${what}: ${fill.length} values of fill for a picture of ${size}`);
  }
  const [rows, columns] = [Math.min(cells, h), Math.min(cells, w)];
  const coarse = input('mask', [1, 1, rows, columns]);
  const mask = resize(coarse, [h, w]);
  const { scores } = score({ input: maskedPicture(model.pictureShape, mask) });
  const [gradient] = grad(sum(scores), [coarse]);
  const program = await model.engine.compile({ outputs: { scores, gradient: gradient!, mask } }, { signal });
  return {
    rows,
    columns,
    play(run) {
      const blurred = () => Float32Array.from(blurAxes(Float64Array.from(run.pixels), [[h, w], [w, 1]], sigma)); // prettier-ignore
      const fixed = { ...run.feeds, picture: run.pixels, fill: fill ?? blurred() };
      return (mask) => program.run({ ...fixed, mask }, { signal: run.signal });
    },
    dispose: () => program.dispose(),
  };
}

/**
 * Adam (Kingma and Ba 2015) with its usual constants, on the host: a mask has a few hundred cells. Values stay from 0
 * to 1.
 */
export function maskAdam(size: number, lr: number) {
  const [mean, square] = [new Float64Array(size), new Float64Array(size)];
  let t = 0;
  return (values: Float32Array, gradient: (u: number) => number) => {
    t++;
    for (let u = 0; u < size; u++) {
      const g = gradient(u);
      mean[u] = 0.9 * mean[u]! + 0.1 * g;
      square[u] = 0.999 * square[u]! + 0.001 * g * g;
      const step = (lr * (mean[u]! / (1 - 0.9 ** t))) / (Math.sqrt(square[u]! / (1 - 0.999 ** t)) + 1e-8);
      values[u] = Math.min(1, Math.max(0, values[u]! - step));
    }
  };
}
