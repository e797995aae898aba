/**
 * The learning-rate range test (Smith, 2017): the rate rises by one factor a step while the loss is watched. What it
 * suggests is where the smoothed loss falls fastest; the model is afterwards as it was.
 */
import type { Model } from '../model/model.ts';
import { count, custom, positive, readOptions, required } from '../options.ts';
import type { Dataset } from './dataset.ts';
import { fit, type FitOptions } from './fit.ts';

/** Options of `findLr`. */
export interface FindLrOptions extends Omit<
  FitOptions,
  'epochs' | 'schedule' | 'resume' | 'checkpoint' | 'validation'
> {
  /** First rate; default 1e-6. */
  from?: number;
  /** Last rate; default 1. */
  to?: number;
  /** Steps between them, at most; default 100. Ends before, where the loss is four times the lowest. */
  steps?: number;
}

/** A step of the finder. */
export interface LrPoint {
  lr: number;
  loss: number;
  /** Exponential mean of the losses, corrected for its beginning; of weight 0.9, as fastai has it. */
  smoothed: number;
}

/** The losses by learning rate, and what they suggest. */
export interface FoundLr {
  curve: LrPoint[];
  /** Where the smoothed loss falls fastest over the logarithm of the rate; undefined where it never falls. */
  suggestion: number | undefined;
}

const tables = {
  from: positive(1e-6, 'first rate'),
  to: positive(1, 'last rate'),
  steps: count(100, 'steps'),
  optimizer: required(custom<FitOptions['optimizer']>('the optimiser', 'an optimizer', (v) => typeof v === 'object')),
};
const SMOOTH = 0.9;

/** @throws WgradError as `fit` does; a loss that is not finite ends the test. */
export async function findLr(model: Model, data: Dataset, options: FindLrOptions): Promise<FoundLr> {
  const { from: given, to, steps: most, ...rest } = options;
  const range = { from: given, to, steps: most, optimizer: rest.optimizer };
  const { from, to: last, steps, optimizer } = readOptions('findLr', tables, range);
  const before = await model.state();
  const curve: LrPoint[] = [];
  const batch = Math.min(rest.batchSize ?? 16, data.length) * (rest.accumulate ?? 1);
  const epochs = Math.ceil(steps / Math.max(1, Math.floor(data.length / batch)));
  const schedule = () => (from * (last / from) ** (curve.length / Math.max(1, steps - 1))) / optimizer.lr;
  let [mean, best] = [0, Infinity];
  try {
    for await (const event of fit(model, data, { ...rest, epochs, schedule })) {
      if (event.type !== 'step') continue;
      mean = SMOOTH * mean + (1 - SMOOTH) * event.loss;
      const smoothed = mean / (1 - SMOOTH ** (curve.length + 1));
      curve.push({ lr: event.lr, loss: event.loss, smoothed });
      best = Math.min(best, smoothed);
      if (curve.length >= steps || smoothed > 4 * best) break;
    }
  } catch (error) {
    if ((error as { code?: string }).code !== 'not-finite' || curve.length === 0) throw error;
  } finally {
    const parameters = model.network.parameters;
    await Promise.all([...before].map(([name, value]) => model.engine.write(parameters.get(name)!.variable, value)));
  }
  return { curve, suggestion: steepest(curve) };
}

/** The rate at the steepest fall of the smoothed loss. */
export function steepest(curve: readonly LrPoint[]): number | undefined {
  let [found, least] = [undefined as number | undefined, 0];
  for (let i = 1; i + 1 < curve.length; i++) {
    const [a, b] = [curve[i - 1]!, curve[i + 1]!];
    const slope = (b.smoothed - a.smoothed) / (Math.log(b.lr) - Math.log(a.lr));
    if (slope < least) [found, least] = [curve[i]!.lr, slope];
  }
  return found;
}
