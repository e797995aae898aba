/** Convolutions and pooling of the host algebra. */
import type { ConvAttrs } from '../../gemm/geometry.ts';
import { convGeometry } from '../../ops/conv_geometry.ts';
import { completePool, pooledShape, type PoolOptions } from '../../ops/pool.ts';
import { sizeOf, type HostTensor, type Spend } from './host_tensor.ts';

/**
 * Calls `visit` with the places in x, w and y of each product of a convolution, in order of y.
 * The places come from one formula, so that the adjoint is the same loop with other roles.
 */
function eachProduct(
  xShape: readonly number[],
  wShape: readonly number[],
  attrs: ConvAttrs,
  spend: Spend,
  visit: (x: number, w: number, y: number) => void,
): readonly number[] {
  const g = convGeometry(xShape, wShape, attrs);
  const shape = [g.n, g.co, g.oh, g.ow];
  const [groupCi, groupCo] = [g.ci / g.groups, g.co / g.groups];
  spend(2 * sizeOf(shape) * groupCi * g.kh * g.kw);
  let y = 0;
  for (let n = 0; n < g.n; n++)
    for (let o = 0; o < g.co; o++)
      for (let p = 0; p < g.oh; p++)
        for (let q = 0; q < g.ow; q++, y++)
          for (let i = 0; i < groupCi; i++)
            for (let r = 0; r < g.kh; r++)
              for (let s = 0; s < g.kw; s++) {
                const h = p * g.strides[0] - g.pads[0] + r * g.dilations[0];
                const w = q * g.strides[1] - g.pads[1] + s * g.dilations[1];
                if (h < 0 || h >= g.ih || w < 0 || w >= g.iw) continue;
                const channel = Math.floor(o / groupCo) * groupCi + i;
                visit(((n * g.ci + channel) * g.ih + h) * g.iw + w, ((o * groupCi + i) * g.kh + r) * g.kw + s, y);
              }
  return shape;
}

export function conv2d(x: HostTensor, w: HostTensor, attrs: ConvAttrs, spend: Spend): HostTensor {
  const g = convGeometry(x.shape, w.shape, attrs);
  const shape = [g.n, g.co, g.oh, g.ow];
  spend(sizeOf(shape));
  const data = new Float64Array(sizeOf(shape));
  eachProduct(x.shape, w.shape, attrs, spend, (i, k, o) => (data[o]! += x.data[i]! * w.data[k]!));
  return { shape, data };
}

export function convTranspose2d(
  dy: HostTensor,
  w: HostTensor,
  shape: readonly number[],
  attrs: ConvAttrs,
  spend: Spend,
): HostTensor {
  spend(sizeOf(shape));
  const data = new Float64Array(sizeOf(shape));
  eachProduct(shape, w.shape, attrs, spend, (i, k, o) => (data[i]! += dy.data[o]! * w.data[k]!));
  return { shape, data };
}

export function pool2d(kind: 'max' | 'mean', x: HostTensor, options: PoolOptions, spend: Spend): HostTensor {
  const a = completePool('pooling', options);
  const shape = pooledShape('pooling', x.shape, a);
  const [planes, ih, iw] = [x.shape[0]! * x.shape[1]!, x.shape[2]!, x.shape[3]!];
  const [oh, ow] = shape.slice(2) as [number, number];
  spend(sizeOf(shape) * (1 + a.kernel[0] * a.kernel[1]));
  const data = new Float64Array(sizeOf(shape));
  // Padding counts where it was asked for, but not what a last window hangs over it (ceil_mode).
  const counted = (at: number, size: number, before: number, after: number) =>
    a.countIncludePad ? at >= -before && at < size + after : at >= 0 && at < size;
  let y = 0;
  for (let plane = 0; plane < planes; plane++)
    for (let p = 0; p < oh; p++)
      for (let q = 0; q < ow; q++) {
        let [top, sum, count] = [-Infinity, 0, 0];
        for (let r = 0; r < a.kernel[0]; r++)
          for (let s = 0; s < a.kernel[1]; s++) {
            const h = p * a.strides[0] - a.pads[0] + r * a.dilations[0];
            const w = q * a.strides[1] - a.pads[1] + s * a.dilations[1];
            if (counted(h, ih, a.pads[0], a.pads[2]) && counted(w, iw, a.pads[1], a.pads[3])) count++;
            if (h < 0 || h >= ih || w < 0 || w >= iw) continue;
            const value = x.data[(plane * ih + h) * iw + w]!;
            top = Math.max(top, value);
            sum += value;
          }
        data[y++] = kind === 'max' ? top : sum / count;
      }
  return { shape, data };
}
