/**
 * Affine sampling, the map given at run time, one for each picture or one for all:
 *
 *   y[n,c,i,j] = x[n,c] at (row, column) = (a i + b j + c, d i + e j + f), bilinear
 *
 * Pixel centres are whole numbers, so that the identity keeps every bit. No antialiasing: where the map shrinks the
 * picture by more than a half, pixels are passed over. It is linear in x; its gradient is the adjoint, a gather too.
 */
import { WgradError } from '../errors.ts';
import { grid } from '../gpu/grid.ts';
import { packStruct } from '../gpu/kernel.ts';
import { warp as kernel, warpGrad as gradKernel } from '../gpu/kernels.gen.ts';
import type { Op } from '../graph/op.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { requireFloat, requireKnown, requireNumber, requireOneOf, requireRank, requireShape } from './check.ts';

/** Numbers of one place: a b c d e f, and the region of x that is seen: first and last row, first and last column. */
export const PLACE = 10;

/** What lies outside the region: a constant, or the nearest pixel of its edge. */
export type WarpBorder = 'fill' | 'edge';

interface WarpAttrs {
  size: readonly [number, number];
  border: WarpBorder;
  fill: number;
}

function checkPlaces(x: Tensor, places: Tensor): void {
  requireFloat('warp', x, places);
  requireRank('warp', x, 4, '[N,C,H,W]');
  const [rows, numbers] = places.shape;
  if (places.rank !== 2 || numbers !== PLACE || (rows !== 1 && rows !== x.shape[0])) {
    throw new WgradError('shape', `warp: the places ${places} are not [1,${PLACE}] or [${x.shape[0]},${PLACE}]`, {
      remedy: 'Make them with place() of wgrad/transforms',
    });
  }
}

const stride = (places: Tensor) => (places.shape[0] === 1 ? 0 : PLACE);

const warpOp: Op<WarpAttrs> = {
  name: 'warp',
  infer: ([x, places], { size }) => {
    checkPlaces(x!, places!);
    return [{ shape: [x!.shape[0]!, x!.shape[1]!, ...size], dtype: 'f32' }];
  },
  vjp: ({ inputs: [x, places], attrs }, [g]) => [
    () => apply1(warpGradOp, [g!, places!], { ...attrs, size: [x!.shape[2]!, x!.shape[3]!] }),
    null,
  ],
  lower(ctx, { inputs: [x, places], outputs: [y], attrs }) {
    const [n, channels, h, w] = y!.shape as [number, number, number, number];
    const count = n * h * w;
    const sizes = { count, channels, h, w, x_h: x!.shape[2]!, x_w: x!.shape[3]!, place: stride(places!) };
    ctx.dispatch(kernel, {
      bindings: {
        x: ctx.read(x!, 'row'),
        places: ctx.read(places!),
        fill: ctx.constant(Float32Array.of(attrs.fill)),
        y: ctx.write(y!),
        sizes: ctx.constant(packStruct(kernel, 'sizes', sizes)),
      },
      constants: { EDGE: attrs.border === 'edge' },
      workgroups: grid(count, 64),
    });
  },
  flops: ({ outputs: [y] }) => 8 * y!.size,
};

const warpGradOp: Op<WarpAttrs> = {
  name: 'warp_grad',
  infer: ([g, places], { size }) => {
    checkPlaces(g!, places!);
    return [{ shape: [g!.shape[0]!, g!.shape[1]!, ...size], dtype: 'f32' }];
  },
  // Linear in g: the gradient of the adjoint is the sampling itself, without the fill.
  vjp: ({ inputs: [g, places], attrs }, [gg]) => [
    () => apply1(warpOp, [gg!, places!], { ...attrs, fill: 0, size: [g!.shape[2]!, g!.shape[3]!] }),
    null,
  ],
  lower(ctx, { inputs: [g, places], outputs: [dx], attrs }) {
    const [n, channels, h, w] = dx!.shape as [number, number, number, number];
    const count = n * h * w;
    const sizes = { count, channels, h, w, g_h: g!.shape[2]!, g_w: g!.shape[3]!, place: stride(places!) };
    ctx.dispatch(gradKernel, {
      bindings: {
        g: ctx.read(g!, 'row'),
        places: ctx.read(places!),
        dx: ctx.write(dx!),
        sizes: ctx.constant(packStruct(gradKernel, 'sizes', sizes)),
      },
      constants: { EDGE: attrs.border === 'edge' },
      workgroups: grid(count, 64),
    });
  },
  flops: ({ inputs: [g] }) => 8 * g!.size,
};

/** What a warp shows where it looks beyond the picture. */
export interface WarpOptions {
  border?: WarpBorder;
  /** The constant of border 'fill'; default 0. */
  fill?: number;
}

/**
 * @param x [N,C,H,W] @param places [N,PLACE] or [1,PLACE]
 * @param size height and width of the result.
 * @throws WgradError 'shape', 'dtype', 'invalid-argument'.
 */
export function warp(x: Tensor, places: Tensor, size: readonly [number, number], options: WarpOptions = {}): Tensor {
  requireKnown('warp', options, ['border', 'fill']);
  const { border = 'fill', fill = 0 } = options;
  requireOneOf('warp', 'border', border, ['fill', 'edge']);
  requireNumber('warp', { fill });
  requireShape('warp', size, 'size');
  if (size.length !== 2 || !size.every((d) => Number.isSafeInteger(d) && d >= 1)) {
    throw new WgradError('shape', `warp: the size ${size.join(' x ')} is no picture's`);
  }
  return apply1(warpOp, [x, places], { size, border, fill });
}
