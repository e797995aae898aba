/**
 * Padding and cropping: y[i] = x[i - before] inside x, and outside it
 *
 *   constant   a value        reflect   the elements mirrored at the border one, which is not repeated (period 2 (n - 1))
 *   edge       the border     wrap      the elements again from the other side (period n)
 *
 * Negative amounts crop. The gradient of constant padding is padding by the opposite amounts; the other modes are a
 * constant matrix along each axis, whose transpose adds up what an element was copied to. (numpy.pad, ONNX Pad.)
 */
import { WgradError } from '../errors.ts';
import { stridesIn } from '../graph/layout.ts';
import type { Op } from '../graph/op.ts';
import { requireList, show } from '../graph/shape.ts';
import { apply1, requirePossible, type Tensor } from '../graph/tensor.ts';
import { requireTensor } from './check.ts';
import { bitsOf, copyAxes, layoutLike } from './copy.ts';
import { gather } from './gather.ts';

/** What stands beyond the edge: zeros or a value, the reflected, the nearest or the wrapped around elements. */
export type PadMode = 'constant' | keyof typeof sources;

interface PadAttrs {
  before: readonly number[];
  after: readonly number[];
  value: number;
}

const padOp: Op<PadAttrs> = {
  name: 'pad',
  infer: ([x], a) => [{ shape: x!.shape.map((d, i) => d + a.before[i]! + a.after[i]!), dtype: x!.dtype }],
  vjp: ({ attrs: { before, after } }, [g]) => {
    const opposite = (amounts: readonly number[]) => amounts.map((n) => -n);
    return [() => apply1(padOp, [g!], { before: opposite(before), after: opposite(after), value: 0 })];
  },
  lower(ctx, { inputs: [x], outputs: [y], attrs }) {
    const layout = layoutLike(ctx, x!);
    copyAxes(ctx, ctx.read(x!), ctx.write(y!, layout), layout, {
      dims: y!.shape,
      from: stridesIn(x!.shape, ctx.layoutOf(x!)),
      to: stridesIn(y!.shape, layout),
      mask: { pad: attrs.before, extent: x!.shape, fill: bitsOf(attrs.value, x!.dtype) },
    });
  },
};

const modulo = (i: number, n: number) => ((i % n) + n) % n;

/** Where element i of an axis of n elements comes from, for i of any size and sign. */
const sources = {
  reflect: (i: number, n: number) => (n === 1 ? 0 : Math.abs(modulo(i + n - 1, 2 * (n - 1)) - (n - 1))),
  edge: (i: number, n: number) => Math.min(Math.max(i, 0), n - 1),
  wrap: modulo,
};

/**
 * `before[i]` and `after[i]` elements around axis i; negative ones are cropped.
 * @param value what 'constant' (the default mode) puts there, default 0.
 * @throws WgradError 'shape' where the amounts are not one for each axis, or more is cropped than there is;
 * 'invalid-argument' for an unknown mode; 'dtype' for a value that an integer tensor cannot hold.
 */
export function pad(
  x: Tensor,
  before: readonly number[],
  after: readonly number[],
  value = 0,
  mode: PadMode = 'constant',
): Tensor {
  requireTensor('pad', x);
  requireList('pad', 'before', before ?? null);
  requireList('pad', 'after', after ?? null);
  if (typeof value !== 'number')
    throw new WgradError('invalid-argument', `pad: the value is ${String(value)}, no number`);
  const amounts = `before ${show(before)} and after ${show(after)}`;
  const shape = x.shape.map((d, i) => d + before[i]! + after[i]!);
  const whole = [...before, ...after].every((n) => Number.isSafeInteger(n));
  if (before.length !== x.rank || after.length !== x.rank || !whole || shape.some((d) => d < 0)) {
    throw new WgradError('shape', `pad: ${amounts} do not fit ${x}`);
  }
  if (x.dtype === 'i32' && value !== (value | 0)) {
    throw new WgradError('dtype', `pad: ${x} holds i32, which cannot be padded with ${value}`);
  }
  if (mode === 'constant') return apply1(padOp, [x], { before: [...before], after: [...after], value });
  const source = Object.hasOwn(sources, mode) ? sources[mode] : undefined;
  if (!source) {
    const known = ['constant', ...Object.keys(sources)].join(', ');
    throw new WgradError('invalid-argument', `pad: there is no mode '${mode}'`, { remedy: `Choose one of ${known}` });
  }
  requirePossible('pad', shape);
  return x.shape.reduce((y, n, axis) => {
    if (before[axis] === 0 && after[axis] === 0) return y;
    if (n === 0) throw new WgradError('shape', `pad: axis ${axis} of ${x} is empty, there is nothing to ${mode}`);
    const from = Array.from({ length: shape[axis]! }, (_, i) => source(i - before[axis]!, n));
    return gather(y, from, axis);
  }, x);
}
