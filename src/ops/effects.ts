/**
 * Effects: ops that change variables in place. They run after everything else, and what they read of variables is as it
 * was before the run; their results are tokens for `engine.compile({ updates })`. Optimiser formulas follow PyTorch
 * (kernels/sgd.wgsl, adam.wgsl, rmsprop.wgsl).
 */
import { grid } from '../gpu/grid.ts';
import type { Kernel } from '../gpu/kernel.ts';
import { adam, bound, ema, rmsprop, sgd } from '../gpu/kernels.gen.ts';
import { Variable, variableOf } from '../graph/leaves.ts';
import type { Storage } from '../graph/lower.ts';
import type { Op } from '../graph/op.ts';
import { sameShape, show } from '../graph/shape.ts';
import { apply1, withRole, type Layout, type Tensor } from '../graph/tensor.ts';
import { WgradError } from '../errors.ts';
import { requireFloat, requireNumber } from './check.ts';

/** Updates are elementwise: the other operands are read in the variable's physical order. */
const variableLayout = (t: Tensor): Layout => variableOf(t)!.layout;

const token = (name: string, variable: Tensor, ...values: Tensor[]) => {
  for (const value of values) {
    requireFloat(name, value);
    if (!sameShape(variable.shape, value.shape)) {
      throw new WgradError('shape', `${name}: ${variable} cannot take a value of shape ${show(value.shape)}`);
    }
  }
  return [{ shape: [], dtype: 'f32' as const }];
};

/** @param changed what it changes first. */
function effect<A>(op: Op<A>, changed: Variable, inputs: Tensor[], attrs: A): Tensor {
  if (!(changed instanceof Variable)) {
    throw new WgradError('invalid-argument', `${op.name}: something else than a Variable is to be changed`);
  }
  return withRole('update', () => apply1(op, [changed.tensor, ...inputs], attrs));
}

/**
 * Numbers in one row of an optimiser's settings: learning rate, decay and the like reach the device as one small tensor
 * [rows, SETTINGS], so that any of them may change from step to step, and parameters with a rate of their own have a
 * row of their own.
 */
export const SETTINGS = 12;

const settingsRow = (values: readonly number[]): number[] => [
  ...values,
  ...new Array<number>(SETTINGS - values.length).fill(0),
];

interface UpdateAttrs {
  row: number;
  /** The kernel's buffers that have a variable; the others are not used. */
  moments: readonly string[];
}

/** One optimiser's step of one parameter: in p, the gradient, the settings, and what it keeps between steps. */
function updateOp(name: string, kernel: Kernel, kept: readonly string[]): Op<UpdateAttrs> {
  return {
    name,
    effect: { changes: [0, 3, 4, 5], inputs: ['parameter', 'gradient', 'learning rate', ...kept] },
    infer([p, g, settings, ...moments], { row }) {
      requireFloat(name, settings!);
      if (settings!.size < (row + 1) * SETTINGS) {
        throw new WgradError('shape', `${name}: the settings ${settings} have no row ${row} of ${SETTINGS} numbers`);
      }
      return token(name, p!, g!, ...moments);
    },
    lower(ctx, { inputs: [p, g, settings, ...moments], attrs }) {
      const count = Math.ceil(p!.size / 4);
      const bindings: Record<string, Storage> = {
        p: ctx.update(p!),
        g: ctx.read(g!, variableLayout(p!)),
        settings: ctx.read(settings!),
        guard: ctx.guard(),
        at: ctx.constant(Uint32Array.of(count, attrs.row * SETTINGS)),
      };
      for (const buffer of kept) {
        const moment = moments[attrs.moments.indexOf(buffer)];
        bindings[buffer] = moment ? ctx.update(moment) : ctx.scratch(1);
      }
      ctx.dispatch(kernel, { bindings, workgroups: grid(count, 64) });
    },
  };
}

/** @param moments by the name of the kernel's buffer; all of the parameter's shape and layout. */
function update(
  op: Op<UpdateAttrs>,
  p: Variable,
  g: Tensor,
  settings: Tensor,
  moments: Readonly<Record<string, Variable | undefined>>,
  row: number,
): Tensor {
  const given = Object.entries(moments).filter((entry): entry is [string, Variable] => entry[1] !== undefined);
  const attrs = { row, moments: given.map(([name]) => name) };
  return effect(op, p, [g, settings, ...given.map(([, v]) => v.tensor)], attrs);
}

const sgdOp = updateOp('sgd', sgd, ['velocity']);
const adamOp = updateOp('adam', adam, ['first', 'second']);
const rmspropOp = updateOp('rmsprop', rmsprop, ['squares', 'means', 'velocity']);

export interface SgdSettings {
  lr: number;
  momentum?: number;
  /** 1: the momentum takes the whole gradient at the first step only. */
  dampening?: number;
  nesterov?: boolean;
  weightDecay?: number;
}

/** The row of {@link sgdUpdate} at step t = 1, 2, ... */
export const sgdSettings = (t: number, o: SgdSettings): number[] =>
  settingsRow([o.lr, o.weightDecay ?? 0, o.momentum ?? 0, t === 1 ? 1 : 1 - (o.dampening ?? 0), o.nesterov ? 1 : 0]);

