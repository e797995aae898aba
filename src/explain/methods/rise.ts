/**
 * RISE: R = sum over random masks m of f(x m) m, over N p, m a coarse random grid enlarged smoothly and shifted.
 * (Petsiuk, Das, Saenko 2018, arXiv:1806.07421, whose f is a probability: `output: 'probability'`.) Hidden parts take
 * the value 0 of the network's input.
 */
import { WgradError } from '../../errors.ts';
import { input } from '../../graph/leaves.ts';
import { mul } from '../../ops/binary.ts';
import { enlarged, gridMask } from '../../ops/grid_mask.ts';
import { reshape } from '../../ops/reshape.ts';
import { count, floats, fraction, whole } from '../../options.ts';
import { Random } from '../../random.ts';
import { compileSum } from '../engines/sums.ts';
import { noError, standardError } from '../errors.ts';
import { defineMethod } from '../types.ts';

export const rise = defineMethod({
  summary: 'score averaged over random smooth masks, each weighted by what it shows',
  options: {
    samples: count(4000, 'masks'),
    cells: count(7, 'cells along a side of the coarse grid'),
    p: fraction(0.5, 'probability that a cell shows'),
    seed: whole(0, 'of the masks'),
    grids: floats('the coarse grids themselves, [samples, cells, cells], with `shifts`'),
    shifts: floats('row and column at which each enlarged grid is cropped, [samples, 2], pixels'),
    batch: count(8, 'masks in one run'),
  },
  target: 'one',
  cost: ({ samples }) => ({ forwards: samples + 1 }),
  async compile(model, score, { cells, p, seed, grids, shifts, batch: limit, ...options }, control) {
    const samples = shifts ? shifts.length / 2 : options.samples;
    if ((grids?.length ?? 0) !== (shifts ? samples * cells * cells : 0)) {
      throw new WgradError(
        'shape',
        `rise: ${grids?.length ?? 0} values of grids for ${samples} masks of ${cells} x ${cells} cells`,
      );
    }
    if (!grids && (p === 0 || p === 1)) {
      throw new WgradError('invalid-argument', `rise: p is ${p}: all masks are equal, and ${p ? 'everything' : 'nothing'} would show`, {
        remedy: 'Choose a probability between: 0.5 is usual',
      }); // prettier-ignore
    }
    if (p === 0) throw new WgradError('invalid-argument', 'rise: p is 0; the sum is divided by it');
    const [c, h, w] = model.pictureShape;
    if (cells > Math.min(h, w)) {
      throw new WgradError('invalid-argument', `rise: ${cells} cells along a side of ${h} x ${w} pixels`, {
        remedy: 'Take cells of several pixels: 7 along a side are usual',
      });
    }
    const sums = await compileSum(model, {
      ...control,
      count: samples + 1,
      limit,
      build(batch) {
        const mask = gridMask(input('grid', [batch, cells, cells]), input('shift', [batch, 2]), [h, w]);
        const { scores } = score({ input: mul(input('picture', [1, c, h, w]), mask) });
        return { terms: mul(mask, reshape(scores, [batch, 1, 1, 1])), values: { score: scores } };
      },
      squares: samples > 1,
    });
    const { batch } = sums;
    const [tall, wide] = [h, w].map((n) => enlarged(n, cells) - n) as [number, number];
    // The whole picture comes last, with weight 0: for its score.
    const weights = new Float64Array(samples + 1).fill(1 / (samples * p), 0, samples);
    return {
      async run(run) {
        const random = new Random(`rise ${seed}`);
        const feeds = (first: number) => {
          const grid = new Float32Array(batch * cells * cells).fill(1);
          const shift = new Float32Array(2 * batch);
          const end = Math.min(first + batch, samples);
          if (grids) grid.set(grids.subarray(first * cells * cells, end * cells * cells));
          if (shifts) shift.set(shifts.subarray(2 * first, 2 * end));
          for (let k = 0; !grids && k < end - first; k++) {
            for (let i = 0; i < cells * cells; i++) grid[k * cells * cells + i] = random.uniform() < p ? 1 : 0;
            shift.set([random.int(tall), random.int(wide)], 2 * k);
          }
          return { picture: run.pixels, grid, shift };
        };
        const { map, squares, values } = await sums.run({ weights, feeds, run });
        // The sums are means over p: those of the squares are, once more.
        const error = squares
          ? standardError(
              map,
              squares.map((s) => s / p),
              samples,
            )
          : noError('one mask has no spread');
        return { map, shape: [1, h, w], score: values.score[samples]!, error };
      },
      dispose: () => sums.dispose(),
    };
  },
});
