/** Puts a GEMM problem on the device: the passes of the chosen kernel, with what they bind. */
import { launch } from '../gemm/choose.ts';
import type { Operand, Pass, Scratch } from '../gemm/family.ts';
import { finishPass, type Finished } from '../gemm/launch.ts';
import type { GemmProblem } from '../gemm/problem.ts';
import type { StepKind } from '../gemm/steps.ts';
import type { Constants, Kernel } from '../gpu/kernel.ts';
import type { LowerContext, Storage } from '../graph/lower.ts';
import type { StepOperands } from './epilogue.ts';

/** @param operands that a pass names and nobody gave are bound to `filler`: it does not read them. */
function emit(
  ctx: LowerContext,
  passes: readonly Pass[],
  operands: Partial<Record<Operand, Storage>>,
  filler: Storage,
): void {
  const scratch = new Map<Scratch, Storage>();
  const bound = (what: Pass['bindings'][string]): Storage => {
    if (typeof what === 'string') return operands[what] ?? filler;
    if (what instanceof Int32Array) return ctx.constant(what);
    let storage = scratch.get(what);
    if (!storage) scratch.set(what, (storage = ctx.scratch(what.elements)));
    return storage;
  };
  for (const { kernel, constants, bindings, workgroups } of passes) {
    ctx.dispatch<Kernel>(kernel, {
      bindings: Object.fromEntries(Object.entries(bindings).map(([name, what]) => [name, bound(what)])),
      constants: constants as Constants<Kernel>,
      workgroups,
    });
  }
}

/** y = steps(sum over parts of x), elementwise with `channels` fastest. */
export function emitFinish(
  ctx: LowerContext,
  x: Storage,
  y: Storage,
  extents: Finished,
  steps: readonly StepKind[],
  operands: StepOperands,
): void {
  emit(ctx, [finishPass('a', extents, steps)], { a: x, y, ...operands }, x);
}

/** y = steps(a b), as the problem says; `operands` are laid out like y. */
export function emitGemm(
  ctx: LowerContext,
  problem: GemmProblem,
  factors: { a: Storage; b: Storage; y: Storage },
  operands: StepOperands = {},
): void {
  emit(ctx, launch(problem, ctx.choices.of(problem)), { ...factors, ...operands }, factors.a);
}
