/** Matrix products. */
import type { Shaped } from './algebra.ts';
import { row, type OpContext, type Rows } from './row.ts';

function gemm<T extends Shaped>(c: OpContext<T>): T {
  const { ops } = c;
  const scaled = (x: T, factor: number) => (factor === 1 ? x : ops.unary('affine', x, factor, 0));
  const product = ops.matmul(c.x(0), c.x(1), c.flag('transA'), c.flag('transB'));
  const y = scaled(product, c.float('alpha', 1));
  return c.has(2) ? ops.binary('add', y, scaled(c.x(2), c.float('beta', 1))) : y;
}

export const LINEAR: Rows = {
  Gemm: row(gemm),
  MatMul: row((c) => c.ops.matmul(c.x(0), c.x(1))),
};
