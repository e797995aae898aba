/**
 * Elementwise functions of two tensors with NumPy broadcasting. Gradients are summed over the broadcast axes:
 *   add: da = g, db = g          sub: da = g, db = -g
 *   mul: da = g b, db = g a      div: da = g / b, db = -g y / b
 *   max, min: to the larger (smaller); at a tie each gets half, as in PyTorch.
 */
import { grid } from '../gpu/grid.ts';
import { binary as flatKernel, binaryBroadcast } from '../gpu/kernels.gen.ts';
import { axisOrder, sameOrder, stridesIn } from '../graph/layout.ts';
import type { LowerContext } from '../graph/lower.ts';
import type { Op, PlanNode } from '../graph/op.ts';
import { broadcastShapes, sameShape, type Shape } from '../graph/shape.ts';
import { apply1, type Layout, type Tensor } from '../graph/tensor.ts';
import { sumTo } from './broadcast.ts';
import { requireFloat } from './check.ts';
import { affine, neg } from './unary.ts';

export type BinaryKind = keyof typeof functions;

type Pair = [a: () => Tensor, b: () => Tensor] | [a: () => Tensor, b: null] | [null, null];

/** code: OP in the kernels. vjp: closures for a and b from the cotangent and the operands, before summing. */
const functions = {
  add: { code: 0, vjp: (g) => [() => g, () => g] },
  sub: { code: 1, vjp: (g) => [() => g, () => neg(g)] },
  mul: { code: 2, vjp: (g, a, b) => [() => mul(g, b), () => mul(g, a)] },
  div: { code: 3, vjp: (g, _, b, y) => [() => div(g, b), () => neg(div(mul(g, y), b))] },
  max: { code: 4, vjp: (g, a, b) => [() => mul(g, share(a, b)), () => mul(g, share(b, a))] },
  min: { code: 5, vjp: (g, a, b) => [() => mul(g, share(b, a)), () => mul(g, share(a, b))] },
  /** a where b > 0. */
  mask: { code: 6, vjp: (g, _, b) => [() => mask(g, b), null] },
  greater: { code: 7, vjp: () => [null, null] },
  equal: { code: 8, vjp: () => [null, null] },
} satisfies Record<string, { code: number; vjp: (g: Tensor, a: Tensor, b: Tensor, y: Tensor) => Pair }>;

/** 1 where a > b, 1/2 where they are equal, else 0. */
const share = (a: Tensor, b: Tensor): Tensor => add(greater(a, b), affine(equal(a, b), 0.5));

interface BinaryAttrs {
  kind: BinaryKind;
}

function makeOp(kind: BinaryKind): Op<BinaryAttrs> {
  return {
    name: kind,
    infer: ([a, b]) => {
      requireFloat(kind, a!, b!);
      return [{ shape: broadcastShapes(a!.shape, b!.shape, kind), dtype: 'f32' }];
    },
    vjp: (node, [g]) => {
      const [a, b] = node.inputs as [Tensor, Tensor];
      const [da, db] = functions[kind].vjp(g!, a, b, node.outputs[0]!) as Pair;
      return [da && (() => sumTo(da(), a.shape)), db && (() => sumTo(db(), b.shape))];
    },
    lower: lowerBinary,
    flops: ({ outputs: [y] }) => y!.size,
  };
}

/** The layout of the operand that has the result's shape, a channels-last one before a row-major one. */
function resultLayout(ctx: LowerContext, operands: readonly Tensor[], shape: Shape): Layout {
  const layouts = operands.filter((t) => sameShape(t.shape, shape)).map((t) => ctx.layoutOf(t));
  return layouts.find((l) => l !== 'row') ?? 'row';
}

function lowerBinary(ctx: LowerContext, { attrs, inputs, outputs }: PlanNode<BinaryAttrs>): void {
  const [a, b] = inputs as [Tensor, Tensor];
  const y = outputs[0]!;
  const layout = resultLayout(ctx, [a, b], y.shape);
  const { code } = functions[attrs.kind];
  const flat = (constants: { B_PERIOD?: number; B_SCALAR?: boolean }) => {
    const count = Math.ceil(y.size / 4);
    ctx.dispatch(flatKernel, {
      bindings: {
        a: ctx.read(a, layout),
        b: ctx.read(b, sameShape(b.shape, y.shape) ? layout : undefined),
        y: ctx.write(y, layout),
      },
      constants: { COUNT: count, OP: code, ...constants },
      workgroups: grid(count, 64),
    });
  };
  if (sameShape(a.shape, y.shape)) {
    if (sameShape(b.shape, y.shape)) return flat({});
    if (b.size === 1) return flat({ B_SCALAR: true });
    const channels = fastestAxis(y.shape, layout);
    if (b.size % 4 === 0 && isVectorAlong(b.shape, y.shape, channels)) return flat({ B_PERIOD: b.size / 4 });
  }
  const order = axisOrder(layout, y.rank);
  const lead = 6 - y.rank;
  const constants: Record<string, number> = { OP: code };
  const sa = broadcastStrides(ctx, a, y.shape, layout);
  const sb = broadcastStrides(ctx, b, y.shape, layout);
  order.forEach((axis, k) => {
    constants[`D${k + lead}`] = y.shape[axis]!;
    constants[`AS${k + lead}`] = sa.strides[axis]!;
    constants[`BS${k + lead}`] = sb.strides[axis]!;
  });
  const workgroups = grid(y.size, 64);
  const bindings = { a: ctx.read(a, sa.layout), b: ctx.read(b, sb.layout), y: ctx.write(y, layout) };
  ctx.dispatch(binaryBroadcast, { bindings, constants, workgroups });
}

const fastestAxis = (shape: Shape, layout: Layout): number => axisOrder(layout, shape.length)[shape.length - 1]!;

/** b, aligned to the trailing axes of `shape`, extends along `axis` only, and fully. */
function isVectorAlong(b: Shape, shape: Shape, axis: number): boolean {
  const lead = shape.length - b.length;
  return axis >= lead && b.every((d, i) => (i + lead === axis ? d === shape[axis] : d === 1));
}

/** Strides of `t` along the axes of `shape`, 0 where it repeats, and the layout to read it in. */
function broadcastStrides(ctx: LowerContext, t: Tensor, shape: Shape, layout: Layout) {
  const own = t.rank === 4 && sameOrder(t.shape, layout, ctx.layoutOf(t)) ? layout : ctx.layoutOf(t);
  const lead = shape.length - t.rank;
  const strides = stridesIn(t.shape, own);
  return { layout: own, strides: shape.map((_, i) => (i < lead || t.shape[i - lead] === 1 ? 0 : strides[i - lead]!)) };
}

const ops = Object.fromEntries(Object.keys(functions).map((k) => [k, makeOp(k as BinaryKind)])) as Record<
  BinaryKind,
  Op<BinaryAttrs>
>;

export const binaryOp = (kind: BinaryKind): Op<BinaryAttrs> => ops[kind];

const make =
  (kind: BinaryKind) =>
  (a: Tensor, b: Tensor): Tensor =>
    apply1(ops[kind], [a, b], { kind });

export const add = make('add');
export const sub = make('sub');
export const mul = make('mul');
export const div = make('div');
export const maximum = make('max');
export const minimum = make('min');
/** a where b > 0, else 0. */
export const mask = make('mask');
/** 1 where a > b, else 0; no gradient. */
export const greater = make('greater');
/** 1 where a = b, else 0; no gradient. */
export const equal = make('equal');
