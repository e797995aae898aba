/**
 * Slicing: y[i] = x[start + i * step] on each axis. Its adjoint places g at those elements of a zero tensor, and is
 * differentiable by slicing again.
 */
import { WgradError } from '../errors.ts';
import type { Op } from '../graph/op.ts';
import { show, stridesOf, type Shape } from '../graph/shape.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { copyStridedTo } from './copy.ts';
import { stridesIn } from '../graph/layout.ts';

interface SliceAttrs {
  starts: readonly number[];
  sizes: readonly number[];
  steps: readonly number[];
}

/** Element offset of the first element taken, and the stride from one to the next on each axis. */
function walk(strides: readonly number[], a: SliceAttrs) {
  return {
    offset: a.starts.reduce((n, start, i) => n + start * strides[i]!, 0),
    strides: strides.map((s, i) => s * a.steps[i]!),
  };
}

const sliceOp: Op<SliceAttrs> = {
  name: 'slice',
  infer: ([x], a) => {
    const fits = x!.shape.every((d, i) => {
      const last = a.starts[i]! + (a.sizes[i]! - 1) * a.steps[i]!;
      return a.steps[i] !== 0 && a.sizes[i]! >= 1 && a.starts[i]! >= 0 && a.starts[i]! < d && last >= 0 && last < d;
    });
    if (a.starts.length !== x!.rank || a.sizes.length !== x!.rank || !fits) {
      throw new WgradError('shape', `slice: from ${show(a.starts)} ${show(a.sizes)} by ${show(a.steps)} leaves ${x}`);
    }
    return [{ shape: a.sizes, dtype: x!.dtype }];
  },
  vjp: ({ inputs: [x], attrs }, [g]) => [() => place(g!, x!.shape, attrs)],
  lower(ctx, { inputs: [x], outputs: [y], attrs }) {
    const { offset, strides } = walk(stridesIn(x!.shape, ctx.layoutOf(x!)), attrs);
    const copy = { dims: y!.shape, from: strides, fromOffset: offset, to: stridesOf(y!.shape) };
    copyStridedTo(ctx, ctx.read(x!), ctx.write(y!), copy);
  },
};

interface PlaceAttrs extends SliceAttrs {
  shape: Shape;
}

const placeOp: Op<PlaceAttrs> = {
  name: 'place',
  infer: (_, a) => [{ shape: a.shape, dtype: 'f32' }],
  vjp: (node, [g]) => {
    const { starts, sizes, steps } = node.attrs;
    return [() => apply1(sliceOp, [g!], { starts, sizes, steps })];
  },
  lower(ctx, { inputs: [x], outputs: [y], attrs }) {
    const target = ctx.write(y!);
    const full = stridesOf(y!.shape);
    const zero = ctx.constant(zeros);
    copyStridedTo(ctx, zero, target, { dims: y!.shape, from: y!.shape.map(() => 0), to: full });
    const { offset, strides } = walk(full, attrs);
    // Negative steps walk the source back instead: destinations only count up.
    const own = stridesOf(x!.shape);
    const flip = attrs.steps.map((s) => s < 0);
    const last = (i: number) => x!.shape[i]! - 1;
    copyStridedTo(ctx, ctx.read(x!, 'row'), target, {
      dims: x!.shape,
      from: own.map((s, i) => (flip[i] ? -s : s)),
      fromOffset: own.reduce((n, s, i) => n + (flip[i] ? s * last(i) : 0), 0),
      to: strides.map((s) => Math.abs(s)),
      toOffset: offset + strides.reduce((n, s, i) => n + (flip[i] ? s * last(i) : 0), 0),
    });
  },
};

const zeros = new Float32Array(4);

const place = (g: Tensor, shape: Shape, { starts, sizes, steps }: SliceAttrs): Tensor =>
  apply1(placeOp, [g], { starts, sizes, steps, shape });

/**
 * `sizes[i]` elements from `starts[i]` on, every `steps[i]`-th (default 1; negative walks back).
 * @throws WgradError 'shape' where the slice leaves x or is empty.
 */
export const slice = (
  x: Tensor,
  starts: readonly number[],
  sizes: readonly number[],
  steps: readonly number[] = sizes.map(() => 1),
): Tensor => apply1(sliceOp, [x], { starts, sizes, steps });
