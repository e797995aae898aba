/**
 * Slicing: y[i] = x[start + i * step] on each axis. Its adjoint places g at those elements of a zero tensor, and is
 * differentiable by slicing again.
 */
import { WgradError } from '../errors.ts';
import { stridesIn } from '../graph/layout.ts';
import type { Op } from '../graph/op.ts';
import { requireList, show, type Shape } from '../graph/shape.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { requireTensor } from './check.ts';
import { copyAxes, layoutLike } from './copy.ts';

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
    const lists = [a.starts, a.sizes, a.steps];
    const whole = lists.every((list) => list.length === x!.rank && list.every((n) => Number.isSafeInteger(n)));
    const fits = x!.shape.every((d, i) => {
      if (a.sizes[i] === 0) return true;
      const last = a.starts[i]! + (a.sizes[i]! - 1) * a.steps[i]!;
      return a.steps[i] !== 0 && a.sizes[i]! > 0 && a.starts[i]! >= 0 && a.starts[i]! < d && last >= 0 && last < d;
    });
    if (!whole || !fits) {
      throw new WgradError('shape', `slice: from ${show(a.starts)} ${show(a.sizes)} by ${show(a.steps)} leaves ${x}`);
    }
    return [{ shape: a.sizes, dtype: x!.dtype }];
  },
  vjp: ({ inputs: [x], attrs }, [g]) => [() => place(g!, x!.shape, attrs)],
  lower(ctx, { inputs: [x], outputs: [y], attrs }) {
    const { offset, strides } = walk(stridesIn(x!.shape, ctx.layoutOf(x!)), attrs);
    const layout = layoutLike(ctx, x!);
    const copy = { dims: y!.shape, from: strides, fromOffset: offset, to: stridesIn(y!.shape, layout) };
    copyAxes(ctx, ctx.read(x!), ctx.write(y!, layout), layout, copy);
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
    const layout = layoutLike(ctx, x!);
    const target = ctx.write(y!, layout);
    const full = stridesIn(y!.shape, layout);
    const zero = ctx.constant(zeros);
    copyAxes(ctx, zero, target, layout, { dims: y!.shape, from: y!.shape.map(() => 0), to: full });
    const { offset, strides } = walk(full, attrs);
    // Negative steps walk the source back instead: destinations only count up.
    const own = stridesIn(x!.shape, ctx.layoutOf(x!));
    const flip = attrs.steps.map((s) => s < 0);
    const last = (i: number) => x!.shape[i]! - 1;
    copyAxes(ctx, ctx.read(x!), target, layout, {
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
 * @throws WgradError 'shape' where the slice leaves x.
 */
export function slice(
  x: Tensor,
  starts: readonly number[],
  sizes: readonly number[],
  steps?: readonly number[],
): Tensor {
  requireTensor('slice', x);
  for (const [name, list] of Object.entries({ starts: starts ?? null, sizes: sizes ?? null, steps }))
    requireList('slice', name, list);
  return apply1(sliceOp, [x], { starts, sizes, steps: steps ?? sizes.map(() => 1) });
}
