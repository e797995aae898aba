/**
 * DeepLIFT's RevealCancel rule. What differs between the picture and its baseline travels as two parts, d+ >= 0 and
 * d- <= 0, so that contributions which cancel in a sum are both seen. (Shrikumar, Greenside, Kundaje 2017,
 * arXiv:1704.02685, section 3.5.3.) With x' the baseline's value and m+, m- the multipliers of the two parts:
 *
 *   y = W x         dy+ = W+ dx+ + W- dx-, dy- = W- dx+ + W+ dx-
 *   y = f(x)        dy+ = (f(x' + dx+) - f(x') + f(x' + dx+ + dx-) - f(x' + dx-)) / 2, dy- with the parts exchanged;
 *                   of an increasing f: dy+ = (dy+ / dx+) dx+, and so for the negative part
 *   max-pool        dy+ = max(y - y', 0) at the picture's winner, dy- = min(y - y', 0) at the baseline's; over dx
 *
 * One multiplier a tensor, as grad() hands back, does not carry this: m+ and m- differ, and a weight's sign exchanges
 * them. So the parts are computed forward node by node and the multipliers backward, here; twins and folded linear maps
 * are those of the other engines. Map: m+ dx+ + m- dx-, whose sum is f(x) - f(b).
 */
import { WgradError } from '../errors.ts';
import { scalar } from '../graph/leaves.ts';
import { apply1, topologicalOrder, type Node, type Tensor } from '../graph/tensor.ts';
import { add, maximum, minimum, mul, sub } from '../ops/binary.ts';
import { broadcastTo, sumTo } from '../ops/broadcast.ts';
import { reshape } from '../ops/reshape.ts';
import { secant } from '../ops/secant.ts';
import { affine, unaryNames } from '../ops/unary.ts';
import { dependents, pairNodes, type Pair } from './engines/rules.ts';
import { foldLinear, type Folding, type LinearMap } from './lrp/linear.ts';
import type { Score, ScoreGraph } from './score.ts';

/** The positive part and the negative part of a difference; or the multipliers of the two. */
export type Parts = readonly [up: Tensor, down: Tensor];

const zero = scalar(0);
const both = ([a, b]: Parts, f: (t: Tensor) => Tensor): Parts => [f(a), f(b)];
const addParts = (a: Parts, b: Parts): Parts => [add(a[0], b[0]), add(a[1], b[1])];
/** y / x, and 0 where x is next to nothing. */
const ratio = (y: Tensor, x: Tensor): Tensor => {
  const [one, none] = [broadcastTo(scalar(1), x.shape), broadcastTo(zero, x.shape)];
  return secant(y, [x, none], [one, none], none, 1e-30);
};

interface Rule {
  /** Parts of the node's output. @param parts of its inputs; undefined where the input does not vary. */
  forward(pair: Pair, parts: readonly (Parts | undefined)[]): Parts;
  /** Multipliers of its inputs. */
  backward(pair: Pair, parts: readonly (Parts | undefined)[], m: Parts, own: Parts): (Parts | undefined)[];
}

/** Ops that add, with weights of one sign or none, what they read: each part goes through by itself. */
const passing: Rule = {
  forward: ({ node }, parts) => [0, 1].map((side) => {
    const inputs = node.inputs.map((t, i) => parts[i]?.[side as 0 | 1] ?? (t.dtype === 'i32' ? t : broadcastTo(zero, t.shape)));
    return apply1(node.op, inputs, node.attrs);
  }) as unknown as Parts,
  backward: ({ node }, parts, m) => {
    const [up, down] = m.map((one) => node.op.vjp!(node, [one]));
    return parts.map((p, i) => p && ([up![i]!(), down![i]!()] as const));
  },
}; // prettier-ignore

/** A linear map with a sign to each weight. */
const signed = ({ w, forward, backward }: Pick<LinearMap, 'w' | 'forward' | 'backward'>): Rule => {
  const [positive, negative] = [maximum(w, zero), minimum(w, zero)];
  return {
    forward: (_, [x]) => [
      add(forward(x![0], positive), forward(x![1], negative)),
      add(forward(x![0], negative), forward(x![1], positive)),
    ],
    backward: (_, parts, [up, down]) => [
      [
        add(backward(up, positive), backward(down, negative)),
        add(backward(up, negative), backward(down, positive)),
      ],
      ...parts.slice(1).map(() => undefined),
    ],
  }; // prettier-ignore
};

/** y = s x + t, s constant and broadcasting: BatchNorm, a product with a constant, a difference. */
const scaled = (s: Tensor, at = 0): Rule => {
  const rule = signed({ w: s, forward: (a, w) => mul(a, w), backward: (q, w) => mul(q, w) });
  const shapeOf = (t: Parts, pair: Pair) => both(t, (one) => sumTo(one, pair.node.inputs[at]!.shape));
  return {
    forward: (pair, parts) => rule.forward(pair, [parts[at]]),
    backward: (pair, parts, m, own) =>
      parts.map((p, i) => (i === at && p ? shapeOf(rule.backward(pair, [p], m, own)[0]!, pair) : undefined)),
  };
};

const elementwise: Rule = {
  forward({ node, twin }, [x]) {
    const from = twin.inputs[0]!;
    const f = (t: Tensor) => apply1(node.op, [t], node.attrs);
    const [up, down] = x!;
    const [none, high, low, all] = [f(from), f(add(from, up)), f(add(from, down)), f(add(add(from, up), down))];
    const mean = (a: Tensor, b: Tensor) => affine(add(a, b), 0.5);
    return [mean(sub(high, none), sub(all, low)), mean(sub(low, none), sub(all, high))];
  },
  backward: (_, [x], [up, down], own) => [[mul(up, ratio(own[0], x![0])), mul(down, ratio(own[1], x![1]))]],
};

