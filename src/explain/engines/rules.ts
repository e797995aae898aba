/**
 * Replaced backward rules with the picture and its baseline side by side. The network is built twice, on x and on the
 * baseline r; the two graphs are equal but for their input, so that each node of the one has its twin in the other.
 * A rule for an op gets the node, its twin and the multipliers of its outputs, and gives multipliers for its inputs;
 * ops without a rule propagate by their own gradient, which is right for those that are linear in what varies.
 */
import { grad } from '../../autograd/grad.ts';
import type { Vjp, VjpThunk } from '../../graph/op.ts';
import { topologicalOrder, type Node, type Tensor } from '../../graph/tensor.ts';
import { sum } from '../../ops/reduce.ts';
import type { Score, ScoreGraph } from '../score.ts';

export type PairedRule = (node: Node, twin: Node, multipliers: readonly (Tensor | undefined)[]) => readonly VjpThunk[];

export interface PairedGradient {
  /** The multipliers of `wrt`. */
  multipliers: Tensor;
  x: ScoreGraph;
  baseline: ScoreGraph;
}

/**
 * @param wrt what the multipliers are of; default: the input.
 * @param rules by op name; grad() refuses the name of an op that does not exist.
 */
export function pairedGradient(
  score: Score,
  x: Tensor,
  baseline: Tensor,
  rules: Readonly<Record<string, PairedRule>>,
  wrt: (graph: ScoreGraph) => Tensor = ({ graph }) => graph.input,
): PairedGradient & { wrt: [Tensor, Tensor] } {
  const [atX, atBaseline] = [score({ input: x }), score({ input: baseline })];
  const twins = pairNodes(atX.scores, atBaseline.scores);
  const vjps = Object.fromEntries(
    Object.entries(rules).map(([op, rule]): [string, Vjp] => [op, (node, g) => rule(node, twins.get(node) ?? node, g)]),
  );
  const ends: [Tensor, Tensor] = [wrt(atX), wrt(atBaseline)];
  const [multipliers] = grad(sum(atX.scores), [ends[0]], { rules: vjps });
  return { multipliers: multipliers!, x: atX, baseline: atBaseline, wrt: ends };
}

/** Node by node through two graphs that were built by the same code. Shared leaves are their own twins. */
function pairNodes(a: Tensor, b: Tensor): Map<Node, Node> {
  const twins = new Map<Node, Node>();
  const stack: [Node, Node][] = [[a.node, b.node]];
  while (stack.length > 0) {
    const [x, y] = stack.pop()!;
    if (twins.has(x)) continue;
    twins.set(x, y);
    x.inputs.forEach((t, i) => stack.push([t.node, y.inputs[i]!.node]));
  }
  return twins;
}

/** The tensor of the twin that corresponds to `t`, an input or output of its node. */
export function twinOf(t: Tensor, node: Node, twin: Node): Tensor {
  const at = node.inputs.indexOf(t);
  return at >= 0 ? twin.inputs[at]! : twin.outputs[node.outputs.indexOf(t)]!;
}

/** Whether what varies with the picture reaches the tensor: constants and weights are the same on both sides. */
export const varies = (t: Tensor, twin: Tensor): boolean =>
  t !== twin && topologicalOrder([t]).some((node) => node.op.name === 'input');
