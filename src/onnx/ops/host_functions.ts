/** The functions of the host algebra, in float64; the graph's kernels compute the same in float32. */
import type { BinaryKind, UnaryKind } from './algebra.ts';

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const limit = (x: number, least: number, most: number) => Math.min(Math.max(x, least), most);

/** Half to even. */
function round(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * Its series 2/sqrt(pi) e^(-x^2) sum 2^n x^(2n+1) / (2n+1)!!, whose terms are all positive (Abramowitz and Stegun
 * 7.1.6); beyond 6 it is 1 to the last digit.
 */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

export const UNARY: Readonly<Record<UnaryKind, (x: number, a: number, b: number) => number>> = {
  abs: Math.abs,
  affine: (x, scale, shift) => scale * x + shift,
  ceil: Math.ceil,
  clamp: limit,
  elu: (x, alpha) => (x < 0 ? alpha * Math.expm1(x) : x),
  erf,
  exp: Math.exp,
  floor: Math.floor,
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  geluTanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  hardSigmoid: (x, alpha, beta) => limit(alpha * x + beta, 0, 1),
  hardSwish: (x) => x * limit(x / 6 + 0.5, 0, 1),
  leakyRelu: (x, slope) => (x < 0 ? slope * x : x),
  log: Math.log,
  mish: (x) => x * Math.tanh(softplus(x)),
  neg: (x) => -x,
  not: (x) => Number(!x),
  reciprocal: (x) => 1 / x,
  relu: (x) => Math.max(x, 0),
  round,
  sigmoid,
  sign: Math.sign,
  silu: (x) => x * sigmoid(x),
  single: Math.fround,
  softplus,
  softsign: (x) => x / (1 + Math.abs(x)),
  sqrt: Math.sqrt,
  tanh: Math.tanh,
  trunc: Math.trunc,
};

export const BINARY: Readonly<Record<BinaryKind, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  pow: Math.pow,
  max: Math.max,
  min: Math.min,
  equal: (a, b) => Number(a === b),
  greater: (a, b) => Number(a > b),
  greaterOrEqual: (a, b) => Number(a >= b),
  less: (a, b) => Number(a < b),
  lessOrEqual: (a, b) => Number(a <= b),
  and: (a, b) => Number(a !== 0 && b !== 0),
  or: (a, b) => Number(a !== 0 || b !== 0),
  xor: (a, b) => Number((a !== 0) !== (b !== 0)),
};
