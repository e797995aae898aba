/**
 * softmax:     y_i = e^x_i / sum_j e^x_j      dx = y (g - sum_j g_j y_j)
 * log-softmax: y = (x - m) - log sum_j e^(x_j - m), m = max x      dx = g - softmax(x) sum_j g_j
 */
import { grid } from '../gpu/grid.ts';
import { packStruct } from '../gpu/kernel.ts';
import { softmax as kernel } from '../gpu/kernels.gen.ts';
import { linesAlong } from '../graph/layout.ts';
import type { Op } from '../graph/op.ts';
import { normalizeAxes } from '../graph/shape.ts';
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
  infer: ([x], { log }) => {
    requireFloat(log ? 'log_softmax' : 'softmax', x!);
    return [{ shape: x!.shape, dtype: 'f32' }];
  },
  vjp: ({ outputs: [y], attrs: { axis, log } }, [g]) => [
    () => (log ? sub(g!, mul(exp(y!), sum(g!, [axis], true))) : mul(y!, sub(g!, sum(mul(g!, y!), [axis], true)))),
  ],
  lower(ctx, { inputs: [x], outputs: [y], attrs }) {
    const layout = ctx.layoutOf(x!);
    const { extent, inner } = linesAlong(x!.shape, attrs.axis, layout);
    const count = extent === 0 ? 0 : x!.size / extent;
    const lines = packStruct(kernel, 'lines', { count, extent, inner, nan: NAN });
    ctx.dispatch(kernel, {
      bindings: { x: ctx.read(x!), y: ctx.write(y!, layout), lines: ctx.constant(lines) },
      constants: { LOG: attrs.log },
      workgroups: grid(count, 64),
    });
  },
};

const NAN = 0x7fc00000;

const make =
  (log: boolean) =>
  (x: Tensor, axis = -1): Tensor => {
    const name = log ? 'log_softmax' : 'softmax';
    requireFloat(name, x);
    return apply1(softmaxOp, [x], { axis: normalizeAxes([axis], x.rank, name)[0]!, log });
  };

/** Along `axis` (default the last). */
export const softmax = make(false);
/** (x - top) - log(sum of exp(x - top)) along an axis. */
export const logSoftmax = make(true);
