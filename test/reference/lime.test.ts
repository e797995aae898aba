/** Superpixels against scikit-image, LIME against lime, ablation against Captum, XRAI against PAIR. */
import { describe, expect, it } from 'vitest';
import { explain, imageAndMask } from '../../src/explain/index.ts';
import { segment, type SegmentOptions } from '../../src/explain/segments/index.ts';
import { momentsOf, ridge } from '../../src/explain/surrogate/ridge.ts';
import { selections } from '../../src/explain/surrogate/select.ts';
import { imagenetPreprocess, normalize } from '../../src/image/preprocess.ts';
import { dataFolder } from '../support/data.ts';
import { testEngine } from '../support/engine.ts';
import { shapesModel, golden2, goldenModel } from '../support/golden.ts';
import { report } from '../support/report.ts';
import { tolerance } from '../tolerance.ts';

describe.skipIf(!dataFolder)('segments', () => {
  const reference = dataFolder ? golden2('lime-segments') : undefined!;
  const quickshift: SegmentOptions = { segmentation: 'quickshift' };
  const cases: Record<string, SegmentOptions> = {
    'quickshift.sigma0': quickshift,
    'quickshift.sigma1': { ...quickshift, sigma: 1 },
    'quickshift.other': { ...quickshift, kernelSize: 3, maxDistance: 10, ratio: 0.5 },
    slic: { segmentation: 'slic', segmentCount: 50, sigma: 1 },
    slic2: { segmentation: 'slic', segmentCount: 100, compactness: 20 },
    felzenszwalb: { segmentation: 'felzenszwalb', scale: 100, sigma: 0.5, minSize: 50 },
    felzenszwalb2: { segmentation: 'felzenszwalb' },
  };
  const small: Record<string, SegmentOptions> = {
    ...cases,
    slic: { ...cases['slic'], segmentCount: 16 },
    slic2: { ...cases['slic2'], segmentCount: 25 },
  };
  const rows = ['small', 'p0', 'p1'].flatMap((picture) => Object.keys(cases).map((name) => [picture, name] as const));
  const stored = rows.filter(([picture, name]) => reference?.has(`${picture}.${name}`));

  it.each(stored)('%s.%s: no pixel differs', async (picture, name) => {
    const [height, width] = reference.shape(`${picture}.image`) as [number, number, number];
    const image = { width, height, data: Uint8Array.from(reference.tensor(`${picture}.image`)) };
    const noise = name.startsWith('quickshift') ? reference.tensor(`${picture}.quickshift_noise`) : undefined;
    const began = performance.now();
    const labels = await segment(image, { ...(picture === 'small' ? small : cases)[name], noise });
    const seconds = (performance.now() - began) / 1000;
    const expected = reference.tensor(`${picture}.${name}`);
    const first = name === 'slic2' ? 1 : 0; // skimage's start_label
    const different = labels.reduce((n, label, i) => n + (label + first === expected[i] ? 0 : 1), 0);
    console.log(`${picture}.${name}: ${different} of ${labels.length} pixels differ, ${seconds.toFixed(2)} s`);
    expect(different).toBe(0);
  });
});

