/**
 * Fusion: what follows a convolution elementwise moves into its epilogue, so that the sum never leaves the registers.
 *
 *   conv2d            -> BatchNorm (given statistics) -> + residual -> ReLU
 *   conv2d_input_grad -> + other gradient -> ReLU mask -> * BatchNorm scale
 *
 * A link is taken only where the value before it has no other reader and was not asked for. The fused node stands where
 * its last link stood, so that everything it reads is there.
 */
import type { PlanNode } from '../graph/op.ts';
import { sameShape } from '../graph/shape.ts';
import type { Node, Tensor } from '../graph/tensor.ts';
import { batchNormOp } from '../ops/batch_norm.ts';
import { binaryOp } from '../ops/binary.ts';
import { conv2dOp, type Conv2dAttrs } from '../ops/conv2d.ts';
import { conv2dInputGradOp, type InputGradAttrs } from '../ops/conv2d_grad.ts';
import { reluOp } from '../ops/unary.ts';

/** A convolution with the links taken so far. */
interface Chain {
  node: PlanNode;
  /** The value that leaves it now. */
  value: Tensor;
  /** Extra operands by the epilogue's names for them. */
  extra: Record<string, Tensor>;
  relu: boolean;
}

/** Takes `next` into the chain where it fits; returns whether it did. */
type Link = (chain: Chain, next: Node) => boolean;

const operandBeside = (chain: Chain, next: Node): Tensor | undefined => {
  const [a, b] = next.inputs as [Tensor, Tensor];
  const other = a === chain.value ? b : a;
  return other !== chain.value && sameShape(other.shape, chain.value.shape) ? other : undefined;
};

const batchNorm: Link = (chain, next) => {
  if (next.op !== batchNormOp || next.inputs[0] !== chain.value || next.attrs.training || chain.extra['shift'])
    return false;
  Object.assign(chain.extra, { scale: next.inputs[5]!, shift: next.inputs[6]! });
  return true;
};

const addition: Link = (chain, next) => {
  const other = next.op === binaryOp('add') ? operandBeside(chain, next) : undefined;
  if (other) chain.extra['residual'] = other;
  return other !== undefined;
};

const relu: Link = (chain, next) => {
  if (next.op === reluOp) chain.relu = true;
  return chain.relu;
};

const reluMask: Link = (chain, next) => {
  const other = next.op === binaryOp('mask') && next.inputs[0] === chain.value ? operandBeside(chain, next) : undefined;
  if (other) chain.extra['gate'] = other;
  return other !== undefined;
};

const channelScale: Link = (chain, next) => {
  const [a, b] = next.inputs as [Tensor, Tensor];
  const fits = next.op === binaryOp('mul') && a === chain.value && b.rank === 3 && b.size === b.shape[0];
  if (fits && b.size === a.shape[1]) chain.extra['scale'] = b;
  return chain.extra['scale'] !== undefined;
};

/** Links in the only order in which an epilogue applies them; each may be absent. */
const links = new Map([
  [conv2dOp.name, [batchNorm, addition, relu]],
  [conv2dInputGradOp.name, [addition, reluMask, channelScale]],
]);

/** @param kept tensors whose values are asked for, and so must exist. */
export function fuse(order: readonly Node[], kept: ReadonlySet<Tensor>): PlanNode[] {
  const readers = new Map<Tensor, Node[]>();
  for (const node of order) for (const t of new Set(node.inputs)) readers.set(t, [...(readers.get(t) ?? []), node]);
  const taken = new Set<Node>();
  const fusedAt = new Map<Node, PlanNode>();
  for (const node of order) {
    const possible = links.get(node.op.name);
    if (!possible || (node.attrs as Conv2dAttrs).groups !== 1) continue;
    const chain: Chain = { node, value: node.outputs[0]!, extra: {}, relu: false };
    if (node.op === conv2dOp && node.inputs[2]) chain.extra['shift'] = node.inputs[2];
    let last: Node = node;
    for (const link of possible) {
      const [next, more] = readers.get(chain.value) ?? [];
      if (!next || more || kept.has(chain.value) || taken.has(next) || !link(chain, next)) continue;
      taken.add(next);
      chain.value = next.outputs[0]!;
      last = next;
    }
    if (last === node) continue;
    taken.add(node);
    fusedAt.set(last, finish(chain));
  }
  return order.flatMap((node) => {
    const fused = fusedAt.get(node);
    return fused ? [fused] : taken.has(node) ? [] : [plain(node)];
  });
}

const operands = ['scale', 'shift', 'residual', 'gate'];

function finish({ node, value, extra, relu: hasRelu }: Chain): PlanNode {
  const attrs = node.attrs as Conv2dAttrs | InputGradAttrs;
  const epilogue = { ...Object.fromEntries(operands.map((name) => [name, name in extra])), relu: hasRelu };
  return {
    ...plain(node),
    attrs: { ...attrs, epilogue },
    inputs: [node.inputs[0]!, node.inputs[1]!, ...operands.flatMap((name) => extra[name] ?? [])],
    outputs: [value],
  };
}

function plain(n: PlanNode): PlanNode {
  const { op, attrs, inputs, outputs, role, name } = n;
  return { op, attrs, inputs, outputs, role, ...(name !== undefined && { name }) };
}
