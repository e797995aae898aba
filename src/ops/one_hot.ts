/** y[.., c] = on where index[..] = c, else off. No gradient: an index has none. */
import { WgradError } from '../errors.ts';
import { oneHot as kernel } from '../gpu/kernels.gen.ts';
import { packStruct } from '../gpu/kernel.ts';
import { grid } from '../gpu/grid.ts';
import type { Op } from '../graph/op.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { bits } from './unary.ts';

export interface OneHotOptions {
  /** At the index; default 1. */
  on?: number;
  /** Elsewhere; default 0. */
  off?: number;
  /** A row with this index is all 0; default none. */
  ignore?: number;
  /** All of a row whose index is no class; default `off`. */
  outside?: number;
}

interface OneHotAttrs extends OneHotOptions {
  classes: number;
}

const oneHotOp: Op<OneHotAttrs> = {
  name: 'one_hot',
  infer: ([indices], { classes }) => {
    if (indices!.dtype !== 'i32') throw new WgradError('dtype', `one_hot: ${indices} must hold i32 class indices`);
    return [{ shape: [...indices!.shape, classes], dtype: 'f32' }];
  },
  vjp: () => [null],
  lower(ctx, { inputs: [indices], outputs: [y], attrs }) {
    const { classes, on = 1, off = 0, ignore, outside = off } = attrs;
    const sizes = packStruct(kernel, 'sizes', {
      count: y!.size,
      classes,
      on: bits(on),
      off: bits(off),
      outside: bits(outside),
      ignores: ignore === undefined ? 0 : 1,
      ignore: ignore ?? 0,
    });
    ctx.dispatch(kernel, {
      bindings: { indices: ctx.read(indices!, 'row'), y: ctx.write(y!), sizes: ctx.constant(sizes) },
      workgroups: grid(y!.size, 64),
    });
  },
};

/**
 * i32 [..] to f32 [.., classes].
 * @throws WgradError 'dtype'; 'shape' where `classes` is no count.
 */
export const oneHot = (indices: Tensor, classes: number, options: OneHotOptions = {}): Tensor =>
  apply1(oneHotOp, [indices], { ...options, classes });
