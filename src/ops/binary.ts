/**
 * Elementwise functions of two tensors with NumPy broadcasting: y = f(a, b). Gradients are summed over the axes along
 * which an operand was repeated. Kinks, ties, NaN and infinities are as in PyTorch. Comparisons and logic give 1 or 0
 * and have no gradient; a value that is not 0, NaN too, counts as true.
 */
import { WgradError } from '../errors.ts';
import { binary as kernel } from '../gpu/kernels.gen.ts';
import { grid } from '../gpu/grid.ts';
import { axisOrder, stridesIn } from '../graph/layout.ts';
import { scalar } from '../graph/leaves.ts';
import type { LowerContext } from '../graph/lower.ts';
import type { Op, PlanNode } from '../graph/op.ts';
import { broadcastShapes, requireList, sameShape, type Shape } from '../graph/shape.ts';
import { apply1, type Layout, type Tensor } from '../graph/tensor.ts';
import { sumTo } from './broadcast.ts';
import { requireFloat, requireNumber } from './check.ts';
import { binarySteps } from './epilogue.ts';
import { affine, bits, INFINITY_BITS, NAN_BITS, neg, reciprocal, rsqrt, sqrt, square } from './unary.ts';
import { where } from './where.ts';

export type BinaryKind = keyof typeof functions;

type Thunk = (() => Tensor) | null;

/** code: OP in kernels/binary.wgsl. vjp: closures for a and b from g and the operands, before summing. */
interface Row {
  code: number;
  vjp?: (g: Tensor, a: Tensor, b: Tensor, y: Tensor) => [da: Thunk, db: Thunk];
}

// prettier-ignore
const functions = {
  // name           f(a, b)                           da                            db
  add:         /* a + b                             g                             g           */ { code: 0, vjp: (g) => [() => g, () => g] },
  sub:         /* a - b                             g                             -g          */ { code: 1, vjp: (g) => [() => g, () => neg(g)] },
  mul:         /* a b                               g b                           g a         */ { code: 2, vjp: (g, a, b) => [() => mul(g, b), () => mul(g, a)] },
  div:         /* a / b                             g / b                         -g y / b    */ { code: 3, vjp: (g, _, b, y) => [() => div(g, b), () => neg(div(mul(g, y), b))] },
  max:         /* the larger                        g to the larger, at a tie half to each    */ { code: 4, vjp: (g, a, b) => [() => mul(g, share(a, b)), () => mul(g, share(b, a))] },
  min:         /* the smaller                       g to the smaller, at a tie half to each   */ { code: 5, vjp: (g, a, b) => [() => mul(g, share(b, a)), () => mul(g, share(a, b))] },
  mask:        /* a, or 0 where b <= 0              g, or 0 where b <= 0          0           */ { code: 6, vjp: (g, _, b) => [() => mask(g, b), null] },
  greater:     /* a > b                                                                       */ { code: 7 },
  equal:       /* a = b                                                                       */ { code: 8 },
  less:        /* a < b                                                                       */ { code: 9 },
  greater_or_equal: /* a >= b                                                                 */ { code: 10 },
  less_or_equal:    /* a <= b                                                                 */ { code: 11 },
  and:         /* both true                                                                   */ { code: 12 },
  or:          /* one true or both                                                            */ { code: 13 },
  xor:         /* one true                                                                    */ { code: 14 },
  pow:         /* a^b                               g b a^(b-1), 0 where b = 0    g y ln a, 0 where a = 0 <= b */ { code: 15, vjp: (g, a, b) => [() => mul(g, powSlopeA(a, b)), () => mul(g, powSlopeB(a, b))] },
  pow_slope_a: /* b a^(b-1), 0 where b = 0          second derivatives: none                  */ { code: 16 },
  pow_slope_b: /* a^b ln a, 0 where a = 0 <= b      second derivatives: none                  */ { code: 17 },
  prelu:       /* a, or b a where a <= 0            g, or g b                     0, or g a   */ { code: 18, vjp: (g, a, b) => [() => where(greater(a, scalar(0)), g, mul(g, b)), () => mul(g, minimum(a, scalar(0)))] },
  share:       /* 1 where a > b, 1/2 where a = b, 0 where a < b                               */ { code: 19 },
} satisfies Record<string, Row>;

