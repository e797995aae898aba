/**
 * The one optimiser contract, of training and of ascent, as in torch.optim: what is kept for each parameter, the effect
 * that a step is, and the numbers that it reads.
 */
import { WgradError } from '../errors.ts';
import { Variable } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  adamSettings,
  adamUpdate,
  rmspropSettings,
  rmspropUpdate,
  SETTINGS,
  sgdSettings,
  sgdUpdate,
} from '../ops/effects.ts';
import { custom, flag, fraction, nonNegative, readOptions, required, share } from '../options.ts';

export { SETTINGS };

export interface Slot {
  /** Moments, to be saved in checkpoints. */
  state: readonly Variable[];
  /** The effect of one step. @param settings [rows, SETTINGS] @param row of the settings; default 0. */
  update(gradient: Tensor, settings: Tensor, row?: number): Tensor;
}

/** An optimiser of training and of ascent: `sgd()`, `adam()`, `adamw()`, `rmsprop()`. */
export interface Optimizer {
  readonly name: string;
  /** Learning rate before any schedule. */
  readonly lr: number;
  readonly weightDecay: number;
  /** The moments of one parameter, and its update as a tensor. */
  slot(parameter: Variable): Slot;
  /** One row of the settings at step t = 1, 2, ...: SETTINGS numbers. @param weightDecay default: the optimiser's. */
  settings(step: number, lr: number, weightDecay?: number): number[];
}

export const isOptimizer = (v: unknown): v is Optimizer =>
  typeof v === 'object' && v !== null && typeof (v as Optimizer).slot === 'function';

export const optimizerOption = custom<Optimizer>('sgd(), adam(), adamw() or rmsprop()', 'an optimizer', isOptimizer);

const zeros = (p: Variable, name: string) => new Variable(`${p.name}.${name}`, p.shape, 'zeros', p.layout);

const rate = required(nonNegative(undefined, 'learning rate'));
const decay = (fallback: number) => nonNegative(fallback, 'weight decay');
const momentumOption = share(0, 'of the last step that goes into this one');

export interface SgdOptions {
  lr: number;
  /** Default 0. */
  momentum?: number;
  /** Share of the gradient that the momentum leaves out after the first step; default 0. */
  dampening?: number;
  /** Needs a momentum, and no dampening. */
  nesterov?: boolean;
  /** Coupled: added to the gradient. Default 0. */
  weightDecay?: number;
}

const sgdOptions = {
  lr: rate,
  momentum: momentumOption,
  dampening: fraction(0, 'share of the gradient that the momentum leaves out'),
  nesterov: flag(false, 'look ahead by the momentum'),
  weightDecay: decay(0),
};

/**
 * torch.optim.SGD: theta' = theta - lr v, v' = momentum v + (1 - dampening) (grad + weightDecay theta), where the first
 * step is undamped.
 * @throws WgradError 'invalid-argument'.
 */
export function sgd(options: SgdOptions): Optimizer {
  const { lr, ...o } = readOptions('sgd', sgdOptions, { ...options });
  if (o.nesterov && o.momentum === 0) {
    throw new WgradError('invalid-argument', 'sgd: nesterov needs a momentum above 0');
  }
  if (o.nesterov && o.dampening !== 0) {
    throw new WgradError('invalid-argument', 'sgd: nesterov and dampening exclude each other');
  }
  return {
    name: 'sgd',
    lr,
    weightDecay: o.weightDecay,
    settings: (step, lr, weightDecay = o.weightDecay) => sgdSettings(step, { ...o, lr, weightDecay }),
    slot(p) {
      const velocity = o.momentum === 0 ? undefined : zeros(p, 'momentum');
      return {
        state: velocity ? [velocity] : [],
        update: (g, settings, row) => sgdUpdate(p, g, settings, { velocity }, row),
      };
    },
  };
}

export interface AdamOptions {
  lr: number;
  /** Default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Default 1e-8. */
  eps?: number;
  weightDecay?: number;
}

const isPair = (v: unknown) => Array.isArray(v) && v.length === 2 && v.every((b) => b >= 0 && b < 1);

