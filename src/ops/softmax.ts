/**
 * softmax:     y_i = e^x_i / sum_j e^x_j      dx = y (g - sum_j g_j y_j)
 * log-softmax: y = x - log sum_j e^x_j        dx = g - softmax(x) sum_j g_j
 */
import { grid } from '../gpu/grid.ts';
import { softmax as kernel } from '../gpu/kernels.gen.ts';
import type { Op } from '../graph/op.ts';
import { normalizeAxes, sizeOf } from '../graph/shape.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { mul, sub } from './binary.ts';
import { requireFloat } from './check.ts';
import { sum } from './reduce.ts';
import { exp } from './unary.ts';

interface SoftmaxAttrs {
  axis: number;
  log: boolean;
}

const softmaxOp: Op<SoftmaxAttrs> = {
  name: 'softmax',
  infer: ([x]) => {
    requireFloat('softmax', x!);
    return [{ shape: x!.shape, dtype: 'f32' }];
  },
  vjp: ({ outputs: [y], attrs: { axis, log } }, [g]) => [
    () => (log ? sub(g!, mul(exp(y!), sum(g!, [axis], true))) : mul(y!, sub(g!, sum(mul(g!, y!), [axis], true)))),
  ],
  lower(ctx, { inputs: [x], outputs: [y], attrs }) {
    const extent = x!.shape[attrs.axis]!;
    const lines = x!.size / extent;
    ctx.dispatch(kernel, {
      bindings: { x: ctx.read(x!, 'row'), y: ctx.write(y!) },
      constants: { LINES: lines, EXTENT: extent, INNER: sizeOf(x!.shape.slice(attrs.axis + 1)), LOG: attrs.log },
      workgroups: grid(lines, 64),
    });
  },
};

const make =
  (log: boolean) =>
  (x: Tensor, axis = -1): Tensor =>
    apply1(softmaxOp, [x], { axis: normalizeAxes([axis], x.rank, 'softmax')[0]!, log });

/** Along `axis` (default the last). */
export const softmax = make(false);
export const logSoftmax = make(true);
