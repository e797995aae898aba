/**
 * Relevance propagation as backward rules of a whole graph. Linear maps go by the rule chosen for them; ReLU and other
 * elementwise functions pass relevance on; pooling by the maximum sends it to the winner; sums share it in proportion;
 * a residual join shares it between its branches; a gate gives all of it to the signal.
 */
import { WgradError } from '../../errors.ts';
import { scalar } from '../../graph/leaves.ts';
import type { Vjp, VjpThunk } from '../../graph/op.ts';
import type { Node, Tensor } from '../../graph/tensor.ts';
import { add, maximum, mul } from '../../ops/binary.ts';
import { sumTo } from '../../ops/broadcast.ts';
import { abs, unaryNames } from '../../ops/unary.ts';
import type { Folding, LinearMap } from './linear.ts';
import { stabilised } from './rules.ts';

export const joinNames = ['signed', 'absolute', 'positive'] as const;
export type Join = (typeof joinNames)[number];

/** What of a branch counts at a residual join: y / (y + s), |y| / (|y| + |s|), y+ / (y+ + s+). All three conserve. */
const joins: Readonly<Record<Join, (t: Tensor) => Tensor>> = {
  signed: (t) => t,
  absolute: abs,
  positive: (t) => maximum(t, scalar(0)),
};

const TINY = 1e-9;

export interface GraphRules {
  /** Names of the ops through which relevance goes. */
  ops: readonly string[];
  folding: Folding;
  varies(t: Tensor): boolean;
  join: Join;
  linear(map: LinearMap, relevance: Tensor): Tensor;
}

/** Backward rules by op name, for grad() with the relevance of its output as seed. */
export function graphRules({ ops, folding, varies, join, linear }: GraphRules): Record<string, Vjp> {
  const refuse = (node: Node): never => {
    throw new WgradError('not-differentiable', `lrp has no rule for ${node.name ?? node.op.name} (${node.op.name})`, {
      remedy: 'Choose another method, such as deep-shap',
    });
  };
  const toVarying = (node: Node, give: (t: Tensor) => Tensor): VjpThunk[] =>
    node.inputs.map((t) => (varies(t) ? () => give(t) : null));
  const same: Vjp = (node, [r]) => toVarying(node, (t) => sumTo(r!, t.shape));

  /** In proportion to what each element adds to the result: a linear op's own transpose between a division and a product. */
  const proportional: Vjp = (node, [r]) => {
    const thunks = node.op.vjp!(node, [stabilised(r!, node.outputs[0]!, TINY)]);
    return node.inputs.map((t, i) => (varies(t) && thunks[i] ? () => mul(t, thunks[i]!()) : null));
  };

  const byMap: Vjp = (node, [r]) => {
    const map = folding.linear.get(node);
    return map ? [() => linear(map, r!), null, null] : refuse(node);
  };

  const addition: Vjp = (node, [r]) => {
    const [a, b] = node.inputs as [Tensor, Tensor];
    if (folding.passed.has(node)) return same(node, [r]);
    const part = varies(a) && varies(b) ? joins[join] : joins.signed;
    const shares = stabilised(r!, add(part(a), part(b)), TINY);
    return [a, b].map((t) => (varies(t) ? () => sumTo(mul(part(t), shares), t.shape) : null));
  };

  const product: Vjp = (node, [r]) => {
    const [a, b] = node.inputs as [Tensor, Tensor];
    if (!varies(a) || !varies(b)) return same(node, [r]);
    if (a.size === b.size) return refuse(node);
    const signal = a.size > b.size ? a : b;
    return [a, b].map((t) => (t === signal ? () => r! : null));
  };

  const batchNorm: Vjp = (node, [r]) =>
    folding.passed.has(node) ? [() => r!, null, null, null, null, null, null] : proportional(node, [r]);

  const table: Record<string, Vjp> = {
    ...Object.fromEntries(unaryNames.map((name) => [name, same])),
    conv2d: byMap,
    matmul: byMap,
    batch_norm: batchNorm,
    add: addition,
    mul: product,
    ...Object.fromEntries(['avg_pool2d', 'sum', 'along_axis', 'broadcast_to'].map((n) => [n, proportional])),
  };
  return Object.fromEntries(
    ops
      .filter((name) => !moving.has(name))
      .map((name): [string, Vjp] => [name, table[name] ?? ((node) => refuse(node))]),
  );
}

/** They only move or choose values: their own gradient moves the relevance back. */
const moving = new Set([
  'max_pool2d', 'reshape', 'transpose', 'pad', 'slice', 'concat', 'split', 'copy', 'place', 'shift2d', 'tile', 'gather',
]); // prettier-ignore
