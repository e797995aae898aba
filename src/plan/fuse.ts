/**
 * Fusion: elementwise neighbours become one pass behind the op that they follow (kernels/epilogue.wgsl).
 *
 *   conv2d            -> BatchNorm (given statistics) -> + residual -> ReLU
 *   conv2d_input_grad -> + other gradient -> ReLU mask -> * BatchNorm scale
 *   batch_norm        -> + residual -> ReLU       where the value before it is needed, as in training, or no conv2d's
 *   ReLU mask         -> * BatchNorm scale
 *
 * A link is taken only where the value before it has no other reader and was not asked for. The fused node stands where
 * its last link stood, so that everything it reads is there.
 */
import type { PlanNode } from '../graph/op.ts';
import { sameShape } from '../graph/shape.ts';
import { withName, withRole, type Node, type Tensor } from '../graph/tensor.ts';
import { batchNormOp } from '../ops/batch_norm.ts';
import { add, binaryOp, mul } from '../ops/binary.ts';
import { conv2dOp, type Conv2dAttrs } from '../ops/conv2d.ts';
import { conv2dInputGradOp, type InputGradAttrs } from '../ops/conv2d_grad.ts';
import { maskScaleOp } from '../ops/epilogue.ts';
import { reluOp } from '../ops/unary.ts';

/** A node with the links taken so far. */
interface Chain {
  node: Node;
  /** The value that leaves it now. */
  value: Tensor;
  /** Extra operands by the epilogue's names for them. */
  extra: Record<string, Tensor>;
  relu: boolean;
  /** Small nodes that the links need, in order. */
  before: Node[];
}

/** Takes `next` into the chain where it fits; returns whether it did. */
type Link = (chain: Chain, next: Node) => boolean;

const operandBeside = (chain: Chain, next: Node): Tensor | undefined => {
  const [a, b] = next.inputs as [Tensor, Tensor];
  const other = a === chain.value ? b : a;
  return other !== chain.value && sameShape(other.shape, chain.value.shape) ? other : undefined;
};

const batchNorm: Link = (chain, next) => {
  if (next.op !== batchNormOp || next.inputs[0] !== chain.value || next.attrs.training) return false;
  const [scale, shift] = next.inputs.slice(5) as [Tensor, Tensor];
  const bias = chain.extra['shift'];
  Object.assign(chain.extra, { scale, shift: bias ? movedBias(chain, bias, scale, shift) : shift });
  return true;
};

/** (x + bias) * scale + shift = x * scale + (bias * scale + shift) */
function movedBias(chain: Chain, bias: Tensor, scale: Tensor, shift: Tensor): Tensor {
  const { role, name } = chain.node;
  const moved = withRole(role, () => withName(name, () => add(mul(bias, scale), shift)));
  chain.before.push(moved.node.inputs[0]!.node, moved.node);
  return moved;
}

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
  const fits =
    next.op === binaryOp('mul') && a === chain.value && a.rank === 4 && b.rank === 3 && b.size === b.shape[0];
  if (fits && b.size === a.shape[1]) chain.extra['scale'] = b;
  return chain.extra['scale'] !== undefined;
};

/** What may begin a chain. */
interface Root {
  begins(node: Node): boolean;
  /** In the only order in which an epilogue applies them; each may be absent. */
  links: readonly Link[];
  /** What is left to say of the one node, beside its result. */
  finish(chain: Chain): Pick<PlanNode, 'inputs'> & Partial<PlanNode>;
}

const operands = ['scale', 'shift', 'residual', 'gate'];

function finishConv({ node, extra, relu: hasRelu }: Chain) {
  const attrs = node.attrs as Conv2dAttrs | InputGradAttrs;
  const epilogue = { ...Object.fromEntries(operands.map((name) => [name, name in extra])), relu: hasRelu };
  const inputs = [node.inputs[0]!, node.inputs[1]!, ...operands.flatMap((name) => extra[name] ?? [])];
  return { attrs: { ...attrs, epilogue }, inputs };
}

const isUngrouped = (node: Node) => (node.attrs as Conv2dAttrs).groups === 1;

const roots = new Map<PlanNode['op'], Root>([
  [conv2dOp, { begins: isUngrouped, links: [batchNorm, addition, relu], finish: finishConv }],
  [conv2dInputGradOp, { begins: isUngrouped, links: [addition, reluMask, channelScale], finish: finishConv }],
  [
    batchNormOp,
    {
      begins: () => true,
      links: [addition, relu],
      finish: ({ node, extra: { residual }, relu: hasRelu }) => ({
        attrs: { ...node.attrs, relu: hasRelu },
        inputs: [...node.inputs, ...(residual ? [residual] : [])],
      }),
    },
  ],
  [
    binaryOp('mask'),
    {
      begins: ({ inputs: [g, y] }) => sameShape(g!.shape, y!.shape),
      links: [channelScale],
      finish: ({ node, extra }) => ({ op: maskScaleOp, attrs: {}, inputs: [...node.inputs, extra['scale']!] }),
    },
  ],
]);

/** @param kept tensors whose values are asked for, and so must exist. */
export function fuse(order: readonly Node[], kept: ReadonlySet<Tensor>): PlanNode[] {
  const readers = new Map<Tensor, Node[]>();
  for (const node of order) for (const t of new Set(node.inputs)) readers.set(t, [...(readers.get(t) ?? []), node]);
  const taken = new Set<Node>();
  const fusedAt = new Map<Node, PlanNode[]>();
  for (const node of order) {
    const root = roots.get(node.op);
    if (!root || taken.has(node) || !root.begins(node)) continue;
    const chain: Chain = { node, value: node.outputs[0]!, extra: {}, relu: false, before: [] };
    if (node.op === conv2dOp && node.inputs[2]) chain.extra['shift'] = node.inputs[2];
    let last: Node = node;
    for (const link of root.links) {
      const [next, more] = readers.get(chain.value) ?? [];
      if (!next || more || kept.has(chain.value) || taken.has(next) || !link(chain, next)) continue;
      taken.add(next);
      chain.value = next.outputs[0]!;
      last = next;
    }
    if (last === node) continue;
    taken.add(node);
    const fused = { ...plain(node), ...root.finish(chain), outputs: [chain.value] };
    fusedAt.set(last, [...chain.before.map(plain), fused]);
  }
  return order.flatMap((node) => {
    const fused = fusedAt.get(node);
    return fused ?? (taken.has(node) ? [] : [plain(node)]);
  });
}

/** The node as the planner takes it, unchanged. */
export function plain(n: PlanNode): PlanNode {
  const { op, attrs, inputs, outputs, role, name } = n;
  return { op, attrs, inputs, outputs, role, ...(name !== undefined && { name }) };
}
