/**
 * The two adjoints of convolution. As conv2d is linear in each operand, so are they:
 *
 *   input gradient   dx[n,i,q] = sum_{o,k : q = p*stride - pad + k*dilation} dy[n,o,p] * w[o,i,k]
 *   weight gradient  dw[o,i,k] = sum_{n,p} x[n, i, p*stride - pad + k*dilation] * dy[n,o,p]
 */
import { grid } from '../gpu/grid.ts';
import {
  convGroupedInputGrad,
  convGroupedWeightGrad,
  convInputGrad,
  convWeightGrad,
  sumPartials,
} from '../gpu/kernels.gen.ts';
import { packStruct } from '../gpu/kernel.ts';
import type { LowerContext, Storage } from '../graph/lower.ts';
import type { Op } from '../graph/op.ts';
import { sizeOf, type Shape } from '../graph/shape.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { conv2d, TILE } from './conv2d.ts';
import { croppedTarget, readActivation, readWeight, roundUp4 } from './conv_channels.ts';
import { withEpilogue } from './epilogue.ts';
import {
  convFlops,
  convGeometry,
  geometryConstants,
  geometryMembers,
  type ConvAttrs,
  type ConvGeometry,
} from './conv_geometry.ts';

export interface InputGradAttrs extends ConvAttrs {
  /** Shape of the convolution's input. */
  shape: Shape;
  /**
   * Made by fusion, in this order: plus residual, zero where gate <= 0 (both like dx), times scale [C]. Inputs are
   * dy, w, then scale, residual and gate where true here.
   */
  epilogue?: { scale: boolean; residual: boolean; gate: boolean };
}

export const conv2dInputGradOp: Op<InputGradAttrs> = {
  name: 'conv2d_input_grad',
  infer: (_, attrs) => [{ shape: attrs.shape, dtype: 'f32' }],
  vjp: ({ inputs: [dy, w], attrs }, [g]) => [
    () => conv2d(g!, w!, undefined, attrs),
    () => conv2dWeightGrad(g!, dy!, w!.shape, attrs),
  ],
  lower(ctx, { inputs: [dy, w, ...extra], outputs: [dx], attrs }) {
    const g = convGeometry(attrs.shape, w!.shape, attrs);
    const { scale = false, residual = false, gate = false } = attrs.epilogue ?? {};
    const target = ctx.write(dx!, 'nhwc');
    if (g.groups > 1) {
      const bindings = { dy: ctx.read(dy!, 'nhwc'), w: ctx.read(w!, 'hwio'), dx: target };
      const constants = { ...geometryConstants(g), ...groupConstants(g), KH: g.kh, COUNT: dx!.size };
      ctx.dispatch(convGroupedInputGrad, { bindings, constants, workgroups: grid(dx!.size, 64) });
      return;
    }
    const pixels = g.n * g.ih * g.iw;
    const ci = roundUp4(g.ci);
    const cropped = croppedTarget(ctx, target, [1, pixels, g.ci], [pixels, ci]);
    const [sh, sw] = g.strides;
    const [qh, qw] = [Math.ceil(g.ih / sh), Math.ceil(g.iw / sw)];
    const m = g.n * qh * qw;
    const mTiles = Math.ceil(m / TILE.rows);
    const tiles = mTiles * Math.ceil(ci / 4 / TILE.groups);
    const source = readActivation(ctx, dy!);
    const weight = readWeight(ctx, w!);
    const epilogue = {
      ...(scale && { outScale: extra.shift()! }),
      ...(residual && { residual: extra.shift()! }),
      ...(gate && { gate: extra.shift()! }),
    };
    const geometry = packStruct(convInputGrad, 'geometry', {
      ...geometryMembers(g),
      m,
      qh,
      qw,
      ci,
      k4: roundUp4(g.co) / 4,
      m_tiles: mTiles,
      tiles,
    });
    withEpilogue(ctx, cropped.storage, pixels * ci, ci, epilogue, (sink) =>
      ctx.dispatch(convInputGrad, {
        bindings: { dy: source, w: weight, dx: sink, geometry: ctx.constant(geometry) },
        constants: { PADDED: g.kh * g.kw * sh * sw > 1 || g.pads.some((p) => p > 0) },
        workgroups: [...grid(tiles, TILE.workgroup), sh * sw],
      }),
    );
    cropped.crop();
  },
  flops: ({ inputs: [, w], attrs }) => convFlops(convGeometry(attrs.shape, w!.shape, attrs)),
};

