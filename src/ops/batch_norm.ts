/**
 * Batch normalisation (Ioffe and Szegedy, 2015) over the channels of [N,C,H,W] or [N,C]:
 *
 *   y = (x - mean) / sqrt(var + eps) * weight + bias,   xhat = (x - mean) / sqrt(var + eps)
 *   dweight = sum(dy xhat)   dbias = sum(dy)
 *   eval mode (statistics given):    dx = dy weight / sqrt(var + eps)
 *   train mode (the batch's own):    dx = weight / sqrt(var + eps) * (dy - sum(dy)/n - xhat sum(dy xhat)/n)
 */
import { batchNormFold, batchNormGrad, batchNormGradFold, batchNormSums, scaleShift } from '../gpu/kernels.gen.ts';
import type { Op } from '../graph/op.ts';
import { apply, apply1, type Tensor } from '../graph/tensor.ts';
import { grid, type LowerContext, type Storage } from '../plan/lower.ts';
import { WgradError } from '../errors.ts';
import { mul } from './binary.ts';
import { requireFloat } from './check.ts';
import { emitReduce, mean } from './reduce.ts';
import { reshape } from './reshape.ts';
import { affine, rsqrt } from './unary.ts';

interface EpsAttrs {
  eps: number;
}

const channelsLast = (t: Tensor) => (t.rank === 4 ? 'nhwc' : 'row');

const vector = (c: number) => ({ shape: [c], dtype: 'f32' as const });

/** (weight, bias, mean, var) to (scale, shift): the affine map that BatchNorm is once its statistics are given. */
const foldOp: Op<EpsAttrs> = {
  name: 'batch_norm_fold',
  infer: ([weight]) => [vector(weight!.size), vector(weight!.size)],
  lower(ctx, { inputs: [weight, bias, mean, variance], outputs: [scale, shift], attrs }) {
    ctx.dispatch(batchNormFold, {
      bindings: {
        weight: ctx.read(weight!),
        bias: ctx.read(bias!),
        mean: ctx.read(mean!),
        variance: ctx.read(variance!),
        scale: ctx.write(scale!),
        shift: ctx.write(shift!),
      },
      constants: { C: weight!.size, EPS: attrs.eps },
      workgroups: grid(weight!.size, 64),
    });
  },
};

/** Rows of [rows, C] that one invocation adds up; more are split, for accuracy and for parallel work. */
const ROWS_A_PART = 256;

/** Two per-channel sums of kernels/batch_norm_sums.wgsl into `first` and `second`. */
function channelSums(
  ctx: LowerContext,
  inputs: { dy: Tensor; x: Tensor; mean: Tensor },
  square: boolean,
  first: Storage,
  second: Storage,
): void {
  const layout = channelsLast(inputs.x);
  const c = inputs.mean.size;
  const rows = inputs.x.size / c;
  const parts = Math.ceil(rows / ROWS_A_PART);
  const partials = ctx.scratch(parts * 2 * c);
  ctx.dispatch(batchNormSums, {
    bindings: {
      dy: ctx.read(inputs.dy, layout),
      x: ctx.read(inputs.x, layout),
      mean: ctx.read(inputs.mean),
      y: partials,
    },
    constants: { ROWS: rows, C: c, PARTS: parts, SQUARE: square },
    workgroups: grid(c * parts, 64),
  });
  const kept = [{ extent: c, stride: 1 }];
  const gone = [{ extent: parts, stride: 2 * c }];
  emitReduce(ctx, 'sum', partials, first, kept, gone, c, 1, 0);
  emitReduce(ctx, 'sum', partials, second, kept, gone, c, 1, c);
}

/** (dy, x, mean) to (sum dy, sum dy (x - mean)). */
const sumsOp: Op<object> = {
  name: 'batch_norm_sums',
  infer: ([, , mean]) => [vector(mean!.size), vector(mean!.size)],
  lower(ctx, { inputs: [dy, x, mean], outputs: [a, b] }) {
    channelSums(ctx, { dy: dy!, x: x!, mean: mean! }, false, ctx.write(a!), ctx.write(b!));
  },
};

/** (x, mean) to (sum (x - mean), sum (x - mean)^2). */
const spreadOp: Op<object> = {
  name: 'batch_norm_spread',
  infer: ([, mean]) => [vector(mean!.size), vector(mean!.size)],
  lower(ctx, { inputs: [x, mean], outputs: [a, b] }) {
    channelSums(ctx, { dy: x!, x: x!, mean: mean! }, true, ctx.write(a!), ctx.write(b!));
  },
};

