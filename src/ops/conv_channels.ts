/** The GEMM kernels take channels in groups of four: here they are padded with zeros, and cropped again. */
import type { ConvGeometry } from '../gemm/geometry.ts';
import { roundUp4 } from '../gemm/problem.ts';
import { stridesIn } from '../graph/layout.ts';
import type { LowerContext, Storage } from '../graph/lower.ts';
import { variableOf } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';

import { copyStridedTo } from './copy.ts';

/** A [N,C,H,W] tensor channels-last, with its channels padded to a multiple of 4. */
export function readActivation(ctx: LowerContext, t: Tensor): Storage {
  const [n, c, h, w] = t.shape as [number, number, number, number];
  const padded = roundUp4(c);
  if (padded === c) return ctx.read(t, 'nhwc');
  const [sn, sc, sh, sw] = stridesIn(t.shape, ctx.layoutOf(t)) as [number, number, number, number];
  const target = ctx.scratch(n * h * w * padded);
  copyStridedTo(ctx, ctx.read(t), target, {
    dims: [n, h, w, padded],
    from: [sn, sh, sw, sc],
    to: [h * w * padded, w * padded, padded, 1],
    mask: { pad: [0, 0, 0, 0], extent: [n, h, w, c], fill: 0 },
  });
  return target;
}

/**
 * The geometry of what forward pass and weight gradient read. Where channels have to be copied into groups of four anyway
 * (the picture itself), the frame of zeros comes with the same copy, and no tap leaves the picture any more.
 */
export function framed(g: ConvGeometry): ConvGeometry {
  if (roundUp4(g.ci) === g.ci || g.pads.every((p) => p === 0)) return g;
  const ih = (g.oh - 1) * g.strides[0] + (g.kh - 1) * g.dilations[0] + 1;
  const iw = (g.ow - 1) * g.strides[1] + (g.kw - 1) * g.dilations[1] + 1;
  return { ...g, ih, iw, pads: [0, 0, 0, 0] };
}

/** x [N,C,H,W] as {@link framed} of its convolution's geometry says. */
export function readFramed(ctx: LowerContext, x: Tensor, g: ConvGeometry): Storage {
  const { ih, iw, pads } = framed(g);
  if (pads === g.pads) return readActivation(ctx, x);
  const c4 = roundUp4(g.ci);
  const [sn, sc, sh, sw] = stridesIn(x.shape, ctx.layoutOf(x)) as [number, number, number, number];
  const source = ctx.scratch(g.n * ih * iw * c4);
  copyStridedTo(ctx, ctx.read(x), source, {
    dims: [g.n, ih, iw, c4],
    from: [sn, sh, sw, sc],
    to: [ih * iw * c4, iw * c4, c4, 1],
    mask: { pad: [0, g.pads[0], g.pads[1], 0], extent: [g.n, g.ih, g.iw, g.ci], fill: 0 },
  });
  return source;
}

/** Whether the GEMM kernels read a weight as half floats. */
export const isHalf = (t: Tensor): boolean => variableOf(t)?.half ?? false;

/** A weight [O,I,kh,kw] as HWIO with both channel extents padded to multiples of 4; half floats where {@link isHalf}. */
export function readWeight(ctx: LowerContext, t: Tensor): Storage {
  if (isHalf(t)) return ctx.packed(t);
  const [o, i, kh, kw] = t.shape as [number, number, number, number];
  const [o4, i4] = [roundUp4(o), roundUp4(i)];
  if (o4 === o && i4 === i) return ctx.read(t, 'hwio');
  const [so, si, sh, sw] = stridesIn(t.shape, ctx.layoutOf(t)) as [number, number, number, number];
  const target = ctx.scratch(kh * kw * i4 * o4);
  copyStridedTo(ctx, ctx.read(t), target, {
    dims: [kh, kw, i4, o4],
    from: [sh, sw, si, so],
    to: [kw * i4 * o4, i4 * o4, o4, 1],
    mask: { pad: [0, 0, 0, 0], extent: [kh, kw, i, o], fill: 0 },
  });
  return target;
}

/**
 * Where a kernel writes [outer, rows, columns] with rows and columns rounded up to `padded`, and the copy that crops
 * them into `target` afterwards.
 */
export function croppedTarget(
  ctx: LowerContext,
  target: Storage,
  [outer, rows, columns]: readonly [number, number, number],
  padded: readonly [number, number],
): { storage: Storage; crop: () => void } {
  if (padded[0] === rows && padded[1] === columns) return { storage: target, crop: () => undefined };
  const storage = ctx.scratch(outer * padded[0] * padded[1]);
  const crop = () =>
    copyStridedTo(ctx, storage, target, {
      dims: [outer, rows, columns],
      from: [padded[0] * padded[1], padded[1], 1],
      to: [rows * columns, columns, 1],
    });
  return { storage, crop };
}
