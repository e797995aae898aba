/**
 * The two adjoints of convolution. As conv2d is linear in each operand, so are they:
 *
 *   input gradient   dx[n,i,q] = sum_{o,k : q = p*stride - pad + k*dilation} dy[n,o,p] * w[o,i,k]
 *   weight gradient  dw[o,i,k] = sum_{n,p} x[n, i, p*stride - pad + k*dilation] * dy[n,o,p]
 */
import type { ConvAttrs, ConvGeometry } from '../gemm/geometry.ts';
import { inputGradProblem, roundUp4, weightGradProblem } from '../gemm/problem.ts';
import { grid } from '../gpu/grid.ts';
import { convGroupedInputGrad, convGroupedWeightGrad } from '../gpu/kernels.gen.ts';
import type { LowerContext, Storage } from '../graph/lower.ts';
import type { Op, PlanNode } from '../graph/op.ts';
import type { Shape } from '../graph/shape.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { conv2d } from './conv2d.ts';
import { croppedTarget, framed, isHalf, readActivation, readFramed, readWeight } from './conv_channels.ts';
import { convFlops, convGeometry, geometryConstants } from './conv_geometry.ts';
import { readOperands, type StepsAttrs } from './epilogue.ts';
import { emitFinish, emitGemm } from './gemm.ts';

export interface InputGradAttrs extends ConvAttrs, StepsAttrs {
  /** Shape of the convolution's input. */
  shape: Shape;
}

const inputGradOf = ({ inputs: [, w], attrs }: PlanNode<InputGradAttrs>) =>
  inputGradProblem(convGeometry(attrs.shape, w!.shape, attrs), attrs.steps, isHalf(w!));

export const conv2dInputGradOp: Op<InputGradAttrs> = {
  name: 'conv2d_input_grad',
  infer: (_, attrs) => [{ shape: attrs.shape, dtype: 'f32' }],
  vjp: ({ inputs: [dy, w], attrs }, [g]) => [
    () => conv2d(g!, w!, undefined, plain(attrs)),
    () => conv2dWeightGrad(g!, dy!, w!.shape, attrs),
  ],
  takesSteps: ({ attrs }) => attrs.groups === 1,
  gemms: (node) => (node.attrs.groups === 1 ? [inputGradOf(node)] : []),
  lower(ctx, node) {
    const { inputs, outputs, attrs } = node;
    const [dy, w, ...operands] = inputs as [Tensor, Tensor, ...Tensor[]];
    const g = convGeometry(attrs.shape, w.shape, attrs);
    const target = ctx.write(outputs[0]!, 'nhwc');
    if (g.groups > 1) {
      const bindings = { dy: ctx.read(dy, 'nhwc'), w: ctx.read(w, 'hwio'), dx: target };
      const count = outputs[0]!.size;
      const constants = { ...geometryConstants(g), ...groupConstants(g), KH: g.kh, COUNT: count };
      ctx.dispatch(convGroupedInputGrad, { bindings, constants, workgroups: grid(count, 64) });
      return;
    }
    const pixels = g.n * g.ih * g.iw;
    const cropped = croppedTarget(ctx, target, [1, pixels, g.ci], [pixels, roundUp4(g.ci)]);
    const [a, b] = [readActivation(ctx, dy), readWeight(ctx, w)];
    const read = readOperands(ctx, attrs.steps, operands, (t) => readActivation(ctx, t));
    emitGemm(ctx, inputGradOf(node), { a, b, y: cropped.storage }, read);
    cropped.crop();
  },
  flops: ({ inputs: [, w], attrs }) => convFlops(convGeometry(attrs.shape, w!.shape, attrs)),
};

interface WeightGradAttrs extends ConvAttrs {
  /** Shape of the weight. */
  shape: Shape;
}

const weightGradOf = ({ inputs: [x], attrs }: PlanNode<WeightGradAttrs>) =>
  weightGradProblem(framed(convGeometry(x!.shape, attrs.shape, attrs)));

const weightGradOp: Op<WeightGradAttrs> = {
  name: 'conv2d_weight_grad',
  infer: (_, attrs) => [{ shape: attrs.shape, dtype: 'f32' }],
  vjp: ({ inputs: [x, dy], attrs }, [g]) => [
    () => conv2dInputGrad(dy!, g!, x!.shape, attrs),
    () => conv2d(x!, g!, undefined, plain(attrs)),
  ],
  gemms: (node) => (node.attrs.groups === 1 ? [weightGradOf(node)] : []),
  lower(ctx, node) {
    const { inputs, outputs, attrs } = node;
    const [x, dy] = inputs as [Tensor, Tensor];
    const g = convGeometry(x.shape, attrs.shape, attrs);
    const target = ctx.write(outputs[0]!, 'hwio');
    if (g.groups > 1) return lowerGrouped(ctx, x, dy, target, g);
    const cropped = croppedTarget(ctx, target, [g.kh * g.kw, g.ci, g.co], [roundUp4(g.ci), roundUp4(g.co)]);
    const [a, b] = [readFramed(ctx, x, g), readActivation(ctx, dy)];
    emitGemm(ctx, weightGradOf(node), { a, b, y: cropped.storage });
    cropped.crop();
  },
  flops: ({ inputs: [x], attrs }) => convFlops(convGeometry(x!.shape, attrs.shape, attrs)),
};

const groupConstants = (g: ConvGeometry) => ({
  CI: g.ci,
  CO: g.co,
  GROUP_CI: g.ci / g.groups,
  GROUP_CO: g.co / g.groups,
});

/** Grouped weight gradients share their rows out until there are about this many invocations. */
const WANTED_INVOCATIONS = 1024;

function lowerGrouped(ctx: LowerContext, x: Tensor, dy: Tensor, target: Storage, g: ConvGeometry): void {
  const weights = (g.co * g.ci * g.kh * g.kw) / g.groups;
  const rows = g.n * g.oh;
  const rowsAPart = Math.ceil(rows / Math.min(rows, Math.ceil(WANTED_INVOCATIONS / weights)));
  const parts = Math.ceil(rows / rowsAPart);
  const elements = roundUp4(weights);
  const sink = parts === 1 ? target : ctx.scratch(elements * parts);
  ctx.dispatch(convGroupedWeightGrad, {
    bindings: { x: ctx.read(x, 'nhwc'), dy: ctx.read(dy, 'nhwc'), dw: sink },
    constants: {
      ...geometryConstants(g),
      ...groupConstants(g),
      PARTS: parts,
      ROWS_A_PART: rowsAPart,
      ROWS: rows,
      WEIGHTS: weights,
      STEP: elements,
    },
    workgroups: grid(weights * parts, 64),
  });
  if (parts > 1) emitFinish(ctx, sink, target, { elements, channels: 4, parts }, [], {});
}

/** dL/dx of y = conv2d(x, w), from dy = dL/dy; `shape` is x's. */
export const conv2dInputGrad = (dy: Tensor, w: Tensor, shape: Shape, attrs: ConvAttrs): Tensor =>
  apply1(conv2dInputGradOp, [dy, w], { ...plain(attrs), shape, steps: [] });

/** dL/dw of y = conv2d(x, w), from dy = dL/dy; `shape` is w's. */
export const conv2dWeightGrad = (x: Tensor, dy: Tensor, shape: Shape, attrs: ConvAttrs): Tensor =>
  apply1(weightGradOp, [x, dy], { ...plain(attrs), shape });

const plain = ({ strides, pads, dilations, groups }: ConvAttrs): ConvAttrs => ({ strides, pads, dilations, groups });