/** All functions, by the names of their ops. */
export const binaryNames = Object.keys(functions);

interface BinaryAttrs {
  kind: BinaryKind;
}

/** Kinds whose value is constant but for jumps: their gradient is 0, not missing. */
const isStep = (kind: BinaryKind): boolean => !kind.startsWith('pow_slope');

function makeOp(kind: BinaryKind): Op<BinaryAttrs> {
  const { vjp }: Row = functions[kind];
  const op: Op<BinaryAttrs> = {
    name: kind,
    infer: ([a, b]) => {
      requireFloat(kind, a!, b!);
      return [{ shape: broadcastShapes(a!.shape, b!.shape, kind), dtype: 'f32' }];
    },
    lower: lowerBinary,
    flops: ({ outputs: [y] }) => y!.size,
    ...(kind in binarySteps && { asSteps: binarySteps[kind as keyof typeof binarySteps] }),
  };
  if (!vjp && !isStep(kind)) return op;
  op.vjp = (node, [g]) => {
    if (!vjp) return [null, null];
    const [a, b] = node.inputs as [Tensor, Tensor];
    const [da, db] = vjp(g!, a, b, node.outputs[0]!);
    return [da && (() => sumTo(da(), a.shape)), db && (() => sumTo(db(), b.shape))];
  };
  return op;
}

/** The layout of the operand that has the result's shape, a channels-last one before a row-major one. */
export function resultLayout(ctx: LowerContext, operands: readonly Tensor[], shape: Shape): Layout {
  const layouts = operands.filter((t) => sameShape(t.shape, shape)).map((t) => ctx.layoutOf(t));
  return layouts.find((l) => l !== 'row') ?? 'row';
}

function lowerBinary(ctx: LowerContext, { attrs, inputs, outputs }: PlanNode<BinaryAttrs>): void {
  const [a, b] = inputs as [Tensor, Tensor];
  const y = outputs[0]!;
  const layout = resultLayout(ctx, [a, b], y.shape);
  const from = { a: broadcastStrides(ctx, a, y.shape, layout), b: broadcastStrides(ctx, b, y.shape, layout) };
  const order = [...axisOrder(layout, y.rank)].reverse();
  const axes = merge(order.map((i) => [y.shape[i]!, from.a.strides[i]!, from.b.strides[i]!]));
  const [extent, ...steps] = axes[0]!;
  const repeats = (steps[0] === 0 ? 1 : 0) + (steps[1] === 0 ? 2 : 0);
  const inFours = extent % 4 === 0 && steps.every((step) => step <= 1);
  const form = axes.length === 1 && repeats < 3 ? (repeats === 1 ? 2 : repeats === 2 ? 1 : 0) : inFours ? 3 : 4;
  if (form === 3) axes[0] = [extent / 4, 4 * steps[0]!, 4 * steps[1]!];
  const count = Math.ceil(y.size / 4);
  const sizes = [
    [count, y.size, repeats, 0],
    [INFINITY_BITS, NAN_BITS, 0, 0],
    ...axes.map((x) => [...x, bits(1 / x[0])]),
  ];
  ctx.dispatch(kernel, {
    bindings: {
      a: ctx.read(a, from.a.layout),
      b: ctx.read(b, from.b.layout),
      y: ctx.write(y, layout),
      sizes: ctx.constant(Uint32Array.from(sizes.flat())),
    },
    constants: { OP: functions[attrs.kind].code, FORM: form, ...(form > 2 && { AXES: axes.length }) },
    workgroups: grid(count, 64),
  });
}

/** An axis of the result: its extent, and the operands' strides along it. */
type Axis = [extent: number, a: number, b: number];

/** The fewest axes, fastest first, that walk over the same elements: unit axes go, and what both operands pass through in one stride is one. */
function merge(axes: readonly Axis[]): Axis[] {
  const merged: Axis[] = [];
  for (const [extent, a, b] of axes) {
    const last = merged.at(-1);
    if (extent === 1) continue;
    if (last && a === last[0] * last[1] && b === last[0] * last[2]) last[0] *= extent;
    else merged.push([extent, a, b]);
  }
  return merged.length > 0 ? merged : [[1, 0, 0]];
}

