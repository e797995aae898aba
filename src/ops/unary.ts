/**
 * Elementwise functions of one tensor: y = f(x), dx = g f'(x), g being the gradient at y. Formulas are those of PyTorch
 * and ONNX, with PyTorch's derivatives at kinks and its answers for NaN and infinities. Papers: ELU Clevert et al. 2015,
 * SELU Klambauer et al. 2017, GELU Hendrycks and Gimpel 2016, SiLU Elfwing et al. 2017, Mish Misra 2019, HardSwish
 * Howard et al. 2019.
 */
import { unary as kernel } from '../gpu/kernels.gen.ts';
import { packStruct } from '../gpu/kernel.ts';
import { grid } from '../gpu/grid.ts';
import type { Op } from '../graph/op.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import type { LowerContext } from '../graph/lower.ts';
import { div, mask, mul } from './binary.ts';
import { withStep } from './epilogue.ts';
import { requireFloat, requireNumber, requireOneOf } from './check.ts';

type UnaryKind = keyof typeof functions;

interface UnaryAttrs {
  kind: UnaryKind;
  a: number;
  b: number;
}

/**
 * code: OP in kernels/unary.wgsl.
 * slope: what f' is a function of, x or y: one pass of the same kernel (OP = 100 + code) gives g f'.
 * vjp: the gradient as ops, from g, x and y, where it is short.
 * curvature: the slope's own derivative by that variable; without it there is no second derivative.
 * Neither slope nor vjp: the derivative is 0 wherever there is one.
 */
interface Row {
  code: number;
  slope?: 'x' | 'y';
  curvature?: ((t: Tensor) => Tensor) | 'zero';
  vjp?: (g: Tensor, x: Tensor, y: Tensor, attrs: UnaryAttrs) => Tensor;
}

// prettier-ignore
const functions = {
  // name       f(x)                                            f'(x)
  relu:        /* max(x, 0)                                     1 where y > 0, 0 at 0       */ { code: 0, vjp: (g, _, y) => mask(g, y) },
  neg:         /* -x                                            -1                          */ { code: 1, vjp: (g) => neg(g) },
  exp:         /* e^x                                           y                           */ { code: 2, vjp: (g, _, y) => mul(g, y) },
  log:         /* ln x                                          1 / x                       */ { code: 3, vjp: (g, x) => div(g, x) },
  sqrt:        /* x^(1/2)                                       1 / 2y                      */ { code: 4, slope: 'y', curvature: (y) => affine(reciprocal(square(y)), -0.5) },
  sigmoid:     /* 1 / (1 + e^-x)                                y (1 - y)                   */ { code: 5, slope: 'y', curvature: (y) => affine(y, -2, 1) },
  tanh:        /* (e^x - e^-x) / (e^x + e^-x)                   1 - y^2                     */ { code: 6, slope: 'y', curvature: (y) => affine(y, -2) },
  clamp:       /* x limited to [a, b]                           1 on [a, b], else 0         */ { code: 7, slope: 'x', curvature: 'zero' },
  abs:         /* |x|                                           sign x                      */ { code: 8, slope: 'x', curvature: 'zero' },
  reciprocal:  /* 1 / x                                         -y^2                        */ { code: 9, slope: 'y', curvature: (y) => affine(y, -2) },
  affine:      /* a x + b                                       a                           */ { code: 10, vjp: (g, _x, _y, { a }) => affine(g, a) },
  square:      /* x^2                                           2 x                         */ { code: 11, vjp: (g, x) => mul(g, affine(x, 2)) },
  sign:        /* -1, 0 or 1                                    0                           */ { code: 12 },
  rsqrt:       /* x^(-1/2)                                      -y^3 / 2                    */ { code: 13, slope: 'y', curvature: (y) => affine(square(y), -1.5) },
  elu:         /* x, or a (e^x - 1) for x <= 0                  1, or a e^x                 */ { code: 14, slope: 'x' },
  selu:        /* b elu(x, a), a = 1.6733, b = 1.0507           b elu'(x, a)                */ { code: 15, slope: 'x' },
  hard_sigmoid:/* a x + b limited to [0, 1]                     a inside (0, 1), else 0     */ { code: 16, slope: 'x', curvature: 'zero' },
  hard_swish:  /* x (x + 3 limited to [0, 6]) / 6               0, x/3 + 1/2, 1             */ { code: 17, slope: 'x' },
  silu:        /* x s, s = sigmoid x                            s (1 + x (1 - s))           */ { code: 18, slope: 'x' },
  mish:        /* x t, t = tanh softplus x                      t + x sigmoid(x) (1 - t^2)  */ { code: 19, slope: 'x' },
  gelu:        /* x P(x), P = (1 + erf(x / sqrt 2)) / 2         P + x e^(-x^2/2)/sqrt(2 pi) */ { code: 20, slope: 'x' },
  gelu_tanh:   /* x (1 + t) / 2,                                (1 + t)/2 + x t'/2          */ { code: 21, slope: 'x' },
  //              t = tanh(sqrt(2/pi) (x + 0.044715 x^3))
  softplus:    /* ln(1 + e^x)                                   sigmoid x                   */ { code: 22, vjp: (g, x) => mul(g, sigmoid(x)) },
  softsign:    /* x / (1 + |x|)                                 1 / (1 + |x|)^2             */ { code: 23, slope: 'x' },
  erf:         /* 2/sqrt(pi) integral of e^(-t^2), 0 to x       2/sqrt(pi) e^(-x^2)         */ { code: 24, slope: 'x' },
  sin:         /* sin x                                         cos x                       */ { code: 25, vjp: (g, x) => mul(g, cos(x)) },
  cos:         /* cos x                                         -sin x                      */ { code: 26, vjp: (g, x) => mul(g, neg(sin(x))) },
  floor:       /* largest integer <= x                          0                           */ { code: 27 },
  ceil:        /* smallest integer >= x                         0                           */ { code: 28 },
  round:       /* nearest integer, halves to even               0                           */ { code: 29 },
  trunc:       /* x without its fraction                        0                           */ { code: 30 },
  leaky_relu:  /* x, or a x for x <= 0                          1, or a                     */ { code: 31, slope: 'x', curvature: 'zero' },
  logical_not: /* 1 where x = 0, else 0                         0                           */ { code: 32 },
  truth:       /* 0 where x = 0, else 1                         0                           */ { code: 33 },
  to_half:     /* the nearest float16, halves to even           1                           */ { code: 34, vjp: (g) => g },
} satisfies Record<string, Row>;