interface WeightGradAttrs extends ConvAttrs {
  /** Shape of the weight. */
  shape: Shape;
}

const weightGradOp: Op<WeightGradAttrs> = {
  name: 'conv2d_weight_grad',
  infer: (_, attrs) => [{ shape: attrs.shape, dtype: 'f32' }],
  vjp: ({ inputs: [x, dy], attrs }, [g]) => [
    () => conv2dInputGrad(dy!, g!, x!.shape, attrs),
    () => conv2d(x!, g!, undefined, attrs),
  ],
  lower(ctx, { inputs: [x, dy], outputs: [dw], attrs }) {
    const g = convGeometry(x!.shape, attrs.shape, attrs);
    const target = ctx.write(dw!, 'hwio');
    const taps = g.kh * g.kw;
    const rows = g.n * g.oh;
    if (g.groups > 1) {
      const weights = sizeOf(attrs.shape);
      const split = splitRows(rows, weights);
      const bindings = { x: ctx.read(x!, 'nhwc'), dy: ctx.read(dy!, 'nhwc') };
      summed(ctx, target, roundUp4(weights), split.PARTS, (sink) =>
        ctx.dispatch(convGroupedWeightGrad, {
          bindings: { ...bindings, dw: sink },
          constants: {
            ...geometryConstants(g),
            ...groupConstants(g),
            ...split,
            ROWS: rows,
            WEIGHTS: weights,
            STEP: roundUp4(weights),
          },
          workgroups: grid(weights * split.PARTS, 64),
        }),
      );
      return;
    }
    const [ci, co] = [roundUp4(g.ci), roundUp4(g.co)];
    const [ciTiles, coTiles] = [Math.ceil(ci / 8), Math.ceil(co / 8)];
    const count = taps * ciTiles * coTiles;
    const { PARTS: parts, ROWS_A_PART: rowsAPart } = splitRows(rows, count);
    const bindings = { x: readActivation(ctx, x!), dy: readActivation(ctx, dy!) };
    const cropped = croppedTarget(ctx, target, [taps, g.ci, g.co], [ci, co]);
    const geometry = packStruct(convWeightGrad, 'geometry', {
      ...geometryMembers(g),
      ci,
      co,
      rows,
      ci_tiles: ciTiles,
      co_tiles: coTiles,
      parts,
      rows_a_part: rowsAPart,
    });
    summed(ctx, cropped.storage, taps * ci * co, parts, (sink) =>
      ctx.dispatch(convWeightGrad, {
        bindings: { ...bindings, dw: sink, geometry: ctx.constant(geometry) },
        workgroups: grid(count * parts, TILE.workgroup),
      }),
    );
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

/** Enough invocations to fill a device: rows are shared out until there are about this many. */
const WANTED_INVOCATIONS = 1024;

function splitRows(rows: number, tiles: number): { PARTS: number; ROWS_A_PART: number } {
  const wanted = Math.min(rows, Math.ceil(WANTED_INVOCATIONS / tiles));
  const ROWS_A_PART = Math.ceil(rows / wanted);
  return { PARTS: Math.ceil(rows / ROWS_A_PART), ROWS_A_PART };
}

/** Runs `emit` into partial sums of `elements` each (a multiple of 4), then adds them up in order. */
function summed(
  ctx: LowerContext,
  target: Storage,
  elements: number,
  parts: number,
  emit: (sink: Storage) => void,
): void {
  if (parts === 1) return emit(target);
  const partials = ctx.scratch(elements * parts);
  emit(partials);
  ctx.dispatch(sumPartials, {
    bindings: { x: partials, y: target },
    constants: { COUNT: elements / 4, PARTS: parts },
    workgroups: grid(elements / 4, 64),
  });
}

/** dL/dx of y = conv2d(x, w), from dy = dL/dy; `shape` is x's. */
export const conv2dInputGrad = (dy: Tensor, w: Tensor, shape: Shape, attrs: ConvAttrs): Tensor =>
  apply1(conv2dInputGradOp, [dy, w], { ...plain(attrs), shape });

/** dL/dw of y = conv2d(x, w), from dy = dL/dy; `shape` is w's. */
export const conv2dWeightGrad = (x: Tensor, dy: Tensor, shape: Shape, attrs: ConvAttrs): Tensor =>
  apply1(weightGradOp, [x, dy], { ...plain(attrs), shape });

const plain = ({ strides, pads, dilations, groups }: ConvAttrs): ConvAttrs => ({ strides, pads, dilations, groups });
