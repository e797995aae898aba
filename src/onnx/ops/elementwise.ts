/** Arithmetic, comparisons and logic with numpy's broadcasting; rounding and casts. */
import { dtypeOfCode, isFloat, type OnnxDtype } from '../types.ts';
import type { Algebra, BinaryKind, Shaped, UnaryKind } from './algebra.ts';
import { gives, row, type OpContext, type Row, type Rows } from './row.ts';

const unary = (kind: UnaryKind): Row => row((c) => c.ops.unary(kind, c.x(0)));

const binary = (kind: BinaryKind): Row => row((c) => c.ops.binary(kind, c.x(0), c.x(1)));

const comparison = (kind: BinaryKind): Row => row((c) => c.ops.binary(kind, c.x(0), c.x(1)), { dtype: gives('bool') });

/** Any number of inputs; one alone is passed on. */
const folded = (kind: BinaryKind): Row =>
  row((c) => {
    if (c.inputs.length === 0) throw c.invalid('has no inputs');
    return c.all().reduce((a, b) => c.ops.binary(kind, a, b));
  });

/** Whole numbers divide towards zero. */
function div<T extends Shaped>(c: OpContext<T>): T {
  const quotient = c.ops.binary('div', c.x(0), c.x(1));
  return isFloat(c.operand(0).dtype) ? quotient : c.ops.unary('trunc', quotient);
}

/** The remainder of division towards zero (fmod = 1), or the one that has the divisor's sign. */
function mod<T extends Shaped>(c: OpContext<T>): T {
  const { ops } = c;
  const [a, b, zero] = [c.x(0), c.x(1), c.number(0)];
  const times = ops.unary('trunc', ops.binary('div', a, b));
  // Not 0 * b, which is no number where b is infinite.
  const rest = ops.where(ops.binary('equal', times, zero), a, ops.binary('sub', a, ops.binary('mul', times, b)));
  if (c.flag('fmod')) return rest;
  const negative = (x: T) => ops.binary('less', x, zero);
  const amiss = ops.binary('mul', ops.binary('xor', negative(rest), negative(b)), ops.unary('abs', ops.unary('sign', rest))); // prettier-ignore
  return ops.where(amiss, ops.binary('add', rest, b), rest);
}

function mean<T extends Shaped>(c: OpContext<T>): T {
  if (c.inputs.length === 0) throw c.invalid('has no inputs');
  const total = c.all().reduce((a, b) => c.ops.binary('add', a, b));
  return c.ops.unary('affine', total, 1 / c.inputs.length, 0);
}

/** Small whole exponents of constants are products: exact, and right for negative bases. */
function pow<T extends Shaped>(c: OpContext<T>): T {
  const x = c.x(0);
  const exponent = c.known(1)?.data.length === 1 ? c.known(1)!.data[0] : undefined;
  const scalar = exponent !== undefined && c.operand(1).shape.length <= x.shape.length;
  if (scalar && exponent === 2) return c.ops.binary('mul', x, x);
  if (scalar && exponent === 0.5) return c.ops.unary('sqrt', x);
  return c.ops.binary('pow', x, c.x(1));
}

/** Bounds are attributes before opset 11, constant inputs from then on. */
function clip<T extends Shaped>(c: OpContext<T>): T {
  const bound = (index: number, key: string, fallback: number) =>
    c.opset < 11 ? c.float(key, fallback) : c.scalar(index, fallback);
  return c.ops.unary('clamp', c.x(0), bound(1, 'min', -Infinity), bound(2, 'max', Infinity));
}

const castTarget = (c: OpContext<Shaped>): OnnxDtype => {
  const code = c.int('to', 0);
  const dtype = dtypeOfCode(code);
  if (!dtype) throw c.unsupported(`a cast to data type ${code}`);
  return dtype;
};

/** Everything computes in float32: a cast to a narrower float changes nothing, one to whole numbers truncates. */
function convert<T extends Shaped>(ops: Algebra<T>, x: T, from: OnnxDtype, to: OnnxDtype): T {
  if (to === 'bool') return from === 'bool' ? x : ops.unary('not', ops.binary('equal', x, ops.constant([0], [])));
  return isFloat(from) && !isFloat(to) ? ops.unary('trunc', x) : x;
}

export const ELEMENTWISE: Rows = {
  Abs: unary('abs'),
  And: comparison('and'),
  Cast: row((c) => convert(c.ops, c.x(0), c.operand(0).dtype, castTarget(c)), { dtype: castTarget }),
  CastLike: row((c) => convert(c.ops, c.x(0), c.operand(0).dtype, c.operand(1).dtype), {
    dtype: (c) => c.operand(1).dtype,
    reads: [0],
  }),
  Ceil: unary('ceil'),
  Clip: row(clip, { constants: [1, 2] }),
  Div: row(div),
  Equal: comparison('equal'),
  Erf: unary('erf'),
  Exp: unary('exp'),
  Floor: unary('floor'),
  Greater: comparison('greater'),
  GreaterOrEqual: comparison('greaterOrEqual'),
  Less: comparison('less'),
  LessOrEqual: comparison('lessOrEqual'),
  Log: unary('log'),
  Max: folded('max'),
  Mean: row(mean),
  Min: folded('min'),
  Mod: row(mod),
  Mul: binary('mul'),
  Neg: unary('neg'),
  Not: unary('not'),
  Or: comparison('or'),
  Pow: row(pow),
  Reciprocal: unary('reciprocal'),
  Round: unary('round'),
  Sign: unary('sign'),
  Sqrt: unary('sqrt'),
  Sub: binary('sub'),
  Sum: folded('add'),
  Where: row((c) => c.ops.where(c.x(0), c.x(1), c.x(2)), { dtype: (c) => c.operand(1).dtype }),
  Xor: comparison('xor'),
};
