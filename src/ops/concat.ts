/** Tensors one behind the other along an axis; each one's gradient is its slice. */
import { WgradError } from '../errors.ts';
import { stridesIn } from '../graph/layout.ts';
import type { Op } from '../graph/op.ts';
import { stridesOf } from '../graph/shape.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { copyStridedTo } from './copy.ts';
import { slice } from './slice.ts';

interface ConcatAttrs {
  axis: number;
}

const concatOp: Op<ConcatAttrs> = {
  name: 'concat',
  infer: (parts, { axis }) => {
    const first = parts[0];
    const alike = (t: Tensor) => t.rank === first!.rank && t.shape.every((d, i) => i === axis || d === first!.shape[i]);
    if (!first || !parts.every(alike)) {
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
      return () =>
        slice(
          g!,
          t.shape.map((_, i) => (i === axis ? start : 0)),
          t.shape,
        );
    });
  },
  lower(ctx, { inputs, outputs: [y], attrs: { axis } }) {
    const target = ctx.write(y!);
    const to = stridesOf(y!.shape);
    let at = 0;
    for (const t of inputs) {
      const from = stridesIn(t.shape, ctx.layoutOf(t));
      copyStridedTo(ctx, ctx.read(t), target, { dims: t.shape, from, to, toOffset: at * to[axis]! });
      at += t.shape[axis]!;
    }
  },
};

export const concat = (parts: readonly Tensor[], axis: number): Tensor =>
  apply1(concatOp, parts, { axis: axis < 0 ? axis + (parts[0]?.rank ?? 0) : axis });
