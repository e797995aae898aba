/** Activation functions, with the defaults of their definitions; also those of com.microsoft that fusion leaves. */
import type { Shaped, UnaryKind } from './algebra.ts';
import { softmax } from './plain.ts';
import { row, type OpContext, type Row, type Rows } from './row.ts';

/** A function with parameters: attribute and default of each. */
const parametric = (kind: UnaryKind, ...parameters: [key: string, fallback: number][]): Row =>
  row((c) => c.ops.unary(kind, c.x(0), ...parameters.map(([key, fallback]) => c.float(key, fallback))));

const SELU = { alpha: 1.6732631921768188, gamma: 1.0507010221481323 };

/** gamma * elu(x, alpha) */
function selu<T extends Shaped>(c: OpContext<T>): T {
  const inner = c.ops.unary('elu', c.x(0), c.float('alpha', SELU.alpha));
  return c.ops.unary('affine', inner, c.float('gamma', SELU.gamma), 0);
}

/** x * sigmoid(alpha x): Swish since opset 24, QuickGelu with 1.702. */
const swish = (fallback: number): Row =>
  row((c) => {
    const x = c.x(0);
    const alpha = c.float('alpha', fallback);
    if (alpha === 1) return c.ops.unary('silu', x);
    return c.ops.binary('mul', x, c.ops.unary('sigmoid', c.ops.unary('affine', x, alpha, 0)));
  });

/** alpha (e^(x / alpha) - 1) below 0 */
function celu<T extends Shaped>(c: OpContext<T>): T {
  const alpha = c.float('alpha', 1);
  return c.ops.unary('affine', c.ops.unary('elu', c.ops.unary('affine', c.x(0), 1 / alpha, 0), 1), alpha, 0);
}

/** x where it exceeds alpha, else 0 */
function thresholdedRelu<T extends Shaped>(c: OpContext<T>): T {
  const x = c.x(0);
  return c.ops.where(c.ops.binary('greater', x, c.number(c.float('alpha', 1))), x, c.number(0));
}

export const ACTIVATIONS: Rows = {
  Celu: row(celu),
  Elu: parametric('elu', ['alpha', 1]),
  Gelu: row((c) => c.ops.unary(c.choice('approximate', 'none', 'tanh') === 'tanh' ? 'geluTanh' : 'gelu', c.x(0))),
  HardSigmoid: parametric('hardSigmoid', ['alpha', 0.2], ['beta', 0.5]),
  HardSwish: parametric('hardSwish'),
  LeakyRelu: parametric('leakyRelu', ['alpha', 0.01]),
  LogSoftmax: softmax(true),
  Mish: parametric('mish'),
  PRelu: row((c) => c.ops.prelu(c.x(0), c.x(1))),
  Selu: row(selu),
  Softplus: parametric('softplus'),
  Softsign: parametric('softsign'),
  Swish: swish(1),
  Tanh: parametric('tanh'),
  ThresholdedRelu: row(thresholdedRelu),
  'com.microsoft::BiasGelu': row((c) => c.ops.unary('gelu', c.ops.binary('add', c.x(0), c.x(1)))),
  'com.microsoft::Gelu': parametric('gelu'),
  'com.microsoft::QuickGelu': swish(1.702),
};
