/**
 * Tensors one behind the other along an axis, and the other way round:
 *   concat: each one's gradient is its slice        split: dx = the parts' gradients, concatenated
 */
import { WgradError } from '../errors.ts';
import { scalar } from '../graph/leaves.ts';
import { stridesIn } from '../graph/layout.ts';
import type { Op, PlanNode } from '../graph/op.ts';
import { normalizeAxes, requireList, show } from '../graph/shape.ts';
import { apply, apply1, type Tensor } from '../graph/tensor.ts';
import { requireShape, requireTensor } from './check.ts';
import type { LowerContext } from '../graph/lower.ts';
import { broadcastTo } from './broadcast.ts';
import { copyAxes, layoutLike } from './copy.ts';
import { slice } from './slice.ts';

interface ConcatAttrs {
  axis: number;
}

const concatOp: Op<ConcatAttrs> = {
  name: 'concat',
  infer: (parts, { axis }) => {
    const first = parts[0]!;
    const odd = parts.find((t) => t.dtype !== first.dtype);
    if (odd) throw new WgradError('dtype', `concat: ${first} holds ${first.dtype} and ${odd} ${odd.dtype}`);
    const alike = (t: Tensor) => t.rank === first.rank && t.shape.every((d, i) => i === axis || d === first.shape[i]);
    if (!parts.every(alike)) {
      throw new WgradError('shape', `concat: ${parts.join(', ')} differ in more than axis ${axis}`);
    }
    const extent = parts.reduce((n, t) => n + t.shape[axis]!, 0);
    return [{ shape: first.shape.map((d, i) => (i === axis ? extent : d)), dtype: first.dtype }];
  },
  vjp: ({ inputs, attrs: { axis } }, [g]) => {
    let at = 0;
    return inputs.map((t) => {
      const start = at;
      at += t.shape[axis]!;
      const starts = t.shape.map((_, i) => (i === axis ? start : 0));
      return () => slice(g!, starts, t.shape);
    });
  },
  lower(ctx, { inputs, outputs: [y], attrs: { axis } }) {
    const layout = inputs.some((t) => ctx.layoutOf(t) === 'nhwc') ? 'nhwc' : 'row';
    const target = ctx.write(y!, layout);
    const to = stridesIn(y!.shape, layout);
    let at = 0;
    for (const t of inputs) {
      const from = stridesIn(t.shape, ctx.layoutOf(t));
      copyAxes(ctx, ctx.read(t), target, layout, { dims: t.shape, from, to, toOffset: at * to[axis]! });
      at += t.shape[axis]!;
    }
  },
};

interface SplitAttrs {
  axis: number;
  sizes: readonly number[];
}

const splitOp: Op<SplitAttrs> = {
  name: 'split',
  infer: ([x], { axis, sizes }) =>
    sizes.map((size) => ({ shape: x!.shape.map((d, i) => (i === axis ? size : d)), dtype: x!.dtype })),
  vjp: ({ outputs, attrs: { axis } }, cotangents) => [
    () => concat(outputs.map((t, i) => cotangents[i] ?? broadcastTo(scalar(0), t.shape)), axis), // prettier-ignore
  ],
  lower: lowerSplit,
};

function lowerSplit(ctx: LowerContext, { inputs: [x], outputs, attrs: { axis } }: PlanNode<SplitAttrs>): void {
  const layout = layoutLike(ctx, x!);
  const from = stridesIn(x!.shape, ctx.layoutOf(x!));
  let at = 0;
  for (const y of outputs) {
    const to = stridesIn(y.shape, layout);
    const copy = { dims: y.shape, from, to, fromOffset: at * from[axis]! };
    copyAxes(ctx, ctx.read(x!), ctx.write(y, layout), layout, copy);
    at += y.shape[axis]!;
  }
}

/**
 * @param axis negative ones count from the end.
 * @throws WgradError 'shape' where the parts differ in another axis, or there are none; 'dtype' where they hold unlike
 * types.
 */
export function concat(parts: readonly Tensor[], axis: number): Tensor {
  requireList('concat', 'parts', parts ?? null);
  requireTensor('concat', ...parts);
  if (parts.length === 0) throw new WgradError('shape', 'concat: there is nothing to concatenate');
  const [along] = normalizeAxes([axis], parts[0]!.rank, 'concat') as [number];
  return apply1(concatOp, parts, { axis: along });
}

/**
 * x cut along `axis` (default 0) into parts of `sizes`; a number asks for that many parts, as equal as may be, the last
 * one being smaller where they cannot be equal (as ONNX's num_outputs).
 * @throws WgradError 'shape' where the sizes do not add up to the axis.
 */
export function split(x: Tensor, sizes: number | readonly number[], axis = 0): Tensor[] {
  requireTensor('split', x);
  if (typeof sizes !== 'number') requireShape('split', sizes, 'sizes');
  const [along] = normalizeAxes([axis], x.rank, 'split') as [number];
  const extent = x.shape[along]!;
  const list = typeof sizes === 'number' ? equalParts(extent, sizes) : [...sizes];
  const valid = list.every((n) => Number.isSafeInteger(n) && n >= 0);
  if (list.length === 0 || !valid || list.reduce((n, size) => n + size, 0) !== extent) {
    const wanted = typeof sizes === 'number' ? `${sizes} parts` : `parts of ${show(sizes)}`;
    throw new WgradError('shape', `split: axis ${along} of ${x} cannot be cut into ${wanted}`);
  }
  return apply(splitOp, [x], { axis: along, sizes: list });
}

function equalParts(extent: number, count: number): number[] {
  // More parts than elements: the last ones would be less than empty.
  if (!Number.isSafeInteger(count) || count < 1 || count > Math.max(1, extent)) return [];
  const each = Math.ceil(extent / count);
  return Array.from({ length: count }, (_, i) => Math.min(each, extent - i * each));
}
