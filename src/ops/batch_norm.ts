/**
 * Batch normalisation (Ioffe and Szegedy, 2015) over the channels of [N,C,H,W] or [N,C]:
 *
 *   y = (x - mean) / sqrt(var + eps) * weight + bias,   xhat = (x - mean) / sqrt(var + eps)
 *   dweight = sum(dy xhat)   dbias = sum(dy)
 *   eval mode (statistics given):    dx = dy weight / sqrt(var + eps)
 *   train mode (the batch's own):    dx = weight / sqrt(var + eps) * (dy - sum(dy)/n - xhat sum(dy xhat)/n)
 */
import { grid, vectorWidth } from '../gpu/grid.ts';
import { packStruct } from '../gpu/kernel.ts';
import {
  batchNormFold,
  batchNormGrad,
  batchNormGradFold,
  batchNormStats,
  batchNormStatsFinish,
  batchNormSums,
  batchNormSumsFinish,
} from '../gpu/kernels.gen.ts';
import type { Op } from '../graph/op.ts';
import { apply, apply1, type Tensor } from '../graph/tensor.ts';
import { WgradError } from '../errors.ts';
import { add, mul, sub } from './binary.ts';
import { broadcastTo } from './broadcast.ts';
import { requireEpsilon, requireFloat, requireKnown } from './check.ts';
import { withStep } from './epilogue.ts';
import { emitFinish } from './gemm.ts';
import { reshape } from './reshape.ts';
import { affine } from './unary.ts';

interface EpsAttrs {
  eps: number;
}

const channelsLast = (t: Tensor) => (t.rank === 4 ? 'nhwc' : 'row');

/** A [C] vector under a shape that broadcasts over the channels of x. */
const alongChannels = (v: Tensor, x: Tensor) => (x.rank === 4 ? reshape(v, [v.size, 1, 1]) : v);

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
        sizes: ctx.constant(packStruct(batchNormFold, 'sizes', { c: weight!.size })),
      },
      constants: { EPS: attrs.eps },
      workgroups: grid(weight!.size, 64),
    });
  },
};

/** Rows of [rows, C] that one invocation adds up; more are split, for accuracy and for parallel work. */
const ROWS_A_PART = 256;
/** Beyond it the parts grow instead: one invocation a channel adds the parts up. */
const MOST_PARTS = 256;

function partition(x: Tensor) {
  const c = x.shape[1]!;
  const rows = x.size / c;
  const parts = Math.min(Math.ceil(rows / ROWS_A_PART), MOST_PARTS);
  const width = vectorWidth(c);
  return {
    c,
    parts,
    width,
    /** Of the kernels that make parts, and of those that join them. */
    sizes: { rows, c: c / width, parts },
    finish: { rows, c, parts },
    workgroups: grid((c / width) * parts, 64),
  };
}

/** (dy, x, mean, var) to (dbias, dweight), in one pass over dy and x. */
const sumsOp: Op<EpsAttrs> = {
  name: 'batch_norm_sums',
  infer: ([, , mean]) => [vector(mean!.size), vector(mean!.size)],
  lower(ctx, { inputs: [dy, x, mean, variance], outputs: [dbias, dweight], attrs }) {
    const layout = channelsLast(x!);
    const { c, parts, width, sizes, finish, workgroups } = partition(x!);
    const y = ctx.scratch(parts * 2 * c);
    ctx.dispatch(batchNormSums, {
      bindings: {
        dy: ctx.read(dy!, layout),
        x: ctx.read(x!, layout),
        mean: ctx.read(mean!),
        y,
        sizes: ctx.constant(packStruct(batchNormSums, 'sizes', sizes)),
      },
      constants: { WIDTH: width },
      workgroups,
    });
    ctx.dispatch(batchNormSumsFinish, {
      bindings: {
        parts: y,
        variance: ctx.read(variance!),
        dbias: ctx.write(dbias!),
        dweight: ctx.write(dweight!),
        sizes: ctx.constant(packStruct(batchNormSumsFinish, 'sizes', finish)),
      },
      constants: { EPS: attrs.eps },
      workgroups: grid(c, 64),
    });
  },
};

/** x to its (mean, biased variance) of each channel, in one pass. dx = dmean / n + dvar 2 (x - mean) / n. */
const statsOp: Op<object> = {
  name: 'batch_norm_stats',
  infer: ([x]) => [vector(x!.shape[1]!), vector(x!.shape[1]!)],
  vjp: ({ inputs: [x], outputs: [mean] }, [dmean, dvar]) => [
    () => {
      const n = x!.size / mean!.size;
      const fromMean = dmean && broadcastTo(alongChannels(affine(dmean, 1 / n), x!), x!.shape);
      const fromVar = dvar && mul(sub(x!, alongChannels(mean!, x!)), alongChannels(affine(dvar, 2 / n), x!));
      return fromMean && fromVar ? add(fromMean, fromVar) : (fromMean ?? fromVar)!;
    },
  ],
  lower(ctx, { inputs: [x], outputs: [mean, variance] }) {
    const { c, parts, width, sizes, finish, workgroups } = partition(x!);
    const y = ctx.scratch(parts * 2 * c);
    ctx.dispatch(batchNormStats, {
      bindings: {
        x: ctx.read(x!, channelsLast(x!)),
        y,
        sizes: ctx.constant(packStruct(batchNormStats, 'sizes', sizes)),
      },
      constants: { WIDTH: width },
      workgroups,
    });
    ctx.dispatch(batchNormStatsFinish, {
      bindings: {
        parts: y,
        mean: ctx.write(mean!),
        variance: ctx.write(variance!),
        sizes: ctx.constant(packStruct(batchNormStatsFinish, 'sizes', finish)),
      },
      workgroups: grid(c, 64),
    });
  },
};

