/**
 * The place of the largest or smallest element along an axis; it has no gradient. NaN is the largest and the smallest,
 * and of equals the first one wins, as in PyTorch's argmax and argmin.
 */
import { WgradError } from '../errors.ts';
import { grid } from '../gpu/grid.ts';
import { packStruct } from '../gpu/kernel.ts';
import { argReduce as kernel } from '../gpu/kernels.gen.ts';
import { linesAlong } from '../graph/layout.ts';
import type { Op } from '../graph/op.ts';
import { normalizeAxes } from '../graph/shape.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { requireFloat, requireKnown } from './check.ts';
import { reshape } from './reshape.ts';

/** Options of `argmax` and `argmin`. */
export interface ArgOptions {
  /** Keep the axis, with extent 1. Default false. */
  keepdims?: boolean;
  /** The last of equals instead of the first. Default false. */
  selectLast?: boolean;
}

interface ArgAttrs {
  kind: keyof typeof codes;
  axis: number;
  selectLast: boolean;
}

const codes = { argmax: 0, argmin: 1 } as const;

const argOp: Op<ArgAttrs> = {
  name: 'arg_reduce',
  infer: ([x], { kind, axis }) => {
    requireFloat(kind, x!);
    if (x!.shape[axis] === 0) throw new WgradError('shape', `${kind}: axis ${axis} of ${x} is empty`);
    return [{ shape: x!.shape.map((d, i) => (i === axis ? 1 : d)), dtype: 'i32' }];
  },
  vjp: () => [null],
  lower(ctx, { inputs: [x], outputs: [y], attrs: { kind, axis, selectLast } }) {
    const layout = ctx.layoutOf(x!);
    const lines = packStruct(kernel, 'lines', { count: y!.size, ...linesAlong(x!.shape, axis, layout) });
    ctx.dispatch(kernel, {
      bindings: { x: ctx.read(x!), y: ctx.write(y!, layout), lines: ctx.constant(lines) },
      constants: { OP: codes[kind], LAST: selectLast },
      workgroups: grid(y!.size, 64),
    });
  },
};

function make(kind: ArgAttrs['kind']) {
  return (x: Tensor, axis?: number, options: ArgOptions = {}): Tensor => {
    requireFloat(kind, x);
    requireKnown(kind, options, ['keepdims', 'selectLast']);
    const { keepdims = false, selectLast = false } = options;
    if (axis === undefined) {
      const y = make(kind)(reshape(x, [x.size]), 0, { keepdims, selectLast });
      return keepdims ? reshape(y, x.shape.map(() => 1)) : y; // prettier-ignore
    }
    const [along] = normalizeAxes([axis], x.rank, kind) as [number];
    const y = apply1(argOp, [x], { kind, axis: along, selectLast });
    return keepdims ? y : reshape(y, [...x.shape.slice(0, along), ...x.shape.slice(along + 1)]);
  };
}

/**
 * i32 places along `axis`; without one, in the tensor as a row of its elements.
 * @throws WgradError 'shape' for an axis that is empty or outside.
 */
export const argmax = make('argmax');
/** Index of the smallest value along an axis, as i32; the first of several. A NaN counts as the smallest. */
export const argmin = make('argmin');
