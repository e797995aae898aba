/**
 * 2-D convolution (cross-correlation, as in ONNX and PyTorch), NCHW with OIHW weights:
 *
 *   y[n,o,p] = b[o] + sum_{i,k} x[n, i, p*stride - pad + k*dilation] * w[o,i,k]
 *   dx = conv2dInputGrad(dy, w)   dw = conv2dWeightGrad(x, dy)   db = sum_{n,p} dy
 *
 * All three are implicit GEMMs over channels-last data and one HWIO weight layout (kernels/conv_*.wgsl).
 */
import { grid } from '../gpu/grid.ts';
import { convForward, convGroupedForward } from '../gpu/kernels.gen.ts';
import { packStruct } from '../gpu/kernel.ts';
import type { LowerContext } from '../graph/lower.ts';
import type { Op, PlanNode } from '../graph/op.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { requireFloat } from './check.ts';
import { croppedTarget, readFramed, readWeight, roundUp4 } from './conv_channels.ts';
import {
  convDefaults,
  convFlops,
  convGeometry,
  geometryConstants,
  geometryMembers,
  type ConvAttrs,
} from './conv_geometry.ts';
import { conv2dInputGrad, conv2dWeightGrad } from './conv2d_grad.ts';
import { withEpilogue } from './epilogue.ts';
import { sum } from './reduce.ts';

/** What follows the sum, in this order: times scale[co], plus shift[co], plus a tensor like y, ReLU. */
export interface ConvEpilogue {
  scale: boolean;
  shift: boolean;
  residual: boolean;
  relu: boolean;
}

export interface Conv2dAttrs extends ConvAttrs {
  /** Inputs are x, w, then those of scale [O], shift [O] (a bias is a shift) and residual that are true here. */
  epilogue: ConvEpilogue;
}

/** Pixels of a tile in the GEMM kernels, and groups of four channels. */
export const TILE = { rows: 8, groups: 2, workgroup: 32 } as const;

export const conv2dOp: Op<Conv2dAttrs> = {
  name: 'conv2d',
  infer: ([x, w], attrs) => {
    requireFloat('conv2d', x!, w!);
    const g = convGeometry(x!.shape, w!.shape, attrs);
    return [{ shape: [g.n, g.co, g.oh, g.ow], dtype: 'f32' }];
  },
  vjp: ({ inputs: [x, w], attrs }, [dy]) => {
    // Epilogues other than a bias are made by fusion, after differentiation.
    const { strides, pads, dilations, groups } = attrs;
    const conv: ConvAttrs = { strides, pads, dilations, groups };
    return [
      () => conv2dInputGrad(dy!, w!, x!.shape, conv),
      () => conv2dWeightGrad(x!, dy!, w!.shape, conv),
      () => sum(dy!, [0, 2, 3]),
    ];
  },
  lower: (ctx, node) => (node.attrs.groups === 1 ? lowerGemm(ctx, node) : lowerGrouped(ctx, node)),
  flops: ({ inputs: [x, w], attrs }) => convFlops(convGeometry(x!.shape, w!.shape, attrs)),
};

function lowerGemm(ctx: LowerContext, { inputs, outputs: [y], attrs }: PlanNode<Conv2dAttrs>): void {
  const [x, w, ...extra] = inputs as [Tensor, Tensor, ...Tensor[]];
  const { source, geometry: g } = readFramed(ctx, x, convGeometry(x.shape, w.shape, attrs));
  const { scale, shift, residual, relu } = attrs.epilogue;
  const weight = readWeight(ctx, w);
  const m = g.n * g.oh * g.ow;
  const co4 = roundUp4(g.co);
  const target = croppedTarget(ctx, ctx.write(y!, 'nhwc'), [1, m, g.co], [m, co4]);
  const mTiles = Math.ceil(m / TILE.rows);
  const tiles = mTiles * Math.ceil(co4 / 4 / TILE.groups);
  const epilogue = {
    ...(scale && { scale: extra.shift()! }),
    ...(shift && { shift: extra.shift()! }),
    ...(residual && { residual: extra.shift()! }),
    relu,
  };
  const padded = g.pads.some((p) => p > 0);
  const k4 = roundUp4(g.ci) / 4;
  // Neighbouring taps of a kernel row lie side by side in memory: without padding they are one run.
  const whole = !padded && g.dilations[1] === 1;
  const geometry = packStruct(convForward, 'geometry', {
    ...geometryMembers(g),
    kw: whole ? 1 : g.kw,
    m,
    n4: co4 / 4,
    k4,
    run: whole ? g.kw * k4 : k4,
    m_tiles: mTiles,
    tiles,
  });
  withEpilogue(ctx, target.storage, m * co4, co4, epilogue, (sink) =>
    ctx.dispatch(convForward, {
      bindings: { x: source, w: weight, y: sink, geometry: ctx.constant(geometry) },
      constants: { PADDED: padded },
      workgroups: grid(tiles, TILE.workgroup),
    }),
  );
  target.crop();
}

function lowerGrouped(ctx: LowerContext, { inputs, outputs: [y], attrs }: PlanNode<Conv2dAttrs>): void {
  const [x, w, bias] = inputs as [Tensor, Tensor, Tensor?];
  const g = convGeometry(x.shape, w.shape, attrs);
  const weight = ctx.read(w, 'hwio');
  ctx.dispatch(convGroupedForward, {
    bindings: { x: ctx.read(x, 'nhwc'), w: weight, shift: bias ? ctx.read(bias) : weight, y: ctx.write(y!, 'nhwc') },
    constants: {
      ...geometryConstants(g),
      KH: g.kh,
      COUNT: y!.size,
      CI: g.ci,
      CO: g.co,
      GROUP_CI: g.ci / g.groups,
      GROUP_CO: g.co / g.groups,
      HAS_SHIFT: bias !== undefined,
    },
    workgroups: grid(y!.size, 64),
  });
}

/**
 * @param x [N,C,H,W] @param w [O, C/groups, kh, kw] @param bias [O]
 * @returns [N, O, oh, ow]
 * @throws WgradError 'shape' where they do not fit.
 */
export function conv2d(x: Tensor, w: Tensor, bias?: Tensor, attrs: Partial<ConvAttrs> = {}): Tensor {
  const epilogue = { scale: false, shift: bias !== undefined, residual: false, relu: false };
  return apply1(conv2dOp, bias ? [x, w, bias] : [x, w], { ...convDefaults, ...attrs, epilogue });
}
