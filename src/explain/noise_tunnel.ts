/**
 * Any method averaged over noisy copies of the picture, as Captum's NoiseTunnel: the mean of the maps, the mean of
 * their squares, or their variance. SmoothGrad and VarGrad are this with the gradient, made on the device.
 */
import { count, choice, positive, readOptions, whole, type OptionsOf } from '../options.ts';
import { Random } from '../random.ts';
import { standardError, noError } from './errors.ts';
import type { Explainer } from './explainer.ts';
import type { Attribution, RunOptions } from './types.ts';

const options = {
  samples: count(10, 'noisy copies'),
  deviation: positive(1, 'standard deviation of the noise, in input space'),
  statistic: choice(['mean', 'square', 'variance'], 'mean', 'of the maps'),
  seed: whole(0, 'of the noise'),
};

/** Options of `noiseTunnel`. */
export type NoiseTunnelOptions = OptionsOf<typeof options>;

/**
 * @param pixels one picture [C,H,W]. The target defaults to the class of the picture without noise.
 * @returns the map of that statistic, with the standard error of the mean.
 */
export async function noiseTunnel(
  explainer: Explainer,
  pixels: Float32Array,
  given: NoiseTunnelOptions = {},
  run: RunOptions = {},
): Promise<Attribution> {
  const { samples, deviation, statistic, seed } = readOptions('noiseTunnel', options, given);
  const random = new Random(`noise tunnel ${seed}`);
  const clean = await explainer.run(pixels, { target: run.target, signal: run.signal });
  const target = run.target ?? clean.target ?? undefined;
  const means = new Float64Array(clean.map.length);
  const squares = new Float64Array(clean.map.length);
  for (let k = 0; k < samples; k++) {
    const noisy = pixels.map((v) => v + deviation * random.normal());
    const { map } = await explainer.run(noisy, { target, signal: run.signal });
    map.forEach((v, i) => {
      means[i]! += v / samples;
      squares[i]! += (v * v) / samples;
    });
    run.onProgress?.({ done: k + 1, total: samples });
    const soFar = samples / (k + 1);
    if (statistic === 'mean') run.onPartial?.({ map: Float32Array.from(means, (v) => v * soFar), shape: clean.shape });
  }
  const map = Float32Array.from(means, (m, i) =>
    statistic === 'mean' ? m : statistic === 'square' ? squares[i]! : Math.max(0, squares[i]! - m * m),
  );
  const isMean = statistic === 'mean' && samples > 1;
  const error = isMean
    ? standardError(means, squares, samples)
    : noError('a spread, which has no error of its own here');
  const { method, shape, target: index, label, score } = clean;
  return { method, shape, target: index, score, ...(label !== undefined && { label }), map, error };
}
