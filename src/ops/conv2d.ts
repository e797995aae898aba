/**
 * 2-D convolution (cross-correlation, as in ONNX and PyTorch), NCHW with OIHW weights:
 *
 *   y[n,o,p] = b[o] + sum_{i,k} x[n, i, p*stride - pad + k*dilation] * w[o,i,k]
 *   dx = conv2dInputGrad(dy, w)   dw = conv2dWeightGrad(x, dy)   db = sum_{n,p} dy
 *
 * All three are implicit GEMMs over channels-last data and one HWIO weight layout (kernels/conv_*.wgsl).
 */
import { WgradError } from '../errors.ts';
import type { ConvAttrs } from '../gemm/geometry.ts';
import { forwardProblem, roundUp4 } from '../gemm/problem.ts';
import { grid } from '../gpu/grid.ts';
import { convGroupedForward } from '../gpu/kernels.gen.ts';
import type { LowerContext } from '../graph/lower.ts';
import type { Op, PlanNode } from '../graph/op.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { requireFloat } from './check.ts';
import { croppedTarget, framed, isHalf, readActivation, readFramed, readWeight } from './conv_channels.ts';
import { convAttrs, convFlops, convGeometry, geometryConstants, type Conv2dOptions } from './conv_geometry.ts';
import { conv2dInputGrad, conv2dWeightGrad } from './conv2d_grad.ts';
import { readOperands, type StepsAttrs } from './epilogue.ts';
import { emitGemm } from './gemm.ts';
import { sum } from './reduce.ts';

/** Inputs are x, w, then the operands of the steps; a bias is the step 'shift'. */
export type Conv2dAttrs = ConvAttrs & StepsAttrs;

export const conv2dOp: Op<Conv2dAttrs> = {
  name: 'conv2d',
  infer: ([x, w, bias], attrs) => {
    requireFloat('conv2d', x!, w!, ...(bias ? [bias] : []));
    const g = convGeometry(x!.shape, w!.shape, attrs);
    if (bias && (bias.rank !== 1 || bias.size !== g.co)) {
      throw new WgradError('shape', `conv2d: the bias ${bias} must be [${g.co}], a value for each channel of ${w}`);
    }
    return [{ shape: [g.n, g.co, g.oh, g.ow], dtype: 'f32' }];
  },
  vjp: ({ inputs: [x, w], attrs }, [dy]) => {
    // Steps other than a bias are made by fusion, after differentiation.
    const { strides, pads, dilations, groups } = attrs;
    const conv: ConvAttrs = { strides, pads, dilations, groups };
    return [
      () => conv2dInputGrad(dy!, w!, x!.shape, conv),
      () => conv2dWeightGrad(x!, dy!, w!.shape, conv),
      () => sum(dy!, [0, 2, 3]),
    ];
  },
  takesSteps: ({ attrs }) => attrs.groups === 1,
  gemms: (node) => (node.attrs.groups === 1 ? [problemOf(node)] : []),
  lower: (ctx, node) => (node.attrs.groups === 1 ? lowerGemm(ctx, node) : lowerGrouped(ctx, node)),
  flops: ({ inputs: [x, w], attrs }) => convFlops(convGeometry(x!.shape, w!.shape, attrs)),
};

const problemOf = ({ inputs: [x, w], attrs }: PlanNode<Conv2dAttrs>) =>
  forwardProblem(framed(convGeometry(x!.shape, w!.shape, attrs)), attrs.steps, isHalf(w!));

function lowerGemm(ctx: LowerContext, node: PlanNode<Conv2dAttrs>): void {
  const [x, w, ...operands] = node.inputs as [Tensor, Tensor, ...Tensor[]];
  const g = convGeometry(x.shape, w.shape, node.attrs);
  const m = g.n * g.oh * g.ow;
  const [a, b] = [readFramed(ctx, x, g), readWeight(ctx, w)];
  const read = readOperands(ctx, node.attrs.steps, operands, (t) => readActivation(ctx, t));
  const target = croppedTarget(ctx, ctx.write(node.outputs[0]!, 'nhwc'), [1, m, g.co], [m, roundUp4(g.co)]);
  emitGemm(ctx, problemOf(node), { a, b, y: target.storage }, read);
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
 * @param options in PyTorch's names (`stride: 2, padding: 1`), or the same in ONNX's (`strides`, `pads`, `dilations`).
 * @returns [N, O, oh, ow]
 * @throws WgradError 'shape' where they do not fit, 'invalid-argument' for options that are no sizes.
 */
export function conv2d(x: Tensor, w: Tensor, bias?: Tensor, options: Conv2dOptions = {}): Tensor {
  return apply1<Conv2dAttrs>(conv2dOp, bias ? [x, w, bias] : [x, w], {
    ...convAttrs(options),
    steps: bias ? ['shift'] : [],
  });
}
