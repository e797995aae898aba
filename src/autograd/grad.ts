/**
 * Reverse-mode differentiation as a graph-to-graph transformation.
 *
 * For y = f(x) and a cotangent v, each op's vjp yields v^T df/dx_i for its inputs. grad() walks back from `output` and
 * calls the vjp closures only for inputs on a path from something in `wrt`: a frozen weight never gets a gradient
 * node, and nothing below the lowest tensor asked for gets one either.
 */
import { WgradError } from '../errors.ts';
import { scalar, variableOp } from '../graph/leaves.ts';
import type { Vjp } from '../graph/op.ts';
import { sameShape, show } from '../graph/shape.ts';
import { topologicalOrder, withName, withRole, type Node, type Tensor } from '../graph/tensor.ts';
import { add } from '../ops/binary.ts';
import { broadcastTo } from '../ops/broadcast.ts';
import { opNames } from '../ops/names.ts';

/** Options of {@link grad}. */
export interface GradOptions {
  /** Cotangent of `output`, of its shape; default 1, which needs a scalar `output`. */
  seed?: Tensor;
  /**
   * Backward rules that replace an op's own, by op name: guided backpropagation, DeepLIFT, LRP. Rules for ops that the
   * graph does not have are fine; names that no op has are an error.
   */
  rules?: Readonly<Record<string, Vjp>>;
}

/**
 * d output / d wrt, one tensor of the same shape for each of `wrt`; zeros where `output` does not depend on it.
 * @throws WgradError 'shape' for a non-scalar output without a seed; 'not-differentiable' for an op without a rule;
 *   'unknown-name' for a rule whose name is no op's.
 */
export function grad(output: Tensor, wrt: readonly Tensor[], options: GradOptions = {}): Tensor[] {
  if (!options.seed && output.size !== 1) {
    throw new WgradError('shape', `grad: the output ${output} is not a scalar`, { remedy: 'Reduce it or pass a seed' });
  }
  if (options.seed && !sameShape(options.seed.shape, output.shape)) {
    throw new WgradError('shape', `grad: the seed ${show(options.seed.shape)} is not of the output's shape ${output}`);
  }
  const order = topologicalOrder([output]);
  checkRules(options.rules, order);
  const wanted = new Set(wrt);
  const onPath = markPaths(order, wanted);
  const fromInput = markDataDependence(order);

  const cotangents = new Map<Tensor, Tensor>();
  const accumulate = (t: Tensor, g: Tensor) => {
    if (!sameShape(t.shape, g.shape)) {
      throw new WgradError('shape', `grad: the cotangent ${show(g.shape)} of ${t} has another shape than it`);
    }
    const sum = cotangents.get(t);
    cotangents.set(t, sum ? add(sum, g) : g);
  };
  const seed = options.seed ?? broadcastTo(scalar(1), output.shape);
  if (onPath.has(output)) cotangents.set(output, seed);

  for (const node of order.reverse()) {
    if (!node.inputs.some((t) => onPath.has(t))) continue;
    const incoming = node.outputs.map((t) => cotangents.get(t));
    if (incoming.every((g) => g === undefined)) continue;
    const vjp = options.rules?.[node.op.name] ?? node.op.vjp;
    if (!vjp) {
      throw new WgradError(
        'not-differentiable',
        `grad: ${node.name ?? node.op.name} (${node.op.name}) has no gradient`,
      );
    }
    const thunks = vjp(node, incoming);
    node.inputs.forEach((t, i) => {
      const thunk = thunks[i];
      if (!thunk || !onPath.has(t)) return;
      const role = fromInput.has(t) ? 'input-gradient' : 'weight-gradient';
      const g = withRole(role, () => withName(node.name, thunk));
      withRole(role, () => accumulate(t, g));
    });
  }
  return wrt.map((t) => cotangents.get(t) ?? broadcastTo(scalar(0), t.shape));
}

/** Ops of the caller's own are known by being in the graph. */
function checkRules(rules: GradOptions['rules'] = {}, order: readonly Node[]): void {
  const unknown = Object.keys(rules).filter((name) => !opNames.has(name) && !order.some((n) => n.op.name === name));
  if (unknown.length === 0) return;
  const here = [...new Set(order.map((n) => n.op.name))].sort().join(', ');
  throw new WgradError('unknown-name', `grad: no op is called ${unknown.join(', ')}`, {
    remedy: `The graph's ops are ${here}; all are ${[...opNames].sort().join(', ')}`,
  });
}

/** Tensors through which something in `wanted` is reached. */
function markPaths(order: readonly Node[], wanted: ReadonlySet<Tensor>): Set<Tensor> {
  const onPath = new Set(wanted);
  for (const node of order) {
    if (node.inputs.some((t) => onPath.has(t) && t.dtype === 'f32')) {
      for (const t of node.outputs) if (t.dtype === 'f32') onPath.add(t);
    }
  }
  return onPath;
}

/** Tensors that are not functions of variables and constants alone: their gradients are input gradients. */
function markDataDependence(order: readonly Node[]): Set<Tensor> {
  const marked = new Set<Tensor>();
  for (const node of order) {
    const isLeaf = node.inputs.length === 0;
    const depends = isLeaf ? node.op !== variableOp : node.inputs.some((t) => marked.has(t));
    if (depends) for (const t of node.outputs) marked.add(t);
  }
  return marked;
}
