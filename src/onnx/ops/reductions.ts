/** Reductions; axes are an attribute before opset 18 (ReduceSum: 13) and an input from then on. Positions of extremes. */
import type { ReduceKind, Shaped } from './algebra.ts';
import { gives, row, type OpContext, type Row, type Rows } from './row.ts';

/** What stands around a reduction: L2 is the root of a sum of squares. */
interface Around {
  before?: <T extends Shaped>(c: OpContext<T>, x: T) => T;
  after?: <T extends Shaped>(c: OpContext<T>, y: T) => T;
  since?: number;
}

/** The axes, all of them by default; undefined: no operation was asked for. */
function axesOf<T extends Shaped>(c: OpContext<T>, rank: number, since: number): number[] | undefined {
  const axes = c.axes(1, since, rank);
  if (axes?.length) return axes;
  return c.flag('noop_with_empty_axes') ? undefined : Array.from({ length: rank }, (_, axis) => axis);
}

function reduction(kind: ReduceKind, { before, after, since = 18 }: Around = {}): Row {
  const compute = <T extends Shaped>(c: OpContext<T>): T => {
    const given = c.x(0);
    const axes = axesOf(c, given.shape.length, since);
    const keep = c.flag('keepdims', true);
    const x = before ? before(c, given) : given;
    const y = !axes ? x : c.ops.reduce(kind, x, axes, keep);
    return after ? after(c, y) : y;
  };
  return row(compute, { constants: [1] });
}

const square = <T extends Shaped>(c: OpContext<T>, x: T) => c.ops.binary('mul', x, x);
const root = <T extends Shaped>(c: OpContext<T>, x: T) => c.ops.unary('sqrt', x);
const log = <T extends Shaped>(c: OpContext<T>, x: T) => c.ops.unary('log', x);

/** The first index (or the last) of what is as large as the extreme. */
function position(kind: 'max' | 'min'): Row {
  const compute = <T extends Shaped>(c: OpContext<T>): T => {
    const { ops } = c;
    const x = c.x(0);
    const axis = c.axis(c.int('axis', 0), x.shape.length);
    const extent = x.shape[axis]!;
    const last = c.flag('select_last_index');
    const along = x.shape.map((_, i) => (i === axis ? extent : 1));
    const index = ops.reshape(ops.iota(extent), along);
    const reached = ops.binary('equal', x, ops.reduce(kind, x, [axis], true));
    const candidates = ops.where(reached, index, c.number(last ? -1 : extent));
    return ops.reduce(last ? 'max' : 'min', candidates, [axis], c.flag('keepdims', true));
  };
  return row(compute, { dtype: gives('i64') });
}

export const REDUCTIONS: Rows = {
  ArgMax: position('max'),
  ArgMin: position('min'),
  ReduceL1: reduction('sum', { before: (c, x) => c.ops.unary('abs', x) }),
  ReduceL2: reduction('sum', { before: square, after: root }),
  ReduceLogSum: reduction('sum', { after: log }),
  ReduceLogSumExp: reduction('logSumExp'),
  ReduceMax: reduction('max'),
  ReduceMean: reduction('mean'),
  ReduceMin: reduction('min'),
  ReduceProd: reduction('prod'),
  ReduceSum: reduction('sum', { since: 13 }),
  ReduceSumSquare: reduction('sum', { before: square }),
};