/** Inputs x, weight, bias, mean, var, and scale, shift folded from them. */
export const batchNormOp: Op<EpsAttrs & { training: boolean }> = {
  name: 'batch_norm',
  infer: ([x]) => [{ shape: x!.shape, dtype: 'f32' }],
  vjp: ({ inputs, attrs }, [dy]) => {
    const [x, weight, , mean, variance, scale] = inputs as Tensor[] as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
    let known: Tensor[] | undefined;
    const sums = () => (known ??= apply(sumsOp, [dy!, x, mean], {}));
    const broad = (v: Tensor) => (x.rank === 4 ? reshape(v, [v.size, 1, 1]) : v);
    return [
      () =>
        attrs.training
          ? apply1(trainGradOp, [dy!, x, weight, mean, variance, ...sums()], { eps: attrs.eps })
          : mul(dy!, broad(scale)),
      () => mul(sums()[1]!, rsqrt(affine(variance, 1, attrs.eps))),
      () => sums()[0]!,
      null,
      null,
      null,
      null,
    ];
  },
  lower(ctx, { inputs: [x, , , , , scale, shift], outputs: [y] }) {
    const layout = channelsLast(x!);
    ctx.dispatch(scaleShift, {
      bindings: { x: ctx.read(x!, layout), scale: ctx.read(scale!), shift: ctx.read(shift!), y: ctx.write(y!, layout) },
      constants: { COUNT: y!.size, C: scale!.size },
      workgroups: grid(y!.size, 64),
    });
  },
  flops: ({ outputs: [y] }) => 2 * y!.size,
};

const trainGradOp: Op<EpsAttrs> = {
  name: 'batch_norm_train_grad',
  infer: ([dy]) => [{ shape: dy!.shape, dtype: 'f32' }],
  lower(ctx, { inputs, outputs: [dx], attrs }) {
    const [dy, x, weight, mean, variance, sumDy, sumDyX] = inputs as Tensor[] as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    const layout = channelsLast(x);
    const c = weight.size;
    const coefficients = ctx.scratch(3 * c);
    ctx.dispatch(batchNormGradFold, {
      bindings: {
        weight: ctx.read(weight),
        mean: ctx.read(mean),
        variance: ctx.read(variance),
        sum_dy: ctx.read(sumDy),
        sum_dy_x: ctx.read(sumDyX),
        coefficients,
      },
      constants: { C: c, N: x.size / c, EPS: attrs.eps },
      workgroups: grid(c, 64),
    });
    ctx.dispatch(batchNormGrad, {
      bindings: { dy: ctx.read(dy, layout), x: ctx.read(x, layout), coefficients, dx: ctx.write(dx!, layout) },
      constants: { COUNT: x.size, C: c },
      workgroups: grid(x.size, 64),
    });
  },
};

export interface BatchNormTensors {
  /** All [C]. */
  weight: Tensor;
  bias: Tensor;
  mean: Tensor;
  variance: Tensor;
}

function normalize(x: Tensor, t: BatchNormTensors, eps: number, training: boolean): Tensor {
  const c = x.shape[1];
  requireFloat('batch_norm', x, t.weight, t.bias, t.mean, t.variance);
  if ((x.rank !== 4 && x.rank !== 2) || [t.weight, t.bias, t.mean, t.variance].some((v) => v.size !== c)) {
    throw new WgradError('shape', `batch_norm: ${x} needs rank 2 or 4, and weight, bias, mean, variance of [${c}]`);
  }
  const [scale, shift] = apply(foldOp, [t.weight, t.bias, t.mean, t.variance], { eps });
  return apply1(batchNormOp, [x, t.weight, t.bias, t.mean, t.variance, scale!, shift!], { eps, training });
}

/** Eval mode: the running statistics are given and constant. */
export const batchNorm = (x: Tensor, tensors: BatchNormTensors, eps = 1e-5): Tensor =>
  normalize(x, tensors, eps, false);

/**
 * Train mode: normalises by the batch's own statistics.
 * @returns y, and the batch's mean and biased variance [C] for the running statistics.
 */
export function batchNormTrain(
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  eps = 1e-5,
): { y: Tensor; mean: Tensor; variance: Tensor } {
  const average = mean(x, x.rank === 4 ? [0, 2, 3] : [0]);
  const [, squares] = apply(spreadOp, [x, average], {});
  const variance = affine(squares!, average.size / x.size);
  const y = normalize(x, { weight, bias, mean: average, variance }, eps, true);
  return { y, mean: average, variance };
}