/** The kernel's OP for the gradient is this much more than for the function. */
const SLOPE = 100;

/** Words of f32 parameters and of what WGSL cannot write, for the kernels' buffer of sizes. */
export const bits = (value: number): number => new Int32Array(Float32Array.of(value).buffer)[0]!;
export const INFINITY_BITS = 0x7f800000;
export const NAN_BITS = 0x7fc00000;

/** One pass of kernels/unary.wgsl over x, or over g and x, into y, which gets x's layout. */
function lowerUnary(ctx: LowerContext, op: number, { a, b }: UnaryAttrs, x: Tensor, g: Tensor, y: Tensor): void {
  const count = Math.ceil(x.size / 4);
  const layout = ctx.layoutOf(x);
  const sizes = { count, a: bits(a), b: bits(b), infinity: INFINITY_BITS, nan: NAN_BITS };
  ctx.dispatch(kernel, {
    bindings: {
      x: ctx.read(x),
      g: ctx.read(g, layout),
      y: ctx.write(y, layout),
      sizes: ctx.constant(packStruct(kernel, 'sizes', sizes)),
    },
    constants: { OP: op },
    workgroups: grid(count, 64),
  });
}

/** All functions, by the names of their ops. */
export const unaryNames = Object.keys(functions);

function makeOp(kind: UnaryKind): Op<UnaryAttrs> {
  const { code, slope, vjp }: Row = functions[kind];
  return {
    name: kind,
    infer: ([x]) => {
      requireFloat(kind, x!);
      return [{ shape: x!.shape, dtype: 'f32' }];
    },
    vjp: ({ inputs, outputs, attrs }, [g]) => {
      const [x, y] = [inputs[0]!, outputs[0]!];
      if (slope) return [() => apply1(slopeOps[kind], [g!, slope === 'x' ? x : y], attrs)];
      return [vjp ? () => vjp(g!, x, y, attrs) : null];
    },
    lower: (ctx, { inputs: [x], outputs: [y], attrs }) => lowerUnary(ctx, code, attrs, x!, x!, y!),
    flops: ({ outputs: [y] }) => y!.size,
    ...(kind === 'relu' && { asSteps: (_, __, before) => withStep(before, 'relu') }),
  };
}

/** (g, t) to g s(t), s being the derivative of `kind` and t its input or output. */
function makeSlopeOp(kind: UnaryKind): Op<UnaryAttrs> {
  const { code, curvature }: Row = functions[kind];
  const op: Op<UnaryAttrs> = {
    name: `${kind}_grad`,
    infer: ([g]) => [{ shape: g!.shape, dtype: 'f32' }],
    lower: (ctx, { inputs: [g, t], outputs: [y], attrs }) => lowerUnary(ctx, SLOPE + code, attrs, t!, g!, y!),
    flops: ({ outputs: [y] }) => 2 * y!.size,
  };
  if (!curvature) return op;
  op.vjp = ({ inputs: [g, t], attrs }, [h]) => [
    () => apply1(op, [h!, t!], attrs),
    curvature === 'zero' ? null : () => mul(mul(h!, g!), curvature(t!)),
  ];
  return op;
}

const opsOf = (makeOne: (kind: UnaryKind) => Op<UnaryAttrs>) =>
  Object.fromEntries(Object.keys(functions).map((k) => [k, makeOne(k as UnaryKind)])) as Record<
    UnaryKind,
    Op<UnaryAttrs>
  >;
const ops = opsOf(makeOp);
const slopeOps = opsOf(makeSlopeOp);

