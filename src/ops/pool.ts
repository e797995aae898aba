/**
 * Pooling over windows, NCHW:
 *
 *   max   y = x at the first maximum of the window in row-major order; dx = dy there (gathered through the indices)
 *   avg   y = mean of the window; dx = dy / elements, for every element of the window
 */
import { WgradError } from '../errors.ts';
import { grid, vectorWidth } from '../gpu/grid.ts';
import { avgPool, avgPoolGrad, maxPool, maxPoolGrad } from '../gpu/kernels.gen.ts';
import type { Op } from '../graph/op.ts';
import { show, type Shape } from '../graph/shape.ts';
import { apply, apply1, type Tensor } from '../graph/tensor.ts';
import { requireFloat, requireRank } from './check.ts';
import { mean } from './reduce.ts';

export interface PoolAttrs {
  /** [vertical, horizontal]. */
  kernel: readonly [number, number];
  strides: readonly [number, number];
  /** ONNX order: top, left, bottom, right. */
  pads: readonly [number, number, number, number];
  dilations: readonly [number, number];
  /** Also windows that hang over the bottom or right edge, if they start inside the picture or its leading padding. */
  ceilMode: boolean;
  /** Average pooling only: padding counts as elements (zeros). */
  countIncludePad: boolean;
}

/** Output extents, by PyTorch's and ONNX's rule. */
export function pooledShape(x: Shape, a: PoolAttrs): number[] {
  const whole = (values: readonly number[], least: number) =>
    values.every((v) => Number.isSafeInteger(v) && v >= least);
  const reach = ([0, 1] as const).map((axis) => (a.kernel[axis] - 1) * a.dilations[axis] + 1);
  if (!whole([...a.kernel, ...a.strides, ...a.dilations], 1) || !whole(a.pads, 0)) {
    throw new WgradError('shape', 'pooling: kernel, strides and dilations must be at least 1, pads at least 0');
  }
  if (a.pads.some((p, i) => p >= reach[i % 2]!)) {
    throw new WgradError('shape', `pooling: pads [${a.pads.join(', ')}] leave windows of ${reach.join('x')} empty`);
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
    throw new WgradError('shape', `pooling: a ${a.kernel.join('x')} window is larger than the padded input ${show(x)}`);
  }
  return shape;
}

const windowConstants = (x: Shape, y: Shape, a: PoolAttrs) => ({
  WIDTH: vectorWidth(x[1]!),
  C: x[1]! / vectorWidth(x[1]!),
  IH: x[2]!,
  IW: x[3]!,
  OH: y[2]!,
  OW: y[3]!,
  KH: a.kernel[0],
  KW: a.kernel[1],
  STRIDE_H: a.strides[0],
  STRIDE_W: a.strides[1],
  PAD_T: a.pads[0],
  PAD_L: a.pads[1],
});

const maxConstants = (x: Shape, y: Shape, a: PoolAttrs) => ({
  ...windowConstants(x, y, a),
  DILATION_H: a.dilations[0],
  DILATION_W: a.dilations[1],
});

const avgConstants = (x: Shape, y: Shape, a: PoolAttrs) => ({
  ...windowConstants(x, y, a),
  PAD_B: a.pads[2],
  PAD_R: a.pads[3],
  COUNT_PADDING: a.countIncludePad,
});

interface GradAttrs extends PoolAttrs {
  /** Shape of the pooled tensor. */
  shape: Shape;
}

export const maxPoolOp: Op<PoolAttrs> = {
  name: 'max_pool2d',
  infer: ([x], attrs) => {
    requireFloat('max_pool2d', x!);
    requireRank('max_pool2d', x!, 4, '[N,C,H,W]');
    const shape = pooledShape(x!.shape, attrs);
    return [
      { shape, dtype: 'f32' },
      { shape, dtype: 'i32' },
    ];
  },
  vjp: ({ inputs: [x], outputs: [, indices], attrs }, [g]) => [
    () => apply1<GradAttrs>(maxPoolGradOp, [g!, indices!], { ...attrs, shape: x!.shape }),
  ],
  lower(ctx, { inputs: [x], outputs: [y, indices], attrs }) {
    const width = vectorWidth(x!.shape[1]!);
    ctx.dispatch(maxPool, {
      bindings: { x: ctx.read(x!, 'nhwc'), y: ctx.write(y!, 'nhwc'), indices: ctx.write(indices!, 'nhwc') },
      constants: { ...maxConstants(x!.shape, y!.shape, attrs), COUNT: y!.size / width },
      workgroups: grid(y!.size / width, 64),
    });
  },
};

