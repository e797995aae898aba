/** The elementwise pass behind a convolution or its input gradient (kernels/epilogue.wgsl). */
import { epilogue as kernel } from '../gpu/kernels.gen.ts';
import type { Tensor } from '../graph/tensor.ts';
import { grid, type LowerContext, type Storage } from '../plan/lower.ts';
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
  const vector = (t: Tensor | undefined) => (t ? ctx.read(t, 'row') : x);
  const activation = (t: Tensor | undefined) => (t ? readActivation(ctx, t) : x);
  ctx.dispatch(kernel, {
    bindings: {
      x,
      scale: vector(e.scale),
      shift: vector(e.shift),
      residual: activation(e.residual),
      gate: activation(e.gate),
      out_scale: vector(e.outScale),
      y: target,
    },
    constants: {
      COUNT: elements / 4,
      GROUPS: channels / 4,
      HAS_SCALE: e.scale !== undefined,
      HAS_SHIFT: e.shift !== undefined,
      HAS_RESIDUAL: e.residual !== undefined,
      RELU: e.relu ?? false,
      HAS_GATE: e.gate !== undefined,
      HAS_OUT_SCALE: e.outScale !== undefined,
    },
    workgroups: grid(elements / 4, 64),
  });
}
