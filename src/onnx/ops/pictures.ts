/** Pictures [N, C, H, W], and sequences [N, C, L], which are pictures of one row. */
import type { Shaped } from './algebra.ts';
import type { OpContext } from './row.ts';

/** [N, C, L] as [N, C, 1, L]. */
export function picture<T extends Shaped>(c: OpContext<T>, x: T): T {
  const { shape } = x;
  if (shape.length !== 3 && shape.length !== 4)
    throw c.unsupported(`a tensor of rank ${shape.length}; pictures have rank 4, sequences 3`);
  return shape.length === 4 ? x : c.ops.reshape(x, [shape[0]!, shape[1]!, 1, shape[2]!]);
}

/** Back to the rank of the input. */
export function likeInput<T extends Shaped>(c: OpContext<T>, y: T): T {
  if (c.operand(0).shape.length === 4) return y;
  return c.ops.reshape(y, [y.shape[0]!, y.shape[1]!, y.shape[3]!]);
}

export const spatial = (shape: readonly number[]) => shape.slice(2);

/** Exporters that keep a separate BatchNormalization may still write the zeros that a missing bias stands for. */
export function bias<T extends Shaped>(c: OpContext<T>): T | undefined {
  const zero = c.known(2)?.data.every((value) => value === 0) ?? !c.has(2);
  return zero ? undefined : c.x(2);
}
