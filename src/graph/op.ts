/**
 * What an op is: its shape rule, its vector-Jacobian product, and its lowering to kernels. One file an op in src/ops
 * holds all three side by side, so that a reader can check the maths from that file alone.
 */
import type { StepKind } from '../gemm/steps.ts';
import type { GemmProblem } from '../gemm/problem.ts';
import type { LowerContext } from './lower.ts';
import type { Shape } from './shape.ts';
import type { DType, Node, Tensor } from './tensor.ts';

/** Shape and type of an output. */
export interface TensorSpec {
  shape: Shape;
  dtype: DType;
}

/** Builds the gradient with respect to one input, or null where none exists (indices, targets). */
export type VjpThunk = (() => Tensor) | null;

/**
 * The reverse rule: given the cotangent of each output (undefined where nothing flows back), returns one closure per
 * input. grad() calls only the closures of inputs that lead to something asked for: nothing else is ever built.
 */
export type Vjp<A = any> = (node: Node<A>, cotangents: readonly (Tensor | undefined)[]) => readonly VjpThunk[];

/** An elementwise step behind a result; every kind but relu has an operand: [C] for scale and shift, else like it (or its bits). */
export interface FusedStep {
  kind: StepKind;
  operand?: Tensor;
}

/** An operation: what its outputs are, how its gradient is built, and which kernels do it. */
export interface Op<A = any> {
  readonly name: string;
  /** Shapes and dtypes of the outputs; throws WgradError 'shape' or 'dtype', naming the op and the shapes. */
  infer(inputs: readonly Tensor[], attrs: A): TensorSpec[];
  /** Absent: the op has no gradient, and asking for one is the error 'not-differentiable'. */
  vjp?: Vjp<A>;
  /** Emits dispatches (or aliases) for the node. */
  lower(ctx: LowerContext, node: PlanNode<A>): void;
  /** Floating-point operations of a run (a multiply-add is two). Absent: 0. */
  flops?(node: PlanNode<A>): number;
  /** The GEMMs that the node will be, for the choice of kernels before lowering. */
  gemms?(node: PlanNode<A>): GemmProblem[];
  /** Whether the node can run a list of steps behind its result: `attrs.steps`, operands after its own inputs. */
  takesSteps?(node: Node<A>): boolean;
  /**
   * The node as steps on `value`, one of its inputs, behind those that came `before`; undefined where it is none.
   * @returns the whole list, in which no kind comes twice.
   */
  asSteps?(node: Node<A>, value: Tensor, before: readonly FusedStep[]): FusedStep[] | undefined;
  /** Present: the op changes variables in place. Effects run after everything else in a Program. */
  effect?: Effect;
}

/** What an effect does with its inputs, by their positions. */
export interface Effect {
  /** Variables that it changes, the foremost first. What it reads of any other input is the value of before the run. */
  changes: readonly number[];
  /** What each input is called in messages. */
  inputs: readonly string[];
}

/** A node as the planner sees it: fusion may have replaced the one that the user built. */
export interface PlanNode<A = any> {
  op: Op<A>;
  attrs: A;
  inputs: readonly Tensor[];
  outputs: readonly Tensor[];
  role: Node['role'];
  name?: string;
}
