/** Options of `wgrad finetune` that say how the parameters move, and what they come to. */
import { WgradError } from '../errors.ts';
import type { Model } from '../model/model.ts';
import { byteFolder } from '../node/byte_folder.ts';
import { atMost, choice, count, fraction, name, nonNegative, positive, share, whole, type GivenKind } from '../options.ts'; // prettier-ignore
import type { CacheOptions, FitOptions } from '../train/fit.ts';
import { layerwiseDecay, type ParameterGroup } from '../train/groups.ts';
import { lossTables, type LossName } from '../train/loss.ts';
import type { ClassWeights, Sampling } from '../train/sampling.ts';
import { optimizerOf, optimizerTables, type Optimizer } from '../train/optimizers.ts';
import { product, schedule, scheduleTables, type Schedule, type ScheduleData } from '../train/schedule.ts';
import { list, named, shownAs, type Named } from './kinds.ts';

/** Have flags of their own. */
const FLAGS = ['lr', 'weightDecay'];

export const trainOptions = {
  optimizer: named(optimizerTables, 'sgd', 'the optimiser; sgd has momentum 0.9 unless told otherwise', FLAGS),
  lr: positive(0.01, 'learning rate'),
  'weight-decay': nonNegative(0, 'weight decay'),
  'decay-on': choice(['all', 'weights'], 'all', 'what decays; weights: no biases, no BatchNorm'),
  'layer-decay': shownAs('F', positive(undefined, 'each stage learns at F times the rate of the next one')),
  groups: list(
    shownAs('GLOB=RATE', name('a learning rate for the parameters that match; the first that matches counts')),
  ),
  schedule: named(scheduleTables, 'cosine', 'learning rate over time'),
  warmup: whole(0, 'steps over which the learning rate rises from a third'),
  'clip-norm': positive(undefined, 'largest L2 norm of all gradients together'),
  'clip-value': positive(undefined, "largest magnitude of a gradient's value"),
  accumulate: atMost(65_536, count(1, 'batches whose mean gradient is one step')),
  ema: share(undefined, 'decay of a moving average of the parameters, which is what is evaluated and written'),
  smoothing: fraction(0, 'share of the target that is spread over all classes'),
  loss: named(lossTables, 'cross-entropy', 'what is made small'),
  'class-weights': shownAs(
    'balanced|CLASS=W[,...]',
    name('how much classes count in the loss (default: all the same)'),
  ),
  sampling: choice(['shuffle', 'balanced'], 'shuffle', 'pictures of an epoch; balanced: each class as often'),
  distill: shownAs('SHARE', fraction(undefined, 'of the loss that holds to what the model said before')),
  'distill-temperature': positive(2, 'by which its scores are divided'),
  cache: shownAs('off|memory|DIR', {
    ...name("where the frozen part's work is kept, so that later epochs cost the unfrozen part only"),
    default: 'memory',
  } as GivenKind<string>),
  'cache-memory': count(512, 'MB for it'),
};

export interface TrainChoice {
  optimizer?: Named<keyof typeof optimizerTables> | undefined;
  lr: number;
  'weight-decay': number;
  'decay-on': 'all' | 'weights';
  'layer-decay'?: number | undefined;
  groups: readonly string[];
  schedule?: Named<keyof typeof scheduleTables> | undefined;
  warmup: number;
  'clip-norm'?: number | undefined;
  'clip-value'?: number | undefined;
  accumulate: number;
  ema?: number | undefined;
  smoothing: number;
  loss?: Named<LossName> | undefined;
  'class-weights'?: string | undefined;
  sampling: Sampling;
  distill?: number | undefined;
  'distill-temperature': number;
  cache: string;
  'cache-memory': number;
}

export const optimizerFrom = (o: TrainChoice): Optimizer => {
  const { name, options } = o.optimizer!;
  const own = name === 'sgd' ? { momentum: 0.9, ...options } : options;
  return optimizerOf(name, { ...own, lr: o.lr, weightDecay: o['weight-decay'] });
};

/** @throws WgradError 'usage' for a schedule without what it needs. */
export function scheduleFrom({ schedule: chosen, warmup }: TrainChoice): Schedule {
  let rest: ScheduleData;
  try {
    rest = schedule(chosen!.name, chosen!.options);
  } catch (cause) {
    throw new WgradError('usage', (cause as Error).message, { cause });
  }
  return warmup > 0 ? product(schedule('linear', { over: warmup }), rest) : rest;
}

/** @throws WgradError 'usage'. */
export function groupsFrom(model: Model, o: TrainChoice): ParameterGroup[] {
  const given = o.groups.map((text): ParameterGroup => {
    const [, match, rate] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    const lr = Number(rate);
    if (!match || !(lr >= 0)) throw new WgradError('usage', `--groups ${text} is not GLOB=RATE`);
    return { match, lr };
  });
  return [...given, ...(o['layer-decay'] === undefined ? [] : layerwiseDecay(model, o['layer-decay']))];
}

/** @throws WgradError 'usage'. */
function weightsFrom(text: string): ClassWeights {
  if (text === 'balanced') return text;
  const pairs = text.split(',').map((part) => {
    const [, label, weight] = /^(.+)=([^=]+)$/.exec(part) ?? [];
    if (label === undefined || !(Number(weight) >= 0)) {
      throw new WgradError('usage', `--class-weights ${part} is neither 'balanced' nor CLASS=WEIGHT`);
    }
    return [label, Number(weight)] as const;
  });
  return Object.fromEntries(pairs);
}

async function cacheFrom(o: TrainChoice): Promise<CacheOptions | false> {
  if (o.cache === 'off') return false;
  const memory = o['cache-memory'] * 1e6;
  return o.cache === 'memory' ? { memory } : { memory, store: await byteFolder(o.cache) };
}

/** What `fit` takes of them. */
export const fitFrom = async (model: Model, o: TrainChoice): Promise<Omit<FitOptions, 'epochs'>> => ({
  optimizer: optimizerFrom(o),
  groups: groupsFrom(model, o),
  decayOn: o['decay-on'],
  clipNorm: o['clip-norm'],
  clipValue: o['clip-value'],
  accumulate: o.accumulate,
  ema: o.ema,
  labelSmoothing: o.smoothing,
  loss: { ...o.loss!.options, name: o.loss!.name },
  sampling: o.sampling,
  ...(o['class-weights'] !== undefined && { classWeights: weightsFrom(o['class-weights']) }),
  ...(o.distill !== undefined && { distill: { weight: o.distill, temperature: o['distill-temperature'] } }),
  schedule: scheduleFrom(o),
  cache: await cacheFrom(o),
});
