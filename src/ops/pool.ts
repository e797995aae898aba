/**
 * Pooling over windows, NCHW:
 *
 *   max   y = x at the first maximum of the window in row-major order; dx = dy there (gathered through the indices)
 *   avg   y = mean of the window; dx = dy / elements, for every element of the window
 *
 * Extents, ties, NaN and divisors are PyTorch's (torch.nn.functional.max_pool2d, avg_pool2d). ONNX differs in one thing:
 * where ceil mode lets a window hang over the padding and padding counts, its reference divides by the whole window.
 */
import { WgradError } from '../errors.ts';
import { grid, vectorWidth } from '../gpu/grid.ts';
import { packStruct } from '../gpu/kernel.ts';
import { avgPool, avgPoolGrad, maxPool, maxPoolGrad } from '../gpu/kernels.gen.ts';
import type { Op } from '../graph/op.ts';
import { show, type Shape } from '../graph/shape.ts';
import { apply, apply1, type Tensor } from '../graph/tensor.ts';
import { requireFloat, requireKnown, requireRank } from './check.ts';
import { mean } from './reduce.ts';
import { reshape } from './reshape.ts';
import { pair, readWindows, windowOptions, type Pair, type Sides, type WindowOptions } from './window_options.ts';

export interface PoolAttrs {
  kernel: Pair;
  strides: Pair;
  pads: Sides;
  dilations: Pair;
  ceilMode: boolean;
  countIncludePad: boolean;
}

/** Output extents, by PyTorch's and ONNX's rule. */
export function pooledShape(op: string, x: Shape, a: PoolAttrs): number[] {
  const whole = (values: readonly number[], least: number) =>
    values.every((v) => Number.isSafeInteger(v) && v >= least);
  const reach = ([0, 1] as const).map((axis) => (a.kernel[axis] - 1) * a.dilations[axis] + 1);
  if (!whole([...a.kernel, ...a.strides, ...a.dilations], 1) || !whole(a.pads, 0)) {
    throw new WgradError(
      'shape',
      `${op}: kernel [${a.kernel.join(', ')}], strides [${a.strides.join(', ')}] and dilations [${a.dilations.join(', ')}] must be whole numbers of at least 1, pads [${a.pads.join(', ')}] of at least 0`,
    );
  }
  if (a.pads.some((p, i) => p >= reach[i % 2]!)) {
    throw new WgradError('shape', `${op}: pads [${a.pads.join(', ')}] leave windows of ${reach.join('x')} empty`);
  }
  const extent = (size: number, axis: 0 | 1) => {
    const [before, after] = [a.pads[axis]!, a.pads[axis + 2]!];
    const steps = (size + before + after - reach[axis]!) / a.strides[axis];
    let out = (a.ceilMode ? Math.ceil(steps) : Math.floor(steps)) + 1;
    if (a.ceilMode && (out - 1) * a.strides[axis] >= size + before) out--;
    return out;
  };
  const shape = [x[0]!, x[1]!, extent(x[2]!, 0), extent(x[3]!, 1)];
  if (shape[2]! < 1 || shape[3]! < 1) {
    throw new WgradError('shape', `${op}: a window of ${reach.join('x')} is larger than the padded input ${show(x)}`);
  }
  return shape;
}

/** Members that all pooling kernels share; `count` elements are written. */
const windowMembers = (x: Shape, y: Shape, a: PoolAttrs, count: number) => ({
  count: count / vectorWidth(x[1]!),
  c: x[1]! / vectorWidth(x[1]!),
  ih: x[2]!,
  iw: x[3]!,
  oh: y[2]!,
  ow: y[3]!,
  kh: a.kernel[0],
  kw: a.kernel[1],
  pad_t: a.pads[0],
  pad_l: a.pads[1],
});