const maxPoolGradOp: Op<GradAttrs> = {
  name: 'max_pool2d_grad',
  infer: (_, { shape }) => [{ shape, dtype: 'f32' }],
  lower(ctx, { inputs: [dy, indices], outputs: [dx], attrs }) {
    const width = vectorWidth(attrs.shape[1]!);
    ctx.dispatch(maxPoolGrad, {
      bindings: { dy: ctx.read(dy!, 'nhwc'), indices: ctx.read(indices!, 'nhwc'), dx: ctx.write(dx!, 'nhwc') },
      constants: { ...maxConstants(attrs.shape, dy!.shape, attrs), COUNT: dx!.size / width },
      workgroups: grid(dx!.size / width, 64),
    });
  },
};

const avgPoolOp: Op<PoolAttrs> = {
  name: 'avg_pool2d',
  infer: ([x], attrs) => {
    requireFloat('avg_pool2d', x!);
    requireRank('avg_pool2d', x!, 4, '[N,C,H,W]');
    if (attrs.dilations.some((d) => d !== 1)) throw new WgradError('shape', 'avg_pool2d: dilation must be 1');
    return [{ shape: pooledShape(x!.shape, attrs), dtype: 'f32' }];
  },
  vjp: ({ inputs: [x], attrs }, [g]) => [() => apply1<GradAttrs>(avgPoolGradOp, [g!], { ...attrs, shape: x!.shape })],
  lower(ctx, { inputs: [x], outputs: [y], attrs }) {
    const width = vectorWidth(x!.shape[1]!);
    ctx.dispatch(avgPool, {
      bindings: { x: ctx.read(x!, 'nhwc'), y: ctx.write(y!, 'nhwc') },
      constants: { ...avgConstants(x!.shape, y!.shape, attrs), COUNT: y!.size / width },
      workgroups: grid(y!.size / width, 64),
    });
  },
};

const avgPoolGradOp: Op<GradAttrs> = {
  name: 'avg_pool2d_grad',
  infer: (_, { shape }) => [{ shape, dtype: 'f32' }],
  lower(ctx, { inputs: [dy], outputs: [dx], attrs }) {
    const width = vectorWidth(attrs.shape[1]!);
    ctx.dispatch(avgPoolGrad, {
      bindings: { dy: ctx.read(dy!, 'nhwc'), dx: ctx.write(dx!, 'nhwc') },
      constants: { ...avgConstants(attrs.shape, dy!.shape, attrs), COUNT: dx!.size / width },
      workgroups: grid(dx!.size / width, 64),
    });
  },
};

export type PoolOptions = Pick<PoolAttrs, 'kernel'> & Partial<PoolAttrs>;

/** With the defaults of what is left out. */
export const completePool = (o: PoolOptions): PoolAttrs => ({
  strides: [1, 1],
  pads: [0, 0, 0, 0],
  dilations: [1, 1],
  ceilMode: false,
  countIncludePad: false,
  ...o,
});

/** @returns the maxima and their indices (i32, h * W + w in the channel's own plane), both [N,C,oh,ow]. */
export function maxPool2dWithIndices(x: Tensor, options: PoolOptions): [Tensor, Tensor] {
  const [y, indices] = apply(maxPoolOp, [x], completePool(options));
  return [y!, indices!];
}

/** [N,C,H,W] to [N,C,oh,ow]. */
export const maxPool2d = (x: Tensor, options: PoolOptions): Tensor => maxPool2dWithIndices(x, options)[0];

/** [N,C,H,W] to [N,C,oh,ow]. */
export const avgPool2d = (x: Tensor, options: PoolOptions): Tensor => apply1(avgPoolOp, [x], completePool(options));

/** [N,C,H,W] to [N,C,1,1]: the mean of each plane. */
export const globalAvgPool = (x: Tensor): Tensor => mean(x, [2, 3], true);
