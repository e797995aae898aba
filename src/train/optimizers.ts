/** Optimisers as in torch.optim: what they keep for each parameter, and the effect that a step is. */
import { WgradError } from '../errors.ts';
import { Variable } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import { adamUpdate, sgdUpdate } from '../ops/effects.ts';
import { custom, flag, nonNegative, readOptions, required, share } from '../options.ts';

/** Values that change from step to step reach the device as one small input. */
export const SCALARS = 3;

export interface Slot {
  /** Moments, to be saved in checkpoints. */
  state: readonly Variable[];
  /** The effect of one step. `scalars` is an input of {@link SCALARS} values. */
  update(gradient: Tensor, scalars: Tensor): Tensor;
}

export interface Optimizer {
  readonly name: string;
  /** Learning rate before any schedule. */
  readonly lr: number;
  slot(parameter: Variable): Slot;
  /** Values of the `scalars` input at step t = 1, 2, ... */
  scalars(step: number, lr: number): number[];
}

const zeros = (p: Variable, name: string) =>
  new Variable(`${p.name}.${name}`, p.shape, new Float32Array(p.initial.length), p.layout);

export interface SgdOptions {
  lr: number;
  momentum?: number;
  nesterov?: boolean;
  /** Coupled: added to the gradient. */
  weightDecay?: number;
}

const rate = required(nonNegative(undefined, 'learning rate'));
const decay = (fallback: number) => nonNegative(fallback, 'weight decay');

const sgdOptions = {
  lr: rate,
  momentum: share(0, 'of the last step that goes into this one'),
  nesterov: flag(false, 'look ahead by the momentum'),
  weightDecay: decay(0),
};

/**
 * theta' = theta - lr * v, v' = momentum * v + grad + weightDecay * theta.
 * @throws WgradError 'invalid-argument'.
 */
export function sgd(options: SgdOptions): Optimizer {
  const { lr, momentum, nesterov, weightDecay } = readOptions('sgd', sgdOptions, { ...options });
  if (nesterov && momentum === 0) throw new WgradError('invalid-argument', 'sgd: nesterov needs a momentum above 0');
  return {
    name: 'sgd',
    lr,
    scalars: (_, rate) => [rate, 0, 0],
    slot(p) {
      const velocity = momentum === 0 ? undefined : zeros(p, 'momentum');
      return {
        state: velocity ? [velocity] : [],
        update: (g, scalars) => sgdUpdate(p, g, scalars, velocity, { momentum, nesterov, weightDecay }),
      };
    },
  };
}

export interface AdamOptions {
  lr: number;
  betas?: readonly [number, number];
  eps?: number;
  weightDecay?: number;
}

const isPair = (v: unknown) => Array.isArray(v) && v.length === 2 && v.every((b) => b >= 0 && b < 1);

const adamOptions = {
  lr: rate,
  betas: custom<readonly [number, number]>('decay of the two means', 'two numbers of at least 0 and below 1', isPair),
  eps: nonNegative(1e-8, 'added to the root'),
};

function adamLike(name: string, decoupled: boolean, o: AdamOptions): Optimizer {
  const table = { ...adamOptions, weightDecay: decay(decoupled ? 1e-2 : 0) };
  const { lr, betas = [0.9, 0.999], eps, weightDecay } = readOptions(name, table, { ...o });
  return {
    name,
    lr,
    scalars: (step, rate) => [rate, 1 - betas[0] ** step, Math.sqrt(1 - betas[1] ** step)],
    slot(p) {
      const [m, v] = [zeros(p, 'exp_avg'), zeros(p, 'exp_avg_sq')];
      return {
        state: [m, v],
        update: (g, scalars) => adamUpdate(p, g, scalars, m, v, { betas, eps, weightDecay, decoupled }),
      };
    },
  };
}

/** Kingma and Ba, 2015; weight decay joins the gradient. */
export const adam = (options: AdamOptions): Optimizer => adamLike('adam', false, options);

/** Loshchilov and Hutter, 2019: decoupled weight decay, default 0.01. */
export const adamw = (options: AdamOptions): Optimizer => adamLike('adamw', true, options);