const windowConstants = (x: Shape, a: PoolAttrs) => ({
  WIDTH: vectorWidth(x[1]!),
  STRIDE_H: a.strides[0],
  STRIDE_W: a.strides[1],
  DILATION_H: a.dilations[0],
  DILATION_W: a.dilations[1],
});

/** What counts as an element of an average: the picture, or its padding too. */
const countMembers = (x: Shape, { countIncludePad, pads: [top, left, bottom, right] }: PoolAttrs) => ({
  count_t: countIncludePad ? -top : 0,
  count_l: countIncludePad ? -left : 0,
  count_b: countIncludePad ? x[2]! + bottom : x[2]!,
  count_r: countIncludePad ? x[3]! + right : x[3]!,
});

const MINUS_INFINITY = 0xff800000;

interface GradAttrs extends PoolAttrs {
  /** Shape of the pooled tensor. */
  shape: Shape;
}

const maxPoolOp: Op<PoolAttrs> = {
  name: 'max_pool2d',
  infer: ([x], attrs) => {
    requireFloat('max_pool2d', x!);
    requireRank('max_pool2d', x!, 4, '[N,C,H,W]');
    const shape = pooledShape('max_pool2d', x!.shape, attrs);
    return [
      { shape, dtype: 'f32' },
      { shape, dtype: 'i32' },
    ];
  },
  vjp: ({ inputs: [x], outputs: [, indices], attrs }, [g]) => [
    () => apply1<GradAttrs>(maxPoolGradOp, [g!, indices!], { ...attrs, shape: x!.shape }),
  ],
  lower(ctx, { inputs: [x], outputs: [y, indices], attrs }) {
    const members = windowMembers(x!.shape, y!.shape, attrs, y!.size);
    ctx.dispatch(maxPool, {
      bindings: {
        x: ctx.read(x!, 'nhwc'),
        y: ctx.write(y!, 'nhwc'),
        indices: ctx.write(indices!, 'nhwc'),
        window: ctx.constant(packStruct(maxPool, 'window', { ...members, lowest: MINUS_INFINITY })),
      },
      constants: windowConstants(x!.shape, attrs),
      workgroups: grid(members.count, 64),
    });
  },
};

const maxPoolGradOp: Op<GradAttrs> = {
  name: 'max_pool2d_grad',
  infer: (_, { shape }) => [{ shape, dtype: 'f32' }],
  lower(ctx, { inputs: [dy, indices], outputs: [dx], attrs }) {
    const members = windowMembers(attrs.shape, dy!.shape, attrs, dx!.size);
    ctx.dispatch(maxPoolGrad, {
      bindings: {
        dy: ctx.read(dy!, 'nhwc'),
        indices: ctx.read(indices!, 'nhwc'),
        dx: ctx.write(dx!, 'nhwc'),
        window: ctx.constant(packStruct(maxPoolGrad, 'window', members)),
      },
      constants: windowConstants(attrs.shape, attrs),
      workgroups: grid(members.count, 64),
    });
  },
};

const avgPoolOp: Op<PoolAttrs> = {
  name: 'avg_pool2d',
  infer: ([x], attrs) => {
    requireFloat('avg_pool2d', x!);
    requireRank('avg_pool2d', x!, 4, '[N,C,H,W]');
    return [{ shape: pooledShape('avg_pool2d', x!.shape, attrs), dtype: 'f32' }];
  },
  vjp: ({ inputs: [x], attrs }, [g]) => [() => apply1<GradAttrs>(avgPoolGradOp, [g!], { ...attrs, shape: x!.shape })],
  lower(ctx, { inputs: [x], outputs: [y], attrs }) {
    const members = windowMembers(x!.shape, y!.shape, attrs, y!.size);
    const window = packStruct(avgPool, 'window', { ...members, ...countMembers(x!.shape, attrs) });
    ctx.dispatch(avgPool, {
      bindings: { x: ctx.read(x!, 'nhwc'), y: ctx.write(y!, 'nhwc'), window: ctx.constant(window) },
      constants: windowConstants(x!.shape, attrs),
      workgroups: grid(members.count, 64),
    });
  },
};