const call = (kind: UnaryKind, x: Tensor, a = 0, b = 0): Tensor => apply1<UnaryAttrs>(ops[kind], [x], { kind, a, b });

const make =
  (kind: UnaryKind) =>
  (x: Tensor): Tensor =>
    call(kind, x);

export const reluOp = ops.relu;
/** max(x, 0); the gradient at 0 is 0. NaN stays NaN. */
export const relu = make('relu');
/** -x. */
export const neg = make('neg');
/** e^x. */
export const exp = make('exp');
/** Natural logarithm: -infinity at 0, NaN below. */
export const log = make('log');
/** Square root; NaN below 0. */
export const sqrt = make('sqrt');
/** 1 / (1 + e^-x) */
export const sigmoid = make('sigmoid');
/** Hyperbolic tangent. */
export const tanh = make('tanh');
/** |x|; the gradient at 0 is 0. */
export const abs = make('abs');
/** 1 / x */
export const reciprocal = make('reciprocal');
/** x^2. */
export const square = make('square');
/** -1, 0 or 1; its gradient is 0. */
export const sign = make('sign');
/** 1 / sqrt(x) */
export const rsqrt = make('rsqrt');
/** x for x > 0, else 1.0507 * 1.6733 (e^x - 1). */
export const selu = (x: Tensor): Tensor => call('selu', x, 1.6732632423543772, 1.0507009873554805);
/** x (x + 3 limited to [0, 6]) / 6 */
export const hardSwish = make('hard_swish');
/** x sigmoid(x), also called Swish. */
export const silu = make('silu');
/** x tanh(softplus(x)) */
export const mish = make('mish');
/** ln(1 + e^x), exact for large |x| too. */
export const softplus = make('softplus');
/** x / (1 + |x|) */
export const softsign = make('softsign');
/** The error function, to about 3e-7. */
export const erf = make('erf');
/** Radians; good to about 1e-6 for |x| up to 1e5. */
export const sin = make('sin');
/** Radians; good to about 1e-6 for |x| up to 1e5. */
export const cos = make('cos');
/** No gradient flows through floor, ceil, round and trunc: it is 0 wherever there is one. */
export const floor = make('floor');
/** The least whole number not below x; gradient 0. */
export const ceil = make('ceil');
/** To the nearest integer, halves to the even one. */
export const round = make('round');
/** Toward zero. */
export const trunc = make('trunc');
/** 1 where x is 0, else 0; NaN counts as true. */
export const logicalNot = make('logical_not');

/**
 * scale * x + shift, both numbers.
 * @throws WgradError 'invalid-argument' where one is NaN.
 */
export function affine(x: Tensor, scale: number, shift = 0): Tensor {
  requireNumber('affine', { scale, shift });
  return scale === 1 && shift === 0 ? x : call('affine', x, scale, shift);
}

/**
 * x limited to [min, max], either of which may be infinite (the default); max where min > max. The gradient passes on the
 * closed interval. ReLU6 is clamp(x, 0, 6).
 * @throws WgradError 'invalid-argument' where a bound is NaN.
 */
export function clamp(x: Tensor, min = -Infinity, max = Infinity): Tensor {
  requireNumber('clamp', { min, max });
  return call('clamp', x, min, max);
}

/** x for x > 0, else alpha (e^x - 1). */
export function elu(x: Tensor, alpha = 1): Tensor {
  requireNumber('elu', { alpha });
  return call('elu', x, alpha);
}

/** x for x > 0, else slope x. */
export function leakyRelu(x: Tensor, slope = 0.01): Tensor {
  requireNumber('leaky_relu', { slope });
  return call('leaky_relu', x, slope);
}

/** alpha x + beta limited to [0, 1]. The defaults are PyTorch's; ONNX's alpha is 0.2. */
export function hardSigmoid(x: Tensor, alpha = 1 / 6, beta = 0.5): Tensor {
  requireNumber('hard_sigmoid', { alpha, beta });
  return call('hard_sigmoid', x, alpha, beta);
}

/**
 * x times the standard normal distribution function of x, or with 'tanh' the usual approximation of that.
 * @throws WgradError 'invalid-argument' for another form.
 */
export function gelu(x: Tensor, form: 'erf' | 'tanh' = 'erf'): Tensor {
  requireOneOf('gelu', 'form', form, ['erf', 'tanh']);
  return call(form === 'tanh' ? 'gelu_tanh' : 'gelu', x);
}

const casts = { f32: undefined, f16: 'to_half', bool: 'truth', integer: 'trunc' } as const;

/**
 * x with the values that it would have in another type, kept as f32: 'integer' drops the fraction (values are taken to
 * be in the type's range), 'f16' rounds to the nearest float16 (infinite from 65,520 on), 'bool' is 1 where x is not 0.
 * The gradient passes through 'f16', and is 0 for 'integer' and 'bool'.
 * @throws WgradError 'invalid-argument' for another type.
 */
export function castTo(x: Tensor, type: keyof typeof casts): Tensor {
  requireOneOf('cast_to', 'type', type, Object.keys(casts));
  const kind = casts[type];
  return kind ? call(kind, x) : x;
}
