/** Pooling of [N,C,L]: that of a picture one pixel high. */
import type { Tensor } from '../graph/tensor.ts';
import { requireKnown, requireRank } from './check.ts';
import { avgPool2d, maxPool2d, type PoolOptions } from './pool.ts';
import { reshape } from './reshape.ts';

/** Options of `maxPool1d` and `avgPool1d`. */
export interface Pool1dOptions {
  /** Extent of the window; its stride is the same unless it is given. */
  kernel: number;
  stride?: number;
  /** On both ends, or [before, after]. Default 0. */
  padding?: number | readonly [number, number];
  dilation?: number;
  ceilMode?: boolean;
  /** Average pooling only: padding counts as elements, zeros. Default true. */
  countIncludePad?: boolean;
}

function flat({ kernel, stride = kernel, padding = 0, dilation = 1, ...rest }: Pool1dOptions): PoolOptions {
  const [before, after] = typeof padding === 'number' ? [padding, padding] : padding;
  return { ...rest, kernel: [1, kernel], stride: [1, stride], dilation: [1, dilation], pads: [0, before, 0, after] };
}

function pool1d(op: string, pool: (x: Tensor, options: PoolOptions) => Tensor) {
  return (x: Tensor, options: Pool1dOptions): Tensor => {
    requireRank(op, x, 3, '[N,C,L]');
    requireKnown(op, options, ['kernel', 'stride', 'padding', 'dilation', 'ceilMode', 'countIncludePad']);
    const [n, c, l] = x.shape as readonly [number, number, number];
    const y = pool(reshape(x, [n, c, 1, l]), flat(options));
    return reshape(y, [n, c, y.shape[3]!]);
  };
}

/** [N,C,L] to [N,C,ol]. */
export const maxPool1d = pool1d('max_pool1d', maxPool2d);
/** Average pooling of [N,C,L]. */
export const avgPool1d = pool1d('avg_pool1d', avgPool2d);