/** Masks, targets and options of each entry as they were given to lime. */
describe.skipIf(!dataFolder)('lime', { timeout: 30 * 60_000 }, () => {
  const check = report('LIME');
  const reference = dataFolder ? golden2('lime-explain') : undefined!;
  interface Stored {
    intercept: number;
    score: number;
    local_pred: number;
    local_exp: [number, number][];
  }

  const entries = ['small', 'small.float', 'small.hide0', 'small.forward4', 'small.highest8', 'shapes', 'p0'];
  it.each(entries)('%s', async (name) => {
    const engine = await testEngine();
    const file = name === 'p0' ? 'resnet50-coarse' : 'mini-legacy';
    const model = name === 'shapes' ? await shapesModel(engine) : await goldenModel(engine, file);
    const stored = reference.values[name] as {
      hide_color: number | null;
      image_kind: string;
      num_features: number;
      labels: Record<string, Stored>;
    };
    const [height, width] = reference.shape(`${name}.image`) as [number, number, number];
    const image = { width, height, data: Uint8Array.from(reference.tensor(`${name}.image`)) };
    const pixels = normalize(image, model.preprocess ?? imagenetPreprocess);
    const colors = reference.has(`${name}.fudged`) ? reference.tensor(`${name}.fudged`) : undefined;
    const { mean, std } = model.preprocess ?? imagenetPreprocess;
    // lime's own hidden picture where it truncates the means of 8-bit pictures.
    const fudged = Float32Array.from(pixels, (_, i) => {
      const c = Math.floor(i / (height * width));
      return ((colors?.[3 * (i % (height * width)) + c] ?? 0) / 255 - mean[c]!) / std[c]!;
    });
    const hiding =
      stored.hide_color !== null
        ? { color: [0, 0, 0].fill(stored.hide_color) }
        : stored.image_kind === 'u8'
          ? { fill: fudged }
          : {};
    const targets = Object.keys(stored.labels).map(Number);
    const began = performance.now();
    const maps = await explain(model, pixels, {
      method: 'lime',
      output: 'probability',
      targets,
      labels: Int32Array.from(reference.tensor(`${name}.segments`)),
      masks: Uint8Array.from(reference.tensor(`${name}.masks`)),
      ...(stored.num_features < 1000 && { numFeatures: stored.num_features }),
      featureSelection: name === 'small.forward4' ? 'forward' : name === 'small.highest8' ? 'highest' : 'auto',
      ...hiding,
      batch: 16,
    });
    console.log(`${name}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
    for (const [i, k] of targets.entries()) {
      const { intercept, score, local_pred, local_exp } = stored.labels[k]!;
      const { regions, error } = maps[i]!;
      const values = new Float64Array(regions!.values.length);
      for (const [segment, value] of local_exp) values[segment] = value;
      check(`${name} class ${k}`, regions!.values, values, { relL2: tolerance.miniGradient });
      const fit = [regions!.intercept!, regions!.prediction!, error.kind === 'surrogate-fit' ? error.r2 : NaN];
      check(`${name} class ${k} fit`, fit, [intercept, local_pred, score], { maxRel: tolerance.longSum });
    }
    const views = { pos5: {}, both10: {}, neg3: {}, min: {} };
    const given = (reference.values[name] as any).image_and_mask as Record<string, any>;
    for (const view of Object.keys(views)) {
      const { positive_only: positiveOnly, negative_only: negativeOnly, num_features: numFeatures } = given[view];
      const { hide_rest: hideRest, min_weight: minWeight } = given[view];
      // The smallest weight is one of lime's own: ours may be a rounding error below it.
      const options = { positiveOnly, negativeOnly, numFeatures, hideRest, minWeight: minWeight && 0.9999 * minWeight };
      const { mask, image: shown } = imageAndMask(image, maps[0]!.regions!, options);
      check(`${name} ${view}`, mask, reference.tensor(`${name}.mask.${view}`), { maxAbs: 0 });
      if (!reference.has(`${name}.shown.${view}`)) continue;
      const scale = stored.image_kind === 'u8' ? 1 : 255;
      const expected = reference.tensor(`${name}.shown.${view}`).map((v) => Math.round(scale * v));
      check(`${name} ${view} picture`, shown.data, expected, { maxAbs: 0 });
    }
    model.dispose();
  });

  const ways = { forward_selection: 'forward', highest_weights: 'highest', lasso_path: 'lasso', none: 'none', auto: 'auto' } as const; // prettier-ignore
  it.each(Object.keys(ways) as (keyof typeof ways)[])('select.%s', (way) => {
    const bits = Uint8Array.from(reference.tensor('select.data'));
    const features = reference.shape('select.data')[1]!;
    const weights = Float64Array.from(reference.tensor('select.distances'), (d) =>
      Math.sqrt(Math.exp(-((d / 0.25) ** 2))),
    );
    const [moments] = momentsOf({ bits, weights, features }, [reference.tensor('select.y')]);
    for (const count of [3, 5, 7]) {
      const stored = reference.values[`select.${way}.${count}`];
      const chosen = selections[ways[way]](moments!, count);
      expect(chosen).toEqual(stored.selected);
      const fit = ridge(moments!, chosen, 1);
      const byFeature = new Map(stored.exp as [number, number][]);
      check(
        `${way} ${count}`,
        fit.coefficients,
        chosen.map((i) => byFeature.get(i)!),
        { maxRel: tolerance.op },
      );
      check(`${way} ${count} fit`, [fit.intercept, fit.r2], [stored.intercept, stored.score], { maxRel: tolerance.op });
    }
  });
});

describe.skipIf(!dataFolder)('regions', { timeout: 30 * 60_000 }, () => {
  const check = report('Ablation and XRAI');
  it.each(['mini', 'shapes'])('%s', async (name) => {
    const engine = await testEngine();
    const model = name === 'mini' ? await goldenModel(engine, 'mini-legacy') : await shapesModel(engine);
    const reference = golden2('attr-more');
    const x = reference.tensor(`${name}.input`);
    const target = reference.values[`${name}.target`] as number;
    const area = 64 * 64;
    const limit = { relL2: tolerance.miniGradient };

    const labels = Int32Array.from(reference.tensor(`${name}.ablation.segments`));
    const ablated = await explain(model, x, { method: 'feature-ablation', target, labels });
    check(`${name} ablation`, ablated.regions!.values, reference.tensor(`${name}.ablation.values`), limit);

    // PAIR's own integrated gradients, from the picture's smallest and largest value.
    const attribution = reference.tensor(`${name}.xrai.attribution`);
    const sorted = x.toSorted();
    const baselines = Float32Array.from({ length: 2 * x.length }, (_, i) => sorted[i < x.length ? 0 : x.length - 1]!);
    const integrated = await explain(model, x, { method: 'integrated-gradients', rule: 'endpoints', steps: 20, baselines, target }); // prettier-ignore
    check(`${name} xrai gradients`, integrated.map, attribution, limit);

    const maps = (key: string) => {
      const all = Int32Array.from(reference.tensor(key));
      return Array.from({ length: all.length / area }, (_, k) => all.subarray(k * area, (k + 1) * area));
    };
    const given = { method: 'xrai', target, attribution } as const;
    const two = { ...given, regions: maps(`${name}.xrai.labels`), dilation: 0 };
    const full = await explain(model, x, two);
    check(`${name} xrai full`, full.map, reference.tensor(`${name}.xrai.full`), { maxRel: tolerance.op });
    const ranks = full.regions!.labels.map((place) => place + 1);
    check(`${name} xrai ranks`, ranks, reference.tensor(`${name}.xrai.ranks`), { maxAbs: 0 });
    const fast = await explain(model, x, { ...two, fast: true });
    check(`${name} xrai fast`, fast.map, reference.tensor(`${name}.xrai.fast`), { maxRel: tolerance.op });
    const grown = await explain(model, x, { ...given, regions: maps(`${name}.xrai.default_labels`) });
    check(`${name} xrai dilated`, grown.map, reference.tensor(`${name}.xrai.default`), { maxRel: tolerance.op });
    // Our own segments: PAIR enlarges small pictures by cubic splines, we linearly.
    const own = await explain(model, x, given);
    check(`${name} xrai default`, own.map, reference.tensor(`${name}.xrai.default`), { cosine: 0.9 });
    model.dispose();
  });
});
