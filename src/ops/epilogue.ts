/** The elementwise pass behind a convolution, its input gradient or a BatchNorm (kernels/epilogue.wgsl). */
import { grid, vectorWidth } from '../gpu/grid.ts';
import { epilogue as kernel } from '../gpu/kernels.gen.ts';
import type { LowerContext, Storage } from '../graph/lower.ts';
import type { Op } from '../graph/op.ts';
import type { Tensor } from '../graph/tensor.ts';
import { readActivation } from './conv_channels.ts';

/** Operands in the order in which they are applied. Vectors are [C]; residual and gate are like the result. */
export interface Epilogue {
  scale?: Tensor;
  shift?: Tensor;
  residual?: Tensor;
  relu?: boolean;
  gate?: Tensor;
  outScale?: Tensor;
}

/**
 * Runs `emit` into the target where the epilogue is empty, else into scratch memory that the epilogue reads.
 * @param elements of the target, channels padded to `channels`, a multiple of 4.
 */
export function withEpilogue(
  ctx: LowerContext,
  target: Storage,
  elements: number,
  channels: number,
  e: Epilogue,
  emit: (sink: Storage) => void,
): void {
  if (!Object.values(e).some(Boolean)) return emit(target);
  const x = ctx.scratch(elements);
  emit(x);
  emitEpilogue(ctx, x, target, elements, channels, e, (t) => readActivation(ctx, t));
}

/**
 * y = epilogue(x), both of `elements` with `channels` fastest.
 * @param activation reads residual and gate in that order.
 */
export function emitEpilogue(
  ctx: LowerContext,
  x: Storage,
  y: Storage,
  elements: number,
  channels: number,
  e: Epilogue,
  activation: (t: Tensor) => Storage,
): void {
  const width = vectorWidth(channels);
  const vector = (t: Tensor | undefined) => (t ? ctx.read(t, 'row') : x);
  ctx.dispatch(kernel, {
    bindings: {
      x,
      scale: vector(e.scale),
      shift: vector(e.shift),
      residual: e.residual ? activation(e.residual) : x,
      gate: e.gate ? activation(e.gate) : x,
      out_scale: vector(e.outScale),
      y,
    },
    constants: {
      WIDTH: width,
      COUNT: elements / width,
      GROUPS: channels / width,
      HAS_SCALE: e.scale !== undefined,
      HAS_SHIFT: e.shift !== undefined,
      HAS_RESIDUAL: e.residual !== undefined,
      RELU: e.relu ?? false,
      HAS_GATE: e.gate !== undefined,
      HAS_OUT_SCALE: e.outScale !== undefined,
    },
    workgroups: grid(elements / width, 64),
  });
}

/** (g, y, scale [C,1,1]) to g * scale where y > 0, else 0: the gradient of BatchNorm then ReLU. Made by fusion. */
export const maskScaleOp: Op<object> = {
  name: 'mask_scale',
  infer: ([g]) => [{ shape: g!.shape, dtype: 'f32' }],
  lower(ctx, { inputs: [g, gate, outScale], outputs: [y] }) {
    const read = (t: Tensor) => ctx.read(t, 'nhwc');
    const channels = g!.shape[1]!;
    emitEpilogue(ctx, read(g!), ctx.write(y!, 'nhwc'), g!.size, channels, { gate: gate!, outScale: outScale! }, read);
  },
  flops: ({ outputs: [y] }) => y!.size,
};
