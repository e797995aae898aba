/**
 * The two adjoints of convolution. As conv2d is linear in each operand, so are they:
 *
 *   input gradient   dx[n,i,q] = sum_{o,k : q = p*stride - pad + k*dilation} dy[n,o,p] * w[o,i,k]
 *   weight gradient  dw[o,i,k] = sum_{n,p} x[n, i, p*stride - pad + k*dilation] * dy[n,o,p]
 */
import {
  convGroupedInputGrad,
  convGroupedWeightGrad,
  convInputGrad,
  convWeightGrad,
  sumPartials,
} from '../gpu/kernels.gen.ts';
import type { Op } from '../graph/op.ts';
import { sizeOf, type Shape } from '../graph/shape.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { grid, type LowerContext, type Storage } from '../plan/lower.ts';
import { conv2d, TILE } from './conv2d.ts';
import { croppedTarget, readActivation, readWeight, roundUp4 } from './conv_channels.ts';
import { convFlops, convGeometry, geometryConstants, type ConvAttrs, type ConvGeometry } from './conv_geometry.ts';

interface InputGradAttrs extends ConvAttrs {
  /** Shape of the convolution's input. */
  shape: Shape;
}

const inputGradOp: Op<InputGradAttrs> = {
  name: 'conv2d_input_grad',
  infer: (_, attrs) => [{ shape: attrs.shape, dtype: 'f32' }],
  vjp: ({ inputs: [dy, w], attrs }, [g]) => [
    () => conv2d(g!, w!, undefined, attrs),
    () => conv2dWeightGrad(g!, dy!, w!.shape, attrs),
  ],
  lower(ctx, { inputs: [dy, w], outputs: [dx], attrs }) {
    const g = convGeometry(attrs.shape, w!.shape, attrs);
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
    ctx.dispatch(convInputGrad, {
      bindings: { dy: readActivation(ctx, dy!), w: readWeight(ctx, w!), dx: cropped.storage },
      constants: {
        ...geometryConstants(g),
        KH: g.kh,
        M: m,
        QH: qh,
        QW: qw,
        CI: ci,
        K4: roundUp4(g.co) / 4,
        PADDED: g.kh * g.kw * sh * sw > 1 || g.pads.some((p) => p > 0),
        M_TILES: mTiles,
        TILES: tiles,
      },
      workgroups: [...grid(tiles, TILE.workgroup), sh * sw],
    });
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
    const tiles = { CI_TILES: Math.ceil(ci / 8), CO_TILES: Math.ceil(co / 8) };
    const count = taps * tiles.CI_TILES * tiles.CO_TILES;
    const split = splitRows(rows, count);
    const bindings = { x: readActivation(ctx, x!), dy: readActivation(ctx, dy!) };
    const cropped = croppedTarget(ctx, target, [taps, g.ci, g.co], [ci, co]);
    summed(ctx, cropped.storage, taps * ci * co, split.PARTS, (sink) =>
      ctx.dispatch(convWeightGrad, {
        bindings: { ...bindings, dw: sink },
        constants: { ...geometryConstants(g), ...tiles, ...split, KH: g.kh, ROWS: rows, CI: ci, CO: co },
        workgroups: grid(count * split.PARTS, TILE.workgroup),
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
  apply1(inputGradOp, [dy, w], { ...plain(attrs), shape });

/** dL/dw of y = conv2d(x, w), from dy = dL/dy; `shape` is w's. */
export const conv2dWeightGrad = (x: Tensor, dy: Tensor, shape: Shape, attrs: ConvAttrs): Tensor =>
  apply1(weightGradOp, [x, dy], { ...plain(attrs), shape });

const plain = ({ strides, pads, dilations, groups }: ConvAttrs): ConvAttrs => ({ strides, pads, dilations, groups });
