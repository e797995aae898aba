/**
 * Losses of PyTorch's torch.nn.functional.
 *
 *   cross-entropy   L_i = -sum_c q_ic w_c log softmax(x_i)_c,  q = (1 - s) onehot + s / classes (label smoothing s)
 *                   mean reduction divides by sum_i w_target(i): by the number of rows without weights
 *   mse             (x - y)^2
 */
import { WgradError } from '../errors.ts';
import { grid } from '../gpu/grid.ts';
import { oneHot as kernel } from '../gpu/kernels.gen.ts';
import type { Op } from '../graph/op.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { div, mul, sub } from './binary.ts';
import { mean, sum } from './reduce.ts';
import { logSoftmax } from './softmax.ts';
import { neg, square } from './unary.ts';

interface OneHotAttrs {
  classes: number;
  on: number;
  off: number;
  ignore: number;
}

const oneHotOp: Op<OneHotAttrs> = {
  name: 'one_hot',
  infer: ([indices], { classes }) => {
    if (indices!.dtype !== 'i32') throw new WgradError('dtype', `one_hot: ${indices} must hold i32 class indices`);
    return [{ shape: [...indices!.shape, classes], dtype: 'f32' }];
  },
  vjp: () => [null],
  lower(ctx, { inputs: [indices], outputs: [y], attrs }) {
    ctx.dispatch(kernel, {
      bindings: { indices: ctx.read(indices!, 'row'), y: ctx.write(y!) },
      constants: { ROWS: indices!.size, CLASSES: attrs.classes, ON: attrs.on, OFF: attrs.off, IGNORE: attrs.ignore },
      workgroups: grid(y!.size, 64),
    });
  },
};

/** i32 [..] to f32 [.., classes]: `on` at the index, `off` elsewhere, zeros in rows whose index is `ignore`. */
export const oneHot = (indices: Tensor, classes: number, on = 1, off = 0, ignore = -100): Tensor =>
  apply1(oneHotOp, [indices], { classes, on, off, ignore });

export type Reduction = 'mean' | 'sum' | 'none';

export interface CrossEntropyOptions {
  /** s in [0, 1). */
  labelSmoothing?: number;
  reduction?: Reduction;
  /** Weight of each class, [classes]. */
  weight?: Tensor;
  /** Rows with this target count for nothing; default -100. */
  ignoreIndex?: number;
}

/**
 * @param logits f32 [N, classes] @param target i32 [N]
 * @returns a scalar, or [N] with reduction 'none'.
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const { labelSmoothing = 0, reduction = 'mean', weight, ignoreIndex = -100 } = options;
  const [rows, classes] = logits.shape;
  if (logits.rank !== 2 || target.rank !== 1 || target.shape[0] !== rows) {
    throw new WgradError('shape', `cross_entropy: logits ${logits} and target ${target} are not [N, classes] and [N]`);
  }
  const off = labelSmoothing / classes!;
  const q = oneHot(target, classes!, 1 - labelSmoothing + off, off, ignoreIndex);
  const weighted = weight ? mul(q, weight) : q;
  const each = neg(sum(mul(weighted, logSoftmax(logits, 1)), [1]));
  if (reduction === 'none') return each;
  const total = sum(each);
  if (reduction === 'sum') return total;
  const hard = oneHot(target, classes!, 1, 0, ignoreIndex);
  return div(total, sum(weight ? mul(hard, weight) : hard));
}

/** Mean squared error of tensors of one shape. */
export function meanSquaredError(x: Tensor, y: Tensor, reduction: Reduction = 'mean'): Tensor {
  const each = square(sub(x, y));
  return reduction === 'none' ? each : reduction === 'sum' ? sum(each) : mean(each);
}
