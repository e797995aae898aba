/** How far the maps of each method are to be trusted on a set of pictures: metrics, costs, sanity checks. */
import { WgradError } from '../../errors.ts';
import { checkPicture } from '../../model/gate.ts';
import { Model } from '../../model/model.ts';
import {
  abortSignal,
  callback,
  choice,
  count,
  custom,
  flag,
  readOptions,
  whole,
  type OptionsOf,
} from '../../options.ts';
import { costOf } from '../costs.ts';
import { createExplainer } from '../explainer.ts';
import { valuesOf } from '../figures/values.ts';
import { dataRandomization, parameterRandomization, type Randomized } from '../metrics/randomization.ts';
import type { MethodOptions } from '../methods/index.ts';
import type { Attribution, Progress } from '../types.ts';
import { defaultMeasures, measureNames, measureOf, type Measure, type MeasureName, type Measured } from './measures.ts';
import type { MethodTrust, StageSimilarity } from './result.ts';

/** A picture on which methods are measured. */
export interface TrustSample {
  /** What it is called in the result. */
  id: string;
  /** [C,H,W] in input space. */
  pixels: Float32Array;
  /** Where the object is, [H,W], above one half; without it the measures that need one are left out. */
  mask?: ArrayLike<number> | undefined;
  /** The class explained. Default: the predicted one. */
  target?: number | undefined;
}

const isMeasures = (v: unknown) => Array.isArray(v) && v.every((name) => measureNames.includes(name as MeasureName));

const options = {
  measures: custom<readonly MeasureName[]>(
    `of ${measureNames.join(', ')} (default: all but sensitivity)`,
    `a list of ${measureNames.join(', ')}`,
    isMeasures,
  ),
  neighbours: count(3, 'of sensitivity: pictures beside each, at most 0.02 of input space away'),
  randomize: whole(1, 'pictures whose maps are made anew while the parameters are made random, stage by stage'),
  parameters: flag(true, 'make the parameters random'),
  twin: custom<Model>(
    'the same architecture trained on random labels, whose maps of those pictures stand beside the others',
    'a Model',
    (v) => v instanceof Model,
  ),
  mode: choice(['cascading', 'independent'], 'cascading', 'stages on top of each other, or one at a time'),
  seed: whole(0, 'of all draws'),
  signal: abortSignal(),
  onProgress: callback<(progress: Progress & { method: string }) => void>('progress'),
  onMethod: callback<(method: string, measured: MethodTrust, all: Pick<Trust, 'targets' | 'forwardSeconds'>) => void>(
    'each method when it is done: what is left of a run that is aborted',
  ),
  onMap: callback<(method: string, sample: number, map: Attribution) => void | Promise<void>>('each map'),
  onRandomized: callback<(method: string, sample: number, stages: readonly Randomized[]) => void>(
    "each picture's maps with random parameters, and that of the twin",
  ),
  onFailure: callback<(method: string, error: WgradError) => void>('a method that cannot explain this model'),
};
/** Options of `measureTrust`. */
export type TrustOptions = OptionsOf<typeof options>;

/** What `measureTrust` found. */
export interface Trust {
  targets: number[];
  /** Of one picture's forward pass, alone: the median of five. */
  forwardSeconds: number;
  methods: Record<string, MethodTrust>;
  failed: Record<string, string>;
}

