/** Puts a GEMM problem on the device: the chosen kernel, and the epilogue where the kernel leaves it to a second pass. */
import { launch } from '../gemm/choose.ts';
import type { GemmProblem } from '../gemm/problem.ts';
import { stepCode, type StepKind } from '../gemm/steps.ts';
import { grid } from '../gpu/grid.ts';
import { packStruct, type Constants, type Kernel } from '../gpu/kernel.ts';
import { gemmFinish } from '../gpu/kernels.gen.ts';
import type { LowerContext, Storage } from '../graph/lower.ts';
import type { StepOperands } from './epilogue.ts';

/**
 * y = steps(sum over parts of x), elementwise with `channels` fastest.
 * @param elements of y.
 */
export function emitFinish(
  ctx: LowerContext,
  x: Storage,
  y: Storage,
  { elements, channels, parts = 1 }: { elements: number; channels: number; parts?: number },
  steps: readonly StepKind[],
  operands: StepOperands,
): void {
  const width = channels % 4 === 0 ? 4 : 1;
  const { scale = x, shift = x, residual = x, gate = x } = operands;
  const geometry = packStruct(gemmFinish, 'geometry', {
    count: elements / width,
    channels: channels / width,
    parts,
    steps: stepCode(steps),
  });
  ctx.dispatch(gemmFinish, {
    bindings: { x, y, geometry: ctx.constant(geometry), scale, shift, residual, gate },
    constants: { WIDTH: width },
    workgroups: grid(elements / width, 64),
  });
}

/** y = steps(a b), as the problem says; `operands` are laid out like y. */
export function emitGemm(
  ctx: LowerContext,
  problem: GemmProblem,
  { a, b, y }: { a: Storage; b: Storage; y: Storage },
  operands: StepOperands = {},
): void {
  const choice = ctx.choices.of(problem);
  const { parts } = choice;
  const [geometry, steps] =
    problem.form === 'tn' ? [problem.geometry, []] : ([problem.phases[0]!, problem.steps] as const);
  const elements = geometry.y4 * 4;
  const sink = parts > 1 ? ctx.scratch(elements * parts) : y;
  const run = launch(problem, choice, parts > 1 ? 0 : stepCode(steps));
  const { scale = a, shift = a, residual = a, gate = a } = parts > 1 ? {} : operands;
  const epilogue: Record<string, Storage> = problem.form === 'tn' ? {} : { scale, shift, residual, gate };
  ctx.dispatch<Kernel>(run.kernel, {
    bindings: { a, b, y: sink, geometry: ctx.constant(run.geometry), ...epilogue },
    constants: run.constants as Constants<Kernel>,
    workgroups: run.workgroups,
  });
  if (parts > 1) emitFinish(ctx, sink, y, { elements, channels: geometry.n4 * 4, parts }, steps, operands);
}
