/**
 * Convolutions and matrix products as relevance propagation sees them: z = W a + b, with a BatchNorm or a bias behind
 * them folded into W and b, and z + b = the value that the folded op gives.
 */
import { variableOf } from '../../graph/leaves.ts';
import { topologicalOrder, type Node, type Tensor } from '../../graph/tensor.ts';
import { add, mul } from '../../ops/binary.ts';
import { conv2d } from '../../ops/conv2d.ts';
import { conv2dInputGrad } from '../../ops/conv2d_grad.ts';
import { matmul } from '../../ops/matmul.ts';
import { reshape } from '../../ops/reshape.ts';

export interface LinearMap {
  /** What comes in. */
  a: Tensor;
  /** None of it is negative, whatever the picture: half of what rules by sign compute is 0. */
  isPositive: boolean;
  w: Tensor;
  /** Broadcasts over the result; undefined where there is none. */
  b: Tensor | undefined;
  /** W a, without the bias. */
  forward(a: Tensor, w: Tensor): Tensor;
  /** W^T q */
  backward(q: Tensor, w: Tensor): Tensor;
  /** Name of the weight's parameter, where it is one. */
  parameter: string | undefined;
}

/** What the rules need to know of a graph before they walk back through it. */
export interface Folding {
  linear: ReadonlyMap<Node, LinearMap>;
  /** BatchNorms and additions of a bias that a linear map has taken in: relevance passes them. */
  passed: ReadonlySet<Node>;
}

/** @param varies whether the picture reaches a tensor. */
export function foldLinear(outputs: Tensor, varies: (t: Tensor) => boolean): Folding {
  const order = topologicalOrder([outputs]);
  const readers = new Map<Tensor, Node[]>();
  for (const node of order) for (const t of new Set(node.inputs)) readers.set(t, [...(readers.get(t) ?? []), node]);
  const only = (t: Tensor) => (readers.get(t)?.length === 1 ? readers.get(t)![0]! : undefined);
  const linear = new Map<Node, LinearMap>();
  const passed = new Set<Node>();
  for (const node of order) {
    if (node.op.name !== 'conv2d' && node.op.name !== 'matmul') continue;
    if (!varies(node.inputs[0]!) || varies(node.inputs[1]!)) continue;
    const map = node.op.name === 'conv2d' ? convolution(node) : product(node);
    linear.set(node, map);
    const next = only(node.outputs[0]!);
    if (next?.op.name === 'batch_norm' && !next.attrs.training && node.op.name === 'conv2d') {
      const [scale, shift] = [next.inputs[5]!, next.inputs[6]!];
      const along = (t: Tensor) => reshape(t, [1, t.size, 1, 1]);
      linear.set(node, {
        ...map,
        w: mul(map.w, reshape(scale, [scale.size, 1, 1, 1])),
        b: map.b ? add(mul(map.b, along(scale)), along(shift)) : along(shift),
      });
      passed.add(next);
    } else if (next?.op.name === 'add' && !map.b) {
      const bias = next.inputs.find((t) => t !== node.outputs[0]);
      if (bias && !varies(bias)) {
        linear.set(node, { ...map, b: bias });
        passed.add(next);
      }
    }
  }
  return { linear, passed };
}

function convolution({ inputs: [a, w, bias], attrs }: Node): LinearMap {
  const { strides, pads, dilations, groups } = attrs;
  const geometry = { strides, pads, dilations, groups };
  return {
    a: a!,
    isPositive: isPositive(a!),
    w: w!,
    b: bias && reshape(bias, [1, bias.size, 1, 1]),
    forward: (a, w) => conv2d(a, w, undefined, geometry),
    backward: (q, w) => conv2dInputGrad(q, w, a!.shape, geometry),
    parameter: variableOf(w!)?.name,
  };
}

function product({ inputs: [a, w], attrs }: Node): LinearMap {
  const forward = (a: Tensor, w: Tensor) => matmul(a, w, attrs);
  return {
    a: a!,
    isPositive: isPositive(a!),
    w: w!,
    b: undefined,
    forward,
    backward(q, w) {
      const node = forward(a!, w).node;
      return node.op.vjp!(node, [q])[0]!();
    },
    parameter: variableOf(w!)?.name,
  };
}

/** Ops whose results have no negative values, and those that bring none in. */
const [positive, keeping] = [new Set(['relu', 'sigmoid', 'exp', 'abs', 'square']), new Set(['max_pool2d', 'avg_pool2d', 'reshape', 'transpose', 'slice'])]; // prettier-ignore

function isPositive({ node: { op, inputs } }: Tensor): boolean {
  return positive.has(op.name) || (keeping.has(op.name) && isPositive(inputs[0]!));
}