/** @throws WgradError 'dataset-empty', 'shape', 'invalid-argument'; the signal's reason when aborted. */
export async function measureTrust(
  model: Model,
  samples: readonly TrustSample[],
  settings: readonly MethodOptions[],
  given: TrustOptions = {},
): Promise<Trust> {
  const resolved = readOptions('trust', options, given);
  const { signal, seed, neighbours, randomize, parameters, twin, onFailure } = resolved;
  if (samples.length === 0) throw new WgradError('dataset-empty', 'trust: there is no picture');
  const hasMasks = samples.every((s) => s.mask !== undefined);
  const wanted = resolved.measures ?? defaultMeasures;
  if (!hasMasks && resolved.measures?.some((name) => measureOf(name).needsMask)) {
    throw new WgradError('invalid-argument', `trust: ${resolved.measures.filter((n) => measureOf(n).needsMask).join(', ')}: it is not known where the object is`, {
      remedy: 'Give a mask with every picture, or leave these measures out',
    }); // prettier-ignore
  }
  if (twin && (twin.pictureShape.join() !== model.pictureShape.join() || twin.classes !== model.classes)) {
    throw new WgradError('invalid-argument', 'trust: the network of random labels takes other pictures or has other classes', {
      remedy: 'Train the same architecture on the same pictures, their labels drawn at random',
    }); // prettier-ignore
  }
  for (const s of samples) checkPicture(s.pixels, model.pictureShape, `trust: ${s.id}`);
  const names = wanted.filter((name) => hasMasks || !measureOf(name).needsMask);
  const compiled: { name: MeasureName; measure: Awaited<ReturnType<Measure['compile']>> }[] = [];
  try {
    for (const name of names) {
      compiled.push({ name, measure: await measureOf(name).compile(model, { signal, seed, neighbours }) });
    }
    const { targets, forwardSeconds } = await predictions(model, samples, signal);
    const methods: Trust['methods'] = {};
    const failed: Trust['failed'] = {};
    for (const setting of settings) {
      signal?.throwIfAborted();
      try {
        const measured = await ofMethod(setting);
        methods[setting.method] = measured;
        resolved.onMethod?.(setting.method, measured, { targets, forwardSeconds });
      } catch (error) {
        if (!(error instanceof WgradError) || signal?.aborted) throw error;
        failed[setting.method] = error.message;
        onFailure?.(setting.method, error);
      }
    }
    return { targets, forwardSeconds, methods, failed };

    async function ofMethod(setting: MethodOptions): Promise<MethodTrust> {
      const { method, ...own } = setting;
      const values: Record<string, (number | null)[]> = Object.fromEntries(names.map((name) => [name, []]));
      const seconds: number[] = [];
      const stages: StageSimilarity[] = [];
      let relabelled: StageSimilarity | undefined;
      const note = ({ spearman, ssim }: StageSimilarity, found: Randomized) => {
        spearman.push(Number.isFinite(found.spearman) ? found.spearman : null);
        ssim.push(found.ssim);
      };
      using explainer = await createExplainer(model, setting, { signal });
      using of = twin && randomize > 0 ? await createExplainer(twin, setting, { signal }) : undefined;
      for (const [i, { pixels, mask }] of samples.entries()) {
        const target = targets[i]!;
        const began = performance.now();
        const attribution = await explainer.run(pixels, { target, signal });
        seconds.push((performance.now() - began) / 1000);
        await resolved.onMap?.(method, i, attribution);
        const [, height, width] = model.pictureShape;
        const { values: map } = valuesOf(attribution, {}, { width, height });
        const subject: Measured = { explainer, pixels, attribution, map, target, mask };
        for (const { name, measure } of compiled) {
          const value = await measure.of(subject);
          values[name]!.push(Number.isFinite(value) ? value : null);
        }
        if (i < randomize) {
          const random = parameters
            ? await parameterRandomization(explainer, pixels, { target, mode: resolved.mode, seed, signal })
            : [];
          random.forEach((one, k) => note((stages[k] ??= { stage: one.stage, spearman: [], ssim: [] }), one));
          const other = of && (await dataRandomization(explainer, of, pixels, { target, signal }));
          if (other) note((relabelled ??= { stage: other.stage, spearman: [], ssim: [] }), other);
          resolved.onRandomized?.(method, i, other ? [...random, other] : random);
        }
        resolved.onProgress?.({ method, done: i + 1, total: samples.length });
      }
      const forwards = costOf(method, plainOptions(own), pixelsOf(model)) ?? null;
      const result = { options: plainOptions(own), forwards, seconds, values, randomized: stages };
      return relabelled ? { ...result, relabelled } : result;
    }
  } finally {
    for (const { measure } of compiled) measure.dispose?.();
  }
}

const pixelsOf = (model: Model) => model.pictureShape.reduce((a, b) => a * b);

/** Without pictures and the like: what a reader can be told. */
const plainOptions = (given: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(given).filter(([, v]) => v !== undefined && !ArrayBuffer.isView(v)));

/** The classes to explain, and how long a forward pass of one picture takes. */
async function predictions(model: Model, samples: readonly TrustSample[], signal: AbortSignal | undefined) {
  const targets: number[] = [];
  for (const { pixels, target } of samples) {
    targets.push(target ?? (await model.classify(pixels, { top: 1, signal }))[0]!.index);
  }
  const times: number[] = [];
  for (let k = 0; k < 5; k++) {
    const began = performance.now();
    await model.run(samples[0]!.pixels, { signal });
    times.push((performance.now() - began) / 1000);
  }
  return { targets, forwardSeconds: times.sort((a, b) => a - b)[2]! };
}