interface BatchNormAttrs extends EpsAttrs {
  training: boolean;
}

/** Inputs x, weight, bias, mean, var, and scale, shift folded from them. */
export const batchNormOp: Op<BatchNormAttrs> = {
  name: 'batch_norm',
  infer: ([x]) => [{ shape: x!.shape, dtype: 'f32' }],
  vjp: ({ inputs, attrs: { eps, training } }, [dy]) => {
    const [x, weight, , mean, variance, scale] = inputs as Tensor[] as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
    let known: Tensor[] | undefined;
    const sums = () => (known ??= apply(sumsOp, [dy!, x, mean, variance], { eps }));
    return [
      () =>
        training
          ? apply1(trainGradOp, [dy!, x, weight, mean, variance, ...sums()], { eps })
          : mul(dy!, alongChannels(scale, x)),
      () => sums()[1]!,
      () => sums()[0]!,
      null,
      null,
      null,
      null,
    ];
  },
  asSteps(node, value, before) {
    if (node.inputs[0] !== value) return undefined;
    const [scale, shift] = node.inputs.slice(5) as [Tensor, Tensor];
    const bias = before.length === 1 && before[0]!.kind === 'shift' ? before[0]!.operand! : undefined;
    // (x + bias) * scale + shift = x * scale + (bias * scale + shift)
    return bias
      ? withStep(withStep([], 'scale', scale), 'shift', add(mul(bias, scale), shift))
      : withStep(withStep(before, 'scale', scale), 'shift', shift);
  },
  lower(ctx, { inputs: [x, , , , , scale, shift], outputs: [y] }) {
    const layout = channelsLast(x!);
    const operands = { scale: ctx.read(scale!), shift: ctx.read(shift!) };
    const extents = { elements: y!.size, channels: scale!.size };
    emitFinish(ctx, ctx.read(x!, layout), ctx.write(y!, layout), extents, ['scale', 'shift'], operands);
  },
  flops: ({ outputs: [y] }) => 2 * y!.size,
};

/** (dy, x, weight, mean, var, dbias, dweight) to dx. */
const trainGradOp: Op<EpsAttrs> = {
  name: 'batch_norm_train_grad',
  infer: ([dy]) => [{ shape: dy!.shape, dtype: 'f32' }],
  lower(ctx, { inputs: [dy, x, weight, mean, variance, dbias, dweight], outputs: [dx], attrs }) {
    const layout = channelsLast(x!);
    const c = weight!.size;
    const width = vectorWidth(c);
    const coefficients = ctx.scratch(3 * c);
    ctx.dispatch(batchNormGradFold, {
      bindings: {
        weight: ctx.read(weight!),
        variance: ctx.read(variance!),
        dbias: ctx.read(dbias!),
        dweight: ctx.read(dweight!),
        coefficients,
        sizes: ctx.constant(packStruct(batchNormGradFold, 'sizes', { c, n: x!.size / c })),
      },
      constants: { EPS: attrs.eps },
      workgroups: grid(c, 64),
    });
    ctx.dispatch(batchNormGrad, {
      bindings: {
        dy: ctx.read(dy!, layout),
        x: ctx.read(x!, layout),
        mean: ctx.read(mean!),
        coefficients,
        dx: ctx.write(dx!, layout),
        sizes: ctx.constant(packStruct(batchNormGrad, 'sizes', { count: x!.size / width, c: c / width })),
      },
      constants: { WIDTH: width },
      workgroups: grid(x!.size / width, 64),
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
  requireKnown('batch_norm', t, ['weight', 'bias', 'mean', 'variance']);
  requireFloat('batch_norm', x, t.weight, t.bias, t.mean, t.variance);
  requireEpsilon('batch_norm', eps);
  const c = x.shape[1];
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
  requireFloat('batch_norm', x, weight, bias);
  requireEpsilon('batch_norm', eps);
  if (x.rank !== 4 && x.rank !== 2) throw new WgradError('shape', `batch_norm: ${x} needs rank 2 or 4`);
  const [mean, variance] = apply(statsOp, [x], {}) as [Tensor, Tensor];
  const y = normalize(x, { weight, bias, mean, variance }, eps, true);
  return { y, mean, variance };
}
