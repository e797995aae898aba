/** The GEMM kernels take channels in groups of four: here they are padded with zeros, and cropped again. */
import { stridesIn } from '../graph/layout.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { LowerContext, Storage } from '../plan/lower.ts';
import { copyStridedTo } from './copy.ts';

export const roundUp4 = (n: number): number => Math.ceil(n / 4) * 4;

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

/** A weight [O,I,kh,kw] as HWIO with both channel extents padded to multiples of 4. */
export function readWeight(ctx: LowerContext, t: Tensor): Storage {
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