const adamOptions = {
  lr: rate,
  betas: {
    ...custom<readonly [number, number]>('decay of the two means', 'two numbers of at least 0 and below 1', isPair),
    parse: (text: string) => text.split('/').map(Number) as [number, number],
  },
  eps: nonNegative(1e-8, 'added to the root'),
};
const adamTable = { ...adamOptions, weightDecay: decay(0) };
const adamwTable = { ...adamOptions, weightDecay: decay(1e-2) };

function adamLike(name: string, decoupled: boolean, given: AdamOptions): Optimizer {
  const table = decoupled ? adamwTable : adamTable;
  const { lr, betas = [0.9, 0.999], ...o } = readOptions(name, table, { ...given });
  return {
    name,
    lr,
    weightDecay: o.weightDecay,
    settings: (step, lr, weightDecay = o.weightDecay) =>
      adamSettings(step, { lr, betas, eps: o.eps, weightDecay, decoupled }),
    slot(p) {
      const [first, second] = [zeros(p, 'exp_avg'), zeros(p, 'exp_avg_sq')];
      return {
        state: [first, second],
        update: (g, settings, row) => adamUpdate(p, g, settings, { first, second }, row),
      };
    },
  };
}

/** torch.optim.Adam (Kingma and Ba, 2015): weight decay, default 0, joins the gradient. */
export const adam = (options: AdamOptions): Optimizer => adamLike('adam', false, options);

/** torch.optim.AdamW (Loshchilov and Hutter, 2019): decoupled weight decay, default 0.01. */
export const adamw = (options: AdamOptions): Optimizer => adamLike('adamw', true, options);

export interface RmspropOptions {
  lr: number;
  /** Decay of the mean of squares; default 0.99. */
  alpha?: number;
  /** Default 1e-8. */
  eps?: number;
  /** Default 0. */
  momentum?: number;
  /** Divide by the deviation from the mean gradient; default false. */
  centered?: boolean;
  /** Add eps under the root, as TensorFlow and Keras do; default false. */
  epsInRoot?: boolean;
  /** Coupled: added to the gradient. Default 0. */
  weightDecay?: number;
}

const rmspropOptions = {
  lr: rate,
  alpha: share(0.99, 'decay of the mean of squares'),
  eps: nonNegative(1e-8, 'added to the root'),
  momentum: momentumOption,
  centered: flag(false, 'divide by the deviation from the mean gradient'),
  epsInRoot: flag(false, 'add eps under the root'),
  weightDecay: decay(0),
};

/**
 * torch.optim.RMSprop (Tieleman and Hinton, 2012; centered: Graves, 2013): the gradient over the root of its mean
 * square, with a momentum of these steps.
 * @throws WgradError 'invalid-argument'.
 */
export function rmsprop(options: RmspropOptions): Optimizer {
  const { lr, ...o } = readOptions('rmsprop', rmspropOptions, { ...options });
  return {
    name: 'rmsprop',
    lr,
    weightDecay: o.weightDecay,
    settings: (_, lr, weightDecay = o.weightDecay) => rmspropSettings({ ...o, lr, weightDecay }),
    slot(p) {
      const squares = zeros(p, 'square_avg');
      const means = o.centered ? zeros(p, 'grad_avg') : undefined;
      const velocity = o.momentum === 0 ? undefined : zeros(p, 'momentum');
      return {
        state: [squares, means, velocity].filter((v) => v !== undefined),
        update: (g, settings, row) => rmspropUpdate(p, g, settings, { squares, means, velocity }, row),
      };
    },
  };
}

/** The options of each optimiser, by its name. */
export const optimizerTables = {
  sgd: sgdOptions,
  adam: adamTable,
  adamw: adamwTable,
  rmsprop: rmspropOptions,
} as const;

const optimizers = { sgd, adam, adamw, rmsprop } as const;

/** The optimiser of that name. @throws WgradError 'invalid-argument'. */
export const optimizerOf = (name: keyof typeof optimizers, options: Readonly<Record<string, unknown>>): Optimizer =>
  (optimizers[name] as (options: any) => Optimizer)(options);
