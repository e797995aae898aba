/**
 * Effects: ops that change variables in place. They run after everything else, and what they read of variables is as it
 * was before the run; their results are tokens for `engine.compile({ updates })`. Optimiser formulas follow PyTorch
 * (kernels/sgd.wgsl, kernels/adam.wgsl).
 */
import { grid } from '../gpu/grid.ts';
import { adam, ema, sgd } from '../gpu/kernels.gen.ts';
import { variableOf, type Variable } from '../graph/leaves.ts';
import type { Op } from '../graph/op.ts';
import { sameShape, show } from '../graph/shape.ts';
import { apply1, withRole, type Layout, type Tensor } from '../graph/tensor.ts';
import { WgradError } from '../errors.ts';

/** Updates are elementwise: the other operands are read in the variable's physical order. */
const variableLayout = (t: Tensor): Layout => variableOf(t)!.layout;

const token = (name: string, variable: Tensor, value: Tensor) => {
  if (!sameShape(variable.shape, value.shape)) {
    throw new WgradError('shape', `${name}: ${variable} cannot take a value of shape ${show(value.shape)}`);
  }
  return [{ shape: [], dtype: 'f32' as const }];
};

const effect = <A>(op: Op<A>, inputs: Tensor[], attrs: A): Tensor =>
  withRole('update', () => apply1(op, inputs, attrs));

export interface SgdAttrs {
  momentum: number;
  nesterov: boolean;
  weightDecay: number;
}

const sgdOp: Op<SgdAttrs> = {
  name: 'sgd',
  effect: { changes: [0, 3], inputs: ['parameter', 'gradient', 'learning rate', 'momentum'] },
  infer: ([p, g]) => token('sgd', p!, g!),
  lower(ctx, { inputs: [p, g, scalars, v], attrs }) {
    const count = Math.ceil(p!.size / 4);
    ctx.dispatch(sgd, {
      bindings: {
        p: ctx.update(p!),
        g: ctx.read(g!, variableLayout(p!)),
        v: v ? ctx.update(v) : ctx.scratch(1),
        scalars: ctx.read(scalars!),
        guard: ctx.guard(),
      },
      constants: { COUNT: count, MOMENTUM: attrs.momentum, NESTEROV: attrs.nesterov, WEIGHT_DECAY: attrs.weightDecay },
      workgroups: grid(count, 64),
    });
  },
};

/** @param scalars [lr]. @param velocity needed where momentum is not 0; starts at zero. */
export const sgdUpdate = (
  p: Variable,
  g: Tensor,
  scalars: Tensor,
  velocity: Variable | undefined,
  attrs: SgdAttrs,
): Tensor => effect(sgdOp, [p.tensor, g, scalars, ...(velocity ? [velocity.tensor] : [])], attrs);

export interface AdamAttrs {
  betas: readonly [number, number];
  eps: number;
  weightDecay: number;
  /** True: AdamW (Loshchilov and Hutter, 2019). */
  decoupled: boolean;
}

const adamOp: Op<AdamAttrs> = {
  name: 'adam',
  effect: { changes: [0, 3, 4], inputs: ['parameter', 'gradient', 'learning rate', 'first moment', 'second moment'] },
  infer: ([p, g]) => token('adam', p!, g!),
  lower(ctx, { inputs: [p, g, scalars, m, v], attrs }) {
    const count = Math.ceil(p!.size / 4);
    ctx.dispatch(adam, {
      bindings: {
        p: ctx.update(p!),
        g: ctx.read(g!, variableLayout(p!)),
        m: ctx.update(m!),
        v: ctx.update(v!),
        scalars: ctx.read(scalars!),
        guard: ctx.guard(),
      },
      constants: {
        COUNT: count,
        BETA1: attrs.betas[0],
        BETA2: attrs.betas[1],
        ONE_MINUS_BETA1: 1 - attrs.betas[0],
        ONE_MINUS_BETA2: 1 - attrs.betas[1],
        EPS: attrs.eps,
        WEIGHT_DECAY: attrs.weightDecay,
        DECOUPLED: attrs.decoupled,
      },
      workgroups: grid(count, 64),
    });
  },
};

/** @param scalars [lr, 1 - beta1^t, sqrt(1 - beta2^t)] for step t = 1, 2, ... */
export const adamUpdate = (
  p: Variable,
  g: Tensor,
  scalars: Tensor,
  m: Variable,
  v: Variable,
  attrs: AdamAttrs,
): Tensor => effect(adamOp, [p.tensor, g, scalars, m.tensor, v.tensor], attrs);

interface EmaAttrs {
  momentum: number;
  scale: number;
}

const emaOp: Op<EmaAttrs> = {
  name: 'ema',
  effect: { changes: [0], inputs: ['variable', 'new value'] },
  infer: ([variable, value]) => token('ema', variable!, value!),
  lower(ctx, { inputs: [variable, value], attrs }) {
    const count = Math.ceil(variable!.size / 4);
    ctx.dispatch(ema, {
      bindings: { x: ctx.read(value!, variableLayout(variable!)), y: ctx.update(variable!), guard: ctx.guard() },
      constants: { COUNT: count, MOMENTUM: attrs.momentum, SCALE: attrs.scale },
      workgroups: grid(count, 64),
    });
  },
};

/** variable = (1 - momentum) * variable + momentum * scale * value: running statistics. */
export const emaUpdate = (variable: Variable, value: Tensor, momentum: number, scale = 1): Tensor =>
  effect(emaOp, [variable.tensor, value], { momentum, scale });

/** variable = value. */
export const assign = (variable: Variable, value: Tensor): Tensor => emaUpdate(variable, value, 1);
