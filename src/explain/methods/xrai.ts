/**
 * XRAI: integrated gradients from black and from white, summed up region by region over segmentations of six scales.
 * (Kapishnikov, Bolukbasi, Viegas, Terry 2019, arXiv:1906.02825; parameters of the authors' code.)
 */
import { WgradError } from '../../errors.ts';
import { resizePlanes } from '../../image/resize.ts';
import type { Model } from '../../model/model.ts';
import { count, custom, flag, floats, whole } from '../../options.ts';
import { Pace } from '../../pace.ts';
import { painted } from '../engines/segment_masks.ts';
import { noError, printError } from '../errors.ts';
import { edgesOf, joined } from '../segments/felzenszwalb.ts';
import { colorsOf } from '../segments/of_model.ts';
import type { Colors } from '../segments/picture.ts';
import { defineMethod } from '../types.ts';
import { integratedGradients } from './integrated_gradients.ts';
import { labelledRegions, rankRegions } from '../xrai_regions.ts';

/** Felzenszwalb's parameters, for pictures of 224 x 224 with colours from -1 to 1. */
const SIDE = 224;
const SCALES = [50, 100, 150, 250, 500, 1200];
const SIGMA = 0.8;
const MIN_SIZE = 150;

export const xrai = defineMethod({
  summary: 'regions in the order of their mean integrated gradient, each pixel with the gain of its region',
  options: {
    steps: count(50, 'nodes of each path of integrated gradients'),
    baselines: floats('pictures [K,C,H,W] in input space that the paths start from (default: black and white)'),
    attribution: floats('a map [C,H,W] in place of integrated gradients'),
    regions: custom<readonly Int32Array[]>(
      'label maps [H,W] in place of Felzenszwalb segments of six scales',
      'a list of Int32Array',
      (v) => Array.isArray(v) && v.length > 0 && v.every((labels) => labels instanceof Int32Array),
    ),
    dilation: whole(5, 'pixels by which each region grows'),
    fast: flag(false, 'one pass over the regions in the order of their means, instead of the best each time'),
    batch: count(4, 'pictures in one run'),
  },
  target: 'one',
  cost: ({ steps, baselines, attribution }, size) =>
    attribution ? { gradients: 3 } : { gradients: (steps + 2) * ((baselines?.length ?? 2 * size) / size) },
  async compile(model, score, { steps, batch, attribution, regions, dilation, fast, ...options }, control) {
    const [channels, h, w] = model.pictureShape;
    const size = channels * h * w;
    if (attribution && attribution.length !== size) {
      throw new WgradError('shape', `xrai: ${attribution.length} values of attribution for a picture of ${size}`);
    }
    if (dilation > Math.max(h, w)) {
      throw new WgradError('invalid-argument', `xrai: regions cannot grow by ${dilation} pixels in ${h} x ${w}`, {
        remedy: 'Some 5 pixels are usual',
      });
    }
    const path = attribution
      ? { steps: 1, baselines: undefined } // only for the score
      : { steps, baselines: options.baselines ?? blackAndWhite(model) };
    const gradients = await integratedGradients.compile(model, score, { ...path, rule: 'gauss-legendre', batch }, control); // prettier-ignore
    for (const labels of regions ?? []) {
      if (labels.length === h * w && labels.every((label) => label >= 0)) continue;
      throw new WgradError('shape', `xrai: ${labels.length} labels, none below 0, for ${h} x ${w} pixels are needed`);
    }
    return {
      async run(run) {
        const pace = new Pace(run.signal);
        const integrated = await gradients.run({ ...run, onPartial: undefined });
        const map = attribution ?? integrated.map;
        const strongest = Float32Array.from({ length: h * w }, (_, i) => {
          let most = -Infinity;
          for (let c = 0; c < channels; c++) most = Math.max(most, map[c * h * w + i]!);
          return most;
        });
        const labels = regions ?? (await scales(colorsOf('xrai', model, run.pixels), pace));
        const sets = labels.flatMap((each) => labelledRegions(each, w, h, dilation));
        await pace.next();
        const { order, gains } = rankRegions(strongest, sets, fast);
        return {
          map: painted(order, gains),
          shape: [1, h, w],
          score: integrated.score,
          error: noError(attribution ? 'an order of regions' : `of its gradients: ${printError(integrated.error)}`),
          regions: { labels: order, values: gains },
        };
      },
      dispose: () => gradients.dispose(),
    };
  },
});

/** Both as input: [2,C,H,W]. @throws WgradError 'invalid-argument' where the model does not say what they are. */
function blackAndWhite({ pictureShape, preprocess }: Model): Float32Array {
  if (!preprocess) {
    throw new WgradError('invalid-argument', 'xrai: the model does not say what its input makes of black and white', {
      remedy: 'Give baselines, in input space',
    });
  }
  const [channels, h, w] = pictureShape;
  const { mean, std } = preprocess;
  const out = new Float32Array(2 * channels * h * w);
  for (let k = 0; k < 2 * channels; k++) {
    const [white, c] = [Math.floor(k / channels), k % channels];
    out.fill((white - (mean[c] ?? mean[0]!)) / (std[c] ?? std[0]!), k * h * w, (k + 1) * h * w);
  }
  return out;
}

/** The picture stretched to -1..1, cut at each scale. */
async function scales(colors: Colors, pace: Pace): Promise<Int32Array[]> {
  const { width, height } = colors;
  const { data } = square(colors);
  let [low, high] = [Infinity, -Infinity];
  for (const v of data) [low, high] = [Math.min(low, v), Math.max(high, v)];
  const range = high > low ? high - low : 1;
  const stretched = { width: SIDE, height: SIDE, data: data.map((v) => (2 * (v - low)) / range - 1) };
  const edges = await edgesOf(stretched, SIGMA, pace);
  const maps: Int32Array[] = [];
  for (const scale of SCALES) {
    const labels = await joined(edges, { scale, minSize: MIN_SIZE }, pace);
    const nearest = (i: number, extent: number) => Math.floor(((i + 0.5) * SIDE) / extent);
    maps.push(
      Int32Array.from({ length: width * height }, (_, i) => {
        return labels[nearest(Math.floor(i / width), height) * SIDE + nearest(i % width, width)]!;
      }),
    );
  }
  return maps;
}

/** Enlarged or reduced by the triangle filter to the size that the parameters are made for. */
function square({ width, height, data }: Colors): Colors {
  if (width === SIDE && height === SIDE) return { width, height, data };
  const area = width * height;
  const planes = Float32Array.from(data, (_, i) => data[3 * (i % area) + Math.floor(i / area)]!);
  const resized = resizePlanes({ width, height, channels: 3, data: planes }, SIDE, SIDE).data;
  const hwc = Float64Array.from(resized, (_, i) => resized[(i % 3) * SIDE * SIDE + Math.floor(i / 3)]!);
  return { width: SIDE, height: SIDE, data: hwc };
}