const avgPoolGradOp: Op<GradAttrs> = {
  name: 'avg_pool2d_grad',
  infer: (_, { shape }) => [{ shape, dtype: 'f32' }],
  lower(ctx, { inputs: [dy], outputs: [dx], attrs }) {
    const members = windowMembers(attrs.shape, dy!.shape, attrs, dx!.size);
    const window = packStruct(avgPoolGrad, 'window', { ...members, ...countMembers(attrs.shape, attrs) });
    ctx.dispatch(avgPoolGrad, {
      bindings: { dy: ctx.read(dy!, 'nhwc'), dx: ctx.write(dx!, 'nhwc'), window: ctx.constant(window) },
      constants: windowConstants(attrs.shape, attrs),
      workgroups: grid(members.count, 64),
    });
  },
};

/** Options of `maxPool2d` and `avgPool2d`. */
export interface PoolOptions extends WindowOptions {
  /** Extent of the window: one number, or [vertical, horizontal]. Its stride is the same unless it is given. */
  kernel: number | Pair;
  /** Also windows that hang over the bottom or right edge, if they start inside the picture or its leading padding. */
  ceilMode?: boolean;
  /** Average pooling only: padding counts as elements, zeros. Default true. */
  countIncludePad?: boolean;
}

/** The attributes that options stand for. */
export function completePool(op: string, options: PoolOptions): PoolAttrs {
  requireKnown(op, options, ['kernel', 'ceilMode', 'countIncludePad', ...windowOptions]);
  const kernel = pair(options.kernel, op, 'kernel');
  const { ceilMode = false, countIncludePad = true } = options;
  return { kernel, ...readWindows(op, options, kernel), ceilMode, countIncludePad };
}

/** @returns the maxima and their indices (i32, h * W + w in the channel's own plane), both [N,C,oh,ow]. */
export function maxPool2dWithIndices(x: Tensor, options: PoolOptions): [Tensor, Tensor] {
  const [y, indices] = apply(maxPoolOp, [x], completePool('max_pool2d', options));
  return [y!, indices!];
}

/**
 * [N,C,H,W] to [N,C,oh,ow].
 * @throws WgradError 'shape' where no window fits, or padding holds whole ones.
 */
export const maxPool2d = (x: Tensor, options: PoolOptions): Tensor => maxPool2dWithIndices(x, options)[0];

/** [N,C,H,W] to [N,C,oh,ow]. */
export const avgPool2d = (x: Tensor, options: PoolOptions): Tensor =>
  apply1(avgPoolOp, [x], completePool('avg_pool2d', options));

/** Axes of [N,C,...] behind the channels. */
const pixels = (x: Tensor): number[] => x.shape.flatMap((_, axis) => (axis < 2 ? [] : [axis]));

/** [N,C,...] to [N,C,1,...]: the mean of each plane. */
export function globalAvgPool(x: Tensor): Tensor {
  requirePlanes('global_avg_pool', x);
  return mean(x, pixels(x), true);
}

/** [N,C,...] to [N,C,1,...]: the maximum of each plane; its gradient goes to the first one, as max_pool's does. */
export function globalMaxPool(x: Tensor): Tensor {
  requirePlanes('global_max_pool', x);
  const flat = x.rank === 4 ? x : reshape(x, [x.shape[0]!, x.shape[1]!, -1, 1]);
  const y = maxPool2d(flat, { kernel: [flat.shape[2]!, flat.shape[3]!] });
  return reshape(y, [...x.shape.slice(0, 2), ...pixels(x).map(() => 1)]);
}

function requirePlanes(op: string, x: Tensor): void {
  requireFloat(op, x);
  if (x.rank < 3 || pixels(x).some((axis) => x.shape[axis] === 0)) {
    throw new WgradError('shape', `${op}: ${x} has no planes [N,C,...] to pool`);
  }
}