/** Strides of `t` along the axes of `shape`, 0 where it repeats, and the layout to read it in. */
function broadcastStrides(ctx: LowerContext, t: Tensor, shape: Shape, layout: Layout) {
  const own = sameShape(t.shape, shape) ? layout : ctx.layoutOf(t);
  const lead = shape.length - t.rank;
  const strides = stridesIn(t.shape, own);
  return { layout: own, strides: shape.map((_, i) => (i < lead || t.shape[i - lead] === 1 ? 0 : strides[i - lead]!)) };
}

const ops = Object.fromEntries(Object.keys(functions).map((k) => [k, makeOp(k as BinaryKind)])) as Record<
  BinaryKind,
  Op<BinaryAttrs>
>;

export const binaryOp = (kind: BinaryKind): Op<BinaryAttrs> => ops[kind];

const call = (kind: BinaryKind, a: Tensor, b: Tensor): Tensor => apply1(ops[kind], [a, b], { kind });

const make =
  (kind: BinaryKind) =>
  (a: Tensor, b: Tensor): Tensor =>
    call(kind, a, b);

const share = make('share');
const powSlopeA = make('pow_slope_a');
const powSlopeB = make('pow_slope_b');

/** a + b, with broadcasting. */
export const add = make('add');
/** a - b, with broadcasting. */
export const sub = make('sub');
/** a b, element by element, with broadcasting. */
export const mul = make('mul');
/** a / b, with broadcasting. */
export const div = make('div');
/** The larger of the two; NaN where either is. At a tie each gets half of the gradient. */
export const maximum = make('max');
/** The smaller of the two; NaN where either is. At a tie each gets half of the gradient. */
export const minimum = make('min');
/** 0 where b <= 0, else a. */
export const mask = make('mask');
/** 1 where a > b, else 0; no gradient, as in all comparisons. */
export const greater = make('greater');
/** 1 where a >= b, else 0. */
export const greaterOrEqual = make('greater_or_equal');
/** 1 where a < b, else 0. */
export const less = make('less');
/** 1 where a <= b, else 0. */
export const lessOrEqual = make('less_or_equal');
/** 1 where a = b, else 0. */
export const equal = make('equal');
/** 1 where neither is 0, else 0. */
export const logicalAnd = make('and');
/** 1 where one is not 0, else 0. */
export const logicalOr = make('or');
/** 1 where exactly one is not 0, else 0. */
export const logicalXor = make('xor');
/** x for x > 0, else slope x; the slope broadcasts, and has a gradient. */
export const prelu = make('prelu');

/** Exponents for which one pass or two of another function are faster, and exact for negative x too. */
const powers: Readonly<Record<number, (x: Tensor) => Tensor>> = {
  [-2]: (x) => reciprocal(square(x)),
  [-1]: reciprocal,
  [-0.5]: rsqrt,
  [0.5]: sqrt,
  1: (x) => x,
  2: square,
  3: (x) => mul(square(x), x),
};

/** x to a power, a number or a tensor that broadcasts. NaN for x < 0 and an exponent that is no integer. */
export function pow(x: Tensor, exponent: Tensor | number): Tensor {
  if (typeof exponent !== 'number') return call('pow', x, exponent);
  requireNumber('pow', { exponent });
  return powers[exponent]?.(x) ?? call('pow', x, scalar(exponent));
}

const fold =
  (op: string, f: (a: Tensor, b: Tensor) => Tensor) =>
  (tensors: readonly Tensor[]): Tensor => {
    requireList(op, 'tensors', tensors ?? null);
    if (tensors.length === 0) throw new WgradError('invalid-argument', `${op}: no tensor is given`);
    requireFloat(op, ...tensors);
    return tensors.reduce(f);
  };

/** a + b + c ... of one tensor or more, which broadcast. */
export const addN = fold('add', add);
/** The largest at each place; see {@link maximum}. */
export const maximumN = fold('max', maximum);
/** The smallest at each place; see {@link minimum}. */
export const minimumN = fold('min', minimum);
/** The mean at each place. */
export const meanN = (tensors: readonly Tensor[]): Tensor => affine(addN(tensors), 1 / tensors.length);
