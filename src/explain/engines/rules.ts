/**
 * Replaced backward rules with the picture and its baseline side by side. The network is built twice, on x and on the
 * baseline r; the two graphs are equal but for their input, so that each node of the one has its twin in the other.
 * A rule for an op gets the node, its twin and the multipliers of its outputs, and gives multipliers for its inputs.
 * What has no rule propagates by its own gradient, which is right only for ops that are linear in what varies: any
 * other op without a rule is refused.
 */
import { grad } from '../../autograd/grad.ts';
import { WgradError } from '../../errors.ts';
import type { Vjp, VjpThunk } from '../../graph/op.ts';
import { topologicalOrder, type Node, type Tensor } from '../../graph/tensor.ts';
import { sum } from '../../ops/reduce.ts';
import type { Score, ScoreGraph } from '../score.ts';

/** A node with what it is in the baseline's graph. */
export interface Pair {
  node: Node;
  twin: Node;
  /** Whether the picture reaches this input; weights and constants are the same on both sides. */
  varies(t: Tensor): boolean;
}

export type PairedRule = (pair: Pair, multipliers: readonly (Tensor | undefined)[]) => readonly VjpThunk[];

/** Rules by op name. 'linear': the op's own gradient is right. 'bilinear': it is right where one operand varies. */
export type PairedRules = Readonly<Record<string, PairedRule | 'linear' | 'bilinear'>>;

export interface PairedGradient {
  /** The multipliers of `wrt`, and `wrt` on both sides. */
  multipliers: Tensor;
  at: readonly [x: Tensor, baseline: Tensor];
  scores: readonly [x: Tensor, baseline: Tensor];
}

/**
 * @param wrt what the multipliers are of; default: the input.
 * @throws WgradError 'not-differentiable' naming an op that has no rule.
 */
export function pairedGradient(
  method: string,
  score: Score,
  [x, baseline]: readonly [Tensor, Tensor],
  rules: PairedRules,
  wrt: (graph: ScoreGraph) => Tensor = ({ graph }) => graph.input,
): PairedGradient {
  const [atX, atBaseline] = [score({ input: x }), score({ input: baseline })];
  const twins = pairNodes(atX.scores, atBaseline.scores);
  const start = wrt(atX);
  const reached = dependents(atX.scores, start);
  const varies = (t: Tensor) => reached.has(t);
  const names = new Set([...reached].filter((t) => t !== start).map((t) => t.node.op.name));
  const missing = [...names].filter((name) => !Object.hasOwn(rules, name));
  if (missing.length > 0) {
    throw new WgradError('not-differentiable', `${method} has no rule for ${missing.join(', ')}`, {
      remedy: "Explain the value before it (output: 'logit'), or choose another method",
    });
  }
  const vjps: Record<string, Vjp> = {};
  for (const name of names) {
    const rule = rules[name]!;
    if (rule === 'linear') continue;
    if (rule === 'bilinear') vjps[name] = (node, g) => (requireOne(method, node, varies), node.op.vjp!(node, g));
    else vjps[name] = (node, g) => rule({ node, twin: twins.get(node)!, varies }, g);
  }
  const [multipliers] = grad(sum(atX.scores), [start], { rules: vjps });
  return {
    multipliers: multipliers!,
    at: [start, wrt(atBaseline)],
    scores: [atX.scores, atBaseline.scores],
  };
}

function requireOne(method: string, node: Node, varies: (t: Tensor) => boolean): void {
  if (node.inputs.filter(varies).length < 2) return;
  throw new WgradError('not-differentiable', `${method} has no rule for ${node.name ?? node.op.name} of two operands that vary`); // prettier-ignore
}

/** Node by node through two graphs that were built by the same code. Shared leaves are their own twins. */
export function pairNodes(a: Tensor, b: Tensor): Map<Node, Node> {
  const twins = new Map<Node, Node>();
  const stack: [Node, Node][] = [[a.node, b.node]];
  while (stack.length > 0) {
    const [x, y] = stack.pop()!;
    if (twins.has(x)) continue;
    twins.set(x, y);
    x.inputs.forEach((t, i) => y.inputs[i] && stack.push([t.node, y.inputs[i].node]));
  }
  return twins;
}

/** The tensors on the way from `start` to `end` that depend on `start`. */
export function dependents(end: Tensor, start: Tensor): Set<Tensor> {
  const reached = new Set([start]);
  for (const node of topologicalOrder([end])) {
    if (node.outputs.includes(start) || !node.inputs.some((t) => reached.has(t))) continue;
    for (const t of node.outputs) reached.add(t);
  }
  return reached;
}