const maxPool: Rule = {
  forward({ node, twin }) {
    const rise = sub(node.outputs[0]!, twin.outputs[0]!);
    return [maximum(rise, zero), minimum(rise, zero)];
  },
  backward({ node, twin }, [x], [up, down], own) {
    const atWinner = (of: Node, share: Tensor) => of.op.vjp!(of, [share])[0]!();
    const given = add(atWinner(node, mul(up, own[0])), atWinner(twin, mul(down, own[1])));
    const multiplier = ratio(given, add(...x!));
    return [[multiplier, multiplier]];
  },
};

const difference: Rule = {
  forward({ node }, [a, b]) {
    const wide = (t: Parts) => both(t, (one) => broadcastTo(one, node.outputs[0]!.shape));
    const turned: Parts | undefined = b && [affine(b[1], -1), affine(b[0], -1)];
    return a && turned ? addParts(wide(a), wide(turned)) : wide((a ?? turned)!);
  },
  backward: ({ node }, [a, b], [up, down]) => [
    a && both([up, down], (t) => sumTo(t, node.inputs[0]!.shape)),
    b && both([affine(down, -1), affine(up, -1)], (t) => sumTo(t, node.inputs[1]!.shape)),
  ],
};

/** What a linear map has taken in. */
const passed: Rule = {
  forward: (_, parts) => parts.find((p) => p)!,
  backward: (_, parts, m) => parts.map((p) => p && m),
};

const passingNames = new Set([
  'add', 'avg_pool2d', 'sum', 'mean', 'reshape', 'transpose', 'slice', 'concat', 'tile', 'gather', 'broadcast_to',
  'copy', 'shift2d',
]); // prettier-ignore

/** @throws WgradError 'not-differentiable' where RevealCancel has no rule. */
function ruleOf({ node, varies }: Pair, folding: Folding): Rule {
  const { name } = node.op;
  const map = folding.linear.get(node);
  if (map) return signed(map);
  if (folding.passed.has(node)) return passed;
  if (passingNames.has(name)) return passing;
  if (name === 'max_pool2d') return maxPool;
  if (name === 'sub') return difference;
  if (name === 'affine') return scaled(scalar((node.attrs as { a: number }).a));
  if (name === 'neg') return scaled(scalar(-1));
  if (unaryNames.includes(name)) return elementwise;
  const [a, b] = node.inputs.map(varies);
  if (name === 'mul' && !(a && b)) return a ? scaled(node.inputs[1]!) : scaled(node.inputs[0]!, 1);
  if (name === 'batch_norm' && !node.inputs.slice(1).some(varies)) {
    const scale = node.inputs[5]!;
    return scaled(reshape(scale, node.inputs[0]!.shape.map((_, axis) => (axis === 1 ? scale.size : 1)))); // prettier-ignore
  }
  throw new WgradError('not-differentiable', `deep-shap: RevealCancel has no rule for ${node.name ?? name} (${name})`, {
    remedy: "Choose rule: 'rescale'",
  });
}

/**
 * @param wrt what the contributions are of; default: the input.
 * @returns m+ dx+ + m- dx- of each value of `wrt`, and the scores of both sides.
 */
export function revealCancel(
  score: Score,
  [x, baseline]: readonly [Tensor, Tensor],
  wrt: (graph: ScoreGraph) => Tensor = ({ graph }) => graph.input,
): { contributions: Tensor; scores: readonly [x: Tensor, baseline: Tensor] } {
  const [atX, atBaseline] = [score({ input: x }), score({ input: baseline })];
  const twins = pairNodes(atX.scores, atBaseline.scores);
  const start = wrt(atX);
  const reached = dependents(atX.scores, start);
  const varies = (t: Tensor) => reached.has(t);
  const folding = foldLinear(atX.scores, varies);
  const change = sub(start, wrt(atBaseline));
  const parts = new Map<Tensor, Parts>([[start, [maximum(change, zero), minimum(change, zero)]]]);
  const steps = topologicalOrder([atX.scores])
    .filter((node) => !node.outputs.includes(start) && node.outputs.some(varies))
    .map((node) => {
      const pair: Pair = { node, twin: twins.get(node)!, varies };
      return { pair, rule: ruleOf(pair, folding), given: () => node.inputs.map((t) => parts.get(t)) };
    });
  for (const { pair, rule, given } of steps) parts.set(pair.node.outputs[0]!, rule.forward(pair, given()));

  const ones = broadcastTo(scalar(1), atX.scores.shape);
  const multipliers = new Map<Tensor, Parts>([[atX.scores, [ones, ones]]]);
  for (const { pair, rule, given } of steps.reverse()) {
    const [output] = pair.node.outputs as [Tensor];
    const m = multipliers.get(output);
    if (!m) continue;
    rule.backward(pair, given(), m, parts.get(output)!).forEach((share, i) => {
      if (!share) return;
      const t = pair.node.inputs[i]!;
      const sum = multipliers.get(t);
      multipliers.set(t, sum ? addParts(sum, share) : share);
    });
  }
  const [up, down] = parts.get(start)!;
  const [mUp, mDown] = multipliers.get(start)!;
  return { contributions: add(mul(mUp, up), mul(mDown, down)), scores: [atX.scores, atBaseline.scores] };
}
