/**
 * The symbolic graph. Calling an op makes a node and its output tensors; nothing runs until a Program is compiled.
 *
 * Leaves are inputs (fed at each run), constants (fixed host data) and variables (device-resident, may be updated).
 */
import { WgradError } from '../errors.ts';
import type { Op } from './op.ts';
import { show, sizeOf, type Shape } from './shape.ts';

/** i32 is for indices (class targets, max-pool winners); gradients flow through f32 only. */
export type DType = 'f32' | 'i32';

export type TensorData = Float32Array<ArrayBufferLike> | Int32Array<ArrayBufferLike>;

/** Why a node exists; the unit in which {@link ProgramStats} counts dispatches. */
export type Role = 'forward' | 'input-gradient' | 'weight-gradient' | 'update';

/** An op applied to tensors. */
export interface Node<A = any> {
  readonly id: number;
  readonly op: Op<any>;
  readonly attrs: A;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly role: Role;
  /** For messages and profiles: the ONNX node's name where there is one. */
  name?: string;
}

/** A value of the graph, not yet computed: one output of a {@link Node}. */
export class Tensor {
  constructor(
    readonly node: Node,
    /** Which of its node's outputs this is. */
    readonly index: number,
    readonly shape: Shape,
    readonly dtype: DType,
  ) {}

  get rank(): number {
    return this.shape.length;
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  /** Its op and shape, for messages. */
  toString(): string {
    return `${this.node.name ?? this.node.op.name}${show(this.shape)}`;
  }
}

/**
 * Physical order of a tensor's elements. `row` is row-major in the logical axes. `nhwc` (activations) and `hwio`
 * (convolution weights, logical OIHW) hold for rank 4 and put channels last, so that kernels read four at once.
 */
export type Layout = 'row' | 'nhwc' | 'hwio';

let nextId = 0;
let currentRole: Role = 'forward';

/** Makes every node built inside `build` carry `role`. */
export function withRole<T>(role: Role, build: () => T): T {
  const outer = currentRole;
  currentRole = role;
  try {
    return build();
  } finally {
    currentRole = outer;
  }
}

let currentName: string | undefined;

/** Makes every node built inside `build` carry `name` in messages and profiles. */
export function withName<T>(name: string | undefined, build: () => T): T {
  const outer = currentName;
  currentName = name;
  try {
    return build();
  } finally {
    currentName = outer;
  }
}

/** Kernels count elements in 32 bits. */
const MAX_SIZE = 2 ** 31;

/** @throws WgradError 'shape' where no tensor has that shape, 'limit-exceeded' where none is so large. */
export function requirePossible(op: string, shape: Shape): void {
  const size = sizeOf(shape);
  const isShape = shape.every((d) => Number.isSafeInteger(d) && d >= 0);
  if (isShape && size <= MAX_SIZE) return;
  if (isShape && shape[0]! > 1 && size / shape[0]! <= MAX_SIZE) {
    throw new WgradError(
      'limit-exceeded',
      `${op}: ${show(shape)} has ${size} elements; at most ${MAX_SIZE} are possible`,
      {
        remedy: `At most ${Math.floor(MAX_SIZE / (size / shape[0]!))} along the first axis fit, fewer with what is computed of them`,
      },
    );
  }
  throw new WgradError('shape', `${op}: an output of shape ${show(shape)} is impossible`);
}

/** Adds a node: infers the shapes of its outputs (which validates its inputs), and returns them. */
export function apply<A>(op: Op<A>, inputs: readonly Tensor[], attrs: A): Tensor[] {
  if (!inputs.every((t) => t instanceof Tensor)) {
    throw new WgradError('invalid-argument', `${op.name}: something else than a tensor is given`);
  }
  const specs = op.infer(inputs, attrs);
  for (const { shape } of specs) requirePossible(op.name, shape);
  const outputs: Tensor[] = [];
  const node: Node<A> = { id: nextId++, op, attrs, inputs, outputs, role: currentRole };
  const name = currentName ?? (attrs as { name?: string }).name;
  if (name !== undefined) node.name = name;
  specs.forEach((spec, i) => outputs.push(new Tensor(node, i, spec.shape, spec.dtype)));
  return outputs;
}

/** {@link apply} for the ops with one output. */
export const apply1 = <A>(op: Op<A>, inputs: readonly Tensor[], attrs: A): Tensor => apply(op, inputs, attrs)[0]!;

/** All nodes that `outputs` need, each after its inputs. Iterative, so that depth is no limit. */
export function topologicalOrder(outputs: readonly Tensor[]): Node[] {
  const order: Node[] = [];
  const state = new Set<Node>();
  const stack: { node: Node; next: number }[] = [];
  const push = (node: Node) => {
    if (!state.has(node)) {
      state.add(node);
      stack.push({ node, next: 0 });
    }
  };
  for (const output of outputs) {
    push(output.node);
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const input = top.node.inputs[top.next++];
      if (input) push(input.node);
      else {
        order.push(top.node);
        stack.pop();
      }
    }
  }
  return order;
}
