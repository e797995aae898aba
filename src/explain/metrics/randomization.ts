/**
 * The sanity check: a map that explains the network must change when the network's parameters are made random.
 * (Adebayo et al. 2018, arXiv:1810.03292.) Cascading: stage by stage from the classifier down, each on top of those
 * before; independent: one stage at a time. The parameters are put back at the end, whatever happens.
 */
import { WgradError } from '../../errors.ts';
import type { Model } from '../../model/model.ts';
import { abortSignal, callback, choice, readOptions, whole, type OptionsOf } from '../../options.ts';
import { Random } from '../../random.ts';
import { channelReduce } from '../channels.ts';
import type { Explainer } from '../explainer.ts';
import type { Attribution, Progress } from '../types.ts';
import { spearman, ssim } from './similarity.ts';

const options = {
  mode: choice(['cascading', 'independent'], 'cascading', 'stages on top of each other, or one at a time'),
  seed: whole(0, 'of the random parameters'),
  signal: abortSignal(),
  onProgress: callback<(progress: Progress) => void>('progress'),
};
/** Options of {@link parameterRandomization}. */
export type RandomizationOptions = OptionsOf<typeof options>;

/** The map after one stage was made random, beside that of the trained network. */
export interface Randomized {
  /** The stage that was made random (and, cascading, those after it in the network); 'labels' of random labels. */
  stage: string;
  /** Rank correlation of the magnitudes with those of the trained network's map: near 0 for a sound method. */
  spearman: number;
  /** Structural similarity of the magnitudes, each scaled to [0, 1]. */
  ssim: number;
  map: Float32Array;
}

/** Parameters by the first part of their layer's path, from the classifier down. BatchNorms keep theirs. */
function stagesOf(model: Model): Map<string, string[]> {
  const stages = new Map<string, string[]>();
  for (const [name, p] of [...model.network.parameters].reverse()) {
    const isWeight = p.trainable && (p.variable.shape.length > 1 || isHeadBias(model, name));
    if (!isWeight) continue;
    const stage = p.layer.split('.')[0] || name;
    stages.set(stage, [...(stages.get(stage) ?? []), name]);
  }
  return stages;
}

const isHeadBias = (model: Model, name: string) =>
  model.network.parameters.get(name)?.layer === model.roles.scores?.head;

/**
 * The other half of the check: the map of a network of the same architecture that was trained on random labels, beside
 * the map of the trained one, for the same class. A map that shows the picture rather than what was learnt stays.
 * @param twin the same method, compiled for that network.
 */
export async function dataRandomization(
  explainer: Explainer,
  twin: Explainer,
  pixels: Float32Array,
  { target, signal }: { target?: number; signal?: AbortSignal | undefined } = {},
): Promise<Randomized> {
  const clean = await explainer.run(pixels, { target, signal });
  const other = await twin.run(pixels, { target: clean.target ?? target, signal });
  return compared('labels', magnitudes(clean), other);
}

/**
 * Sanity check of a method (Adebayo et al. 2018, arXiv:1810.03292): a map that stays while the network's weights are made random does not explain the network.
 * @param explainer of the model that is checked; the target is kept through all stages.
 */
export async function parameterRandomization(
  explainer: Explainer,
  pixels: Float32Array,
  given: RandomizationOptions & { target?: number } = {},
): Promise<Randomized[]> {
  const { target: wanted, ...rest } = given;
  const { mode, seed, signal, onProgress } = readOptions('parameterRandomization', options, rest);
  const { model } = explainer;
  const { engine } = model;
  const stages = stagesOf(model);
  if (stages.size === 0) throw new WgradError('invalid-argument', 'the model has no parameters to make random');
  const random = new Random(`randomization ${seed}`);
  const clean = await explainer.run(pixels, { target: wanted, signal });
  const target = clean.target ?? wanted;
  const before = magnitudes(clean);
  const kept = new Map<string, Float32Array>();
  const restore = async () => {
    for (const [name, values] of kept) await engine.write(model.parameter(name).variable, values);
    kept.clear();
  };
  const results: Randomized[] = [];
  try {
    for (const [stage, names] of stages) {
      if (mode === 'independent') await restore();
      for (const name of names) {
        const { variable } = model.parameter(name);
        const values = await engine.read(variable, { signal });
        kept.set(name, values);
        // The spread stays that of the trained values: what goes is what was learnt.
        const spread = Math.sqrt(values.reduce((n, v) => n + v * v, 0) / values.length);
        await engine.write(
          variable,
          Float32Array.from(values, () => spread * random.normal()),
        );
      }
      results.push(compared(stage, before, await explainer.run(pixels, { target, signal })));
      onProgress?.({ done: results.length, total: stages.size });
    }
  } finally {
    await restore();
  }
  return results;
}

function compared(stage: string, before: Float32Array, a: Attribution): Randomized {
  const after = magnitudes(a);
  const [, h, w] = a.shape;
  const window = Math.min(7, oddBelow(Math.min(h, w)));
  const similarity = ssim(scaled(before), scaled(after), [h, w], { window, range: 1 });
  return { stage, spearman: spearman(before, after), ssim: similarity, map: a.map };
}

const oddBelow = (n: number) => (n % 2 === 1 ? n : n - 1);
const magnitudes = (a: Pick<Attribution, 'map' | 'shape'>) => channelReduce(a, 'abs-sum');

function scaled(values: Float32Array): Float32Array {
  let [low, high] = [Infinity, -Infinity];
  for (const v of values) [low, high] = [Math.min(low, v), Math.max(high, v)];
  return values.map((v) => (high > low ? (v - low) / (high - low) : 0));
}
