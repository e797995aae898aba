/**
 * Elementwise functions of one tensor: y = f(x), dx = dy * f'(x).
 *
 * The table states each function's derivative in terms of x and y. relu'(0) = 0; clamp passes the gradient on the
 * closed interval, as PyTorch does.
 */
import { grid } from '../gpu/grid.ts';
import { unary as kernel } from '../gpu/kernels.gen.ts';
import type { Op } from '../graph/op.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { binaryOp, div, mul, type BinaryKind } from './binary.ts';
import { requireFloat } from './check.ts';

type UnaryKind = keyof typeof functions;

interface UnaryAttrs {
  kind: UnaryKind;
  a: number;
  b: number;
}

/** code: OP in kernels/unary.wgsl. vjp: the gradient, from the cotangent g, the input x and the output y. */
const functions = {
  relu: { code: 0, vjp: (g, _, y) => maskPositive(g, y) },
  neg: { code: 1, vjp: (g) => neg(g) },
  exp: { code: 2, vjp: (g, _, y) => mul(g, y) },
  log: { code: 3, vjp: (g, x) => div(g, x) },
  sqrt: { code: 4, vjp: (g, _, y) => div(affine(g, 0.5), y) },
  sigmoid: { code: 5, vjp: (g, _, y) => mul(g, mul(y, affine(y, -1, 1))) },
  tanh: { code: 6, vjp: (g, _, y) => mul(g, affine(square(y), -1, 1)) },
  clamp: { code: 7, vjp: (g, x, y) => mul(g, binary('equal', x, y)) },
  abs: { code: 8, vjp: (g, x) => mul(g, sign(x)) },
  reciprocal: { code: 9, vjp: (g, _, y) => mul(g, neg(square(y))) },
  affine: { code: 10, vjp: (g, _x, _y, a) => affine(g, a.a) },
  square: { code: 11, vjp: (g, x) => mul(g, affine(x, 2)) },
  sign: { code: 12, vjp: (g) => affine(g, 0) },
  rsqrt: { code: 13, vjp: (g, _, y) => mul(g, affine(mul(square(y), y), -0.5)) },
} satisfies Record<string, { code: number; vjp: (g: Tensor, x: Tensor, y: Tensor, attrs: UnaryAttrs) => Tensor }>;

function makeOp(kind: UnaryKind): Op<UnaryAttrs> {
  const { code, vjp } = functions[kind];
  return {
    name: kind,
    infer: ([x]) => {
      requireFloat(kind, x!);
      return [{ shape: x!.shape, dtype: 'f32' }];
    },
    vjp: (node, [g]) => [() => vjp(g!, node.inputs[0]!, node.outputs[0]!, node.attrs)],
    lower(ctx, { inputs: [x], outputs: [y], attrs }) {
      const count = Math.ceil(x!.size / 4);
      ctx.dispatch(kernel, {
        bindings: { x: ctx.read(x!), y: ctx.write(y!, ctx.layoutOf(x!)) },
        constants: { COUNT: count, OP: code, A: attrs.a, B: attrs.b },
        workgroups: grid(count, 64),
      });
    },
    flops: ({ outputs: [y] }) => y!.size,
  };
}

const ops = Object.fromEntries(Object.keys(functions).map((k) => [k, makeOp(k as UnaryKind)])) as Record<
  UnaryKind,
  Op<UnaryAttrs>
>;

const make =
  (kind: UnaryKind) =>
  (x: Tensor): Tensor =>
    apply1<UnaryAttrs>(ops[kind], [x], { kind, a: 0, b: 0 });

const binary = (kind: BinaryKind, a: Tensor, b: Tensor) => apply1(binaryOp(kind), [a, b], { kind });

/** g where y > 0, else 0: the gradient of ReLU given its output y. */
const maskPositive = (g: Tensor, y: Tensor): Tensor => binary('mask', g, y);

export const reluOp = ops.relu;
/** max(x, 0); the gradient at 0 is 0. NaN stays NaN. */
export const relu = make('relu');
export const neg = make('neg');
export const exp = make('exp');
/** Natural logarithm. */
export const log = make('log');
export const sqrt = make('sqrt');
/** 1 / (1 + e^-x) */
export const sigmoid = make('sigmoid');
export const tanh = make('tanh');
export const abs = make('abs');
export const reciprocal = make('reciprocal');
export const square = make('square');
/** -1, 0 or 1; its gradient is 0. */
export const sign = make('sign');
/** 1 / sqrt(x) */
export const rsqrt = make('rsqrt');

/** scale * x + shift, both numbers. */
export const affine = (x: Tensor, scale: number, shift = 0): Tensor =>
  scale === 1 && shift === 0 ? x : apply1<UnaryAttrs>(ops.affine, [x], { kind: 'affine', a: scale, b: shift });

/** x limited to [min, max]; the gradient passes on the closed interval. */
export const clamp = (x: Tensor, min = -Infinity, max = Infinity): Tensor =>
  apply1<UnaryAttrs>(ops.clamp, [x], { kind: 'clamp', a: min, b: max });