/**
 * torch.optim.SGD. @param settings [rows, SETTINGS], whose `row` is {@link sgdSettings}
 * @param moments velocity: needed where momentum is not 0; starts at zero.
 */
export const sgdUpdate = (
  p: Variable,
  g: Tensor,
  settings: Tensor,
  moments: { velocity?: Variable | undefined },
  row = 0,
): Tensor => update(sgdOp, p, g, settings, { ...moments }, row);

export interface AdamSettings {
  lr: number;
  betas: readonly [number, number];
  eps: number;
  weightDecay: number;
  /** True: AdamW (Loshchilov and Hutter, 2019). */
  decoupled: boolean;
}

/** The row of {@link adamUpdate} at step t = 1, 2, ... */
export const adamSettings = (t: number, { lr, betas: [b1, b2], eps, weightDecay, decoupled }: AdamSettings): number[] =>
  settingsRow([
    lr / (1 - b1 ** t),
    decoupled ? 1 - lr * weightDecay : 1,
    decoupled ? 0 : weightDecay,
    ...[b1, 1 - b1, b2, 1 - b2, Math.sqrt(1 - b2 ** t), eps],
  ]);

/** torch.optim.Adam and AdamW. @param settings [rows, SETTINGS], whose `row` is {@link adamSettings} */
export const adamUpdate = (
  p: Variable,
  g: Tensor,
  settings: Tensor,
  moments: { first: Variable; second: Variable },
  row = 0,
): Tensor => update(adamOp, p, g, settings, { ...moments }, row);

export interface RmspropSettings {
  lr: number;
  alpha: number;
  eps: number;
  weightDecay: number;
  momentum: number;
  centered: boolean;
  /** The root is taken of the sum with eps, as in TensorFlow and Keras, instead of the square alone. */
  epsInRoot: boolean;
}

/** The row of {@link rmspropUpdate}, the same at every step. */
export const rmspropSettings = (o: RmspropSettings): number[] =>
  settingsRow([o.lr, o.weightDecay, o.alpha, 1 - o.alpha, o.eps, o.momentum, o.centered ? 1 : 0, o.epsInRoot ? 1 : 0]);

/**
 * torch.optim.RMSprop. @param settings [rows, SETTINGS], whose `row` is {@link rmspropSettings}
 * @param moments means: needed where centered; velocity: where momentum is not 0. All start at zero.
 */
export const rmspropUpdate = (
  p: Variable,
  g: Tensor,
  settings: Tensor,
  moments: { squares: Variable; means?: Variable | undefined; velocity?: Variable | undefined },
  row = 0,
): Tensor => update(rmspropOp, p, g, settings, { ...moments }, row);

interface EmaAttrs {
  keep: number;
  gain: number;
}

const emaOp: Op<EmaAttrs> = {
  name: 'ema',
  effect: { changes: [0], inputs: ['variable', 'new value', 'weights'] },
  infer([variable, value, weights]) {
    if (weights) requireFloat('ema', weights);
    if (weights && weights.size !== 2) throw new WgradError('shape', `ema: the weights ${weights} are not two numbers`);
    return token('ema', variable!, value!);
  },
  lower(ctx, { inputs: [variable, value, weights], attrs: { keep, gain } }) {
    const count = Math.ceil(variable!.size / 4);
    ctx.dispatch(ema, {
      bindings: {
        x: ctx.read(value!, variableLayout(variable!)),
        y: ctx.update(variable!),
        weights: weights ? ctx.read(weights) : ctx.constant(Float32Array.of(keep, gain)),
        guard: ctx.guard(),
        at: ctx.constant(Uint32Array.of(count)),
      },
      workgroups: grid(count, 64),
    });
  },
};

/** variable = keep * variable + gain * value, for weights = [keep, gain]. With keep 0 it takes the value whatever it was. */
export const blend = (variable: Variable, value: Tensor, weights: Tensor): Tensor =>
  effect(emaOp, variable, [value, weights], { keep: 0, gain: 0 });

/** variable = (1 - momentum) * variable + momentum * scale * value: running statistics. */
export function emaUpdate(variable: Variable, value: Tensor, momentum: number, scale = 1): Tensor {
  requireNumber('ema', { momentum, scale });
  return effect(emaOp, variable, [value], { keep: 1 - momentum, gain: momentum * scale });
}

/** variable = value. */
export const assign = (variable: Variable, value: Tensor): Tensor => emaUpdate(variable, value, 1);

const boundOp: Op<object> = {
  name: 'bound',
  effect: { changes: [0], inputs: ['variable', 'lower bound', 'upper bound'] },
  infer: ([variable, low, high]) => token('bound', variable!, low!, high!),
  lower(ctx, { inputs: [variable, low, high] }) {
    const count = Math.ceil(variable!.size / 4);
    const layout = variableLayout(variable!);
    ctx.dispatch(bound, {
      bindings: {
        y: ctx.update(variable!),
        low: ctx.read(low!, layout),
        high: ctx.read(high!, layout),
        guard: ctx.guard(),
        at: ctx.constant(Uint32Array.of(count)),
      },
      workgroups: grid(count, 64),
    });
  },
};

/** variable = min(max(variable, low), high), as earlier effects of the list have left it. Bounds of its shape. */
export const boundUpdate = (variable: Variable, low: Tensor, high: Tensor): Tensor =>
  effect(boundOp, variable, [low, high], {});
