/**
 * Elementwise steps behind a result: what a GEMM, or one pass over any tensor, applies in order (see graph/op.ts).
 *
 *   scale  y = x * s[channel]     shift  y = x + s[channel]     add   y = x + r, r like x
 *   relu   y = max(x, 0)          mask   y = x, or 0 where g <= 0, g like x     bits   the same, g as one bit each
 */
import type { StepKind } from '../gemm/steps.ts';
import { grid } from '../gpu/grid.ts';
import { positiveBits } from '../gpu/kernels.gen.ts';
import type { LowerContext, Storage } from '../graph/lower.ts';
import type { FusedStep, Op } from '../graph/op.ts';
import { sameShape } from '../graph/shape.ts';
import type { Node, Tensor } from '../graph/tensor.ts';
import { emitFinish } from './gemm.ts';

export interface StepsAttrs {
  /** Their operands follow the node's own inputs, in this order. */
  steps: readonly StepKind[];
}

/** Where the operands of steps are: vectors of a channel each, and tensors laid out like the result. */
export interface StepOperands {
  scale?: Storage;
  shift?: Storage;
  residual?: Storage;
  gate?: Storage;
}

const slots = { scale: 'scale', shift: 'shift', add: 'residual', mask: 'gate', bits: 'gate' } as const;

/** @param like reads an operand that is laid out like the result. */
export function readOperands(
  ctx: LowerContext,
  steps: readonly StepKind[],
  operands: readonly Tensor[],
  like: (t: Tensor) => Storage,
): StepOperands {
  const read: StepOperands = {};
  let next = 0;
  for (const kind of steps) {
    if (kind === 'relu') continue;
    const t = operands[next++]!;
    read[slots[kind]] = kind === 'add' || kind === 'mask' ? like(t) : ctx.read(t, 'row');
  }
  return read;
}

/** x and the operands of its steps to y, in one pass. Made by fusion. */
export const elementwiseOp: Op<StepsAttrs> = {
  name: 'elementwise',
  infer: ([x]) => [{ shape: x!.shape, dtype: 'f32' }],
  lower(ctx, { inputs: [x, ...operands], outputs: [y], attrs: { steps } }) {
    const perChannel = steps.some((kind) => kind === 'scale' || kind === 'shift');
    // Channels last where an operand already is.
    const whole = [x!, ...operands.filter((t) => sameShape(t.shape, x!.shape))].map((t) => ctx.layoutOf(t));
    const layout =
      perChannel || steps.includes('bits')
        ? x!.rank === 4
          ? 'nhwc'
          : 'row'
        : (whole.find((l) => l !== 'row') ?? 'row');
    const channels = perChannel ? x!.shape[1]! : 4;
    // Without channels any division of the elements will do: buffers come in whole groups of four.
    const elements = perChannel ? y!.size : Math.ceil(y!.size / 4) * 4;
    const like = (t: Tensor) => ctx.read(t, layout);
    const read = readOperands(ctx, steps, operands, like);
    emitFinish(ctx, like(x!), ctx.write(y!, layout), { elements, channels }, steps, read);
  },
  flops: ({ outputs: [y], attrs }) => y!.size * attrs.steps.length,
};

/** `before`, then one more step. */
export const withStep = (before: readonly FusedStep[], kind: StepKind, operand?: Tensor): FusedStep[] => [
  ...before,
  { kind, ...(operand && { operand }) },
];

/** What stands beside `value` among the two operands, where it has the same shape and is another tensor. */
function beside({ inputs: [a, b] }: Node, value: Tensor): Tensor | undefined {
  const other = a === value ? b! : a!;
  return other !== value && sameShape(other.shape, value.shape) ? other : undefined;
}

/** A [C,1,1] operand b beside a [N,C,H,W] value a. */
function channelsBeside({ inputs: [a, b] }: Node, value: Tensor): Tensor | undefined {
  const fits = a === value && a.rank === 4 && b!.rank === 3 && b!.size === b!.shape[0] && b!.size === a.shape[1];
  return fits ? b : undefined;
}

/** The functions of two tensors that are a step of an epilogue. */
export const binarySteps = {
  add: (node, value, before) => {
    const [tensor, vector] = [beside(node, value), channelsBeside(node, value)];
    return tensor ? withStep(before, 'add', tensor) : vector && withStep(before, 'shift', vector);
  },
  mul: (node, value, before) => {
    const vector = channelsBeside(node, value);
    return vector && withStep(before, 'scale', vector);
  },
  mask: (node, value, before) => {
    const gate = node.inputs[0] === value ? beside(node, value) : undefined;
    return gate && withStep(before, 'mask', gate);
  },
} satisfies Record<string, NonNullable<Op['asSteps']>>;

/** x [N,C,H,W] with C in whole groups of four, to one bit an element: what its ReLU lets through. Made by plan/masks.ts. */
export const positiveBitsOp: Op<object> = {
  name: 'positive_bits',
  infer: ([x]) => [{ shape: [Math.ceil(x!.size / 128) * 4], dtype: 'i32' }],
  lower(ctx, { inputs: [x], outputs: [y] }) {
    const count = x!.size / 4;
    ctx.dispatch(positiveBits, {
      bindings: { x: ctx.read(x!, 'nhwc'), y: ctx.write(y!), sizes: ctx.constant(Int32Array.of(count)) },
      workgroups: grid(Math.ceil(count / 32), 64),
    });
  },
};
