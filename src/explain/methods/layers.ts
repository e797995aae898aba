/**
 * Attributions of a layer's units, [K,h,w], and of a neuron's inputs, by paths from a baseline b to the picture.
 * With y the layer's value, g = d f / d y at the point b + a (x - b):
 *
 *   layer activation            y
 *   layer gradient x activation g y (Captum's LayerGradientXActivation)
 *   internal influence          mean over a of g (Leino et al. 2018, arXiv:1802.03788)
 *   conductance                 sum over steps of g(a_i) (y(a_i+1) - y(a_i)) (Dhamdhere et al. 2018, arXiv:1805.12233)
 *   layer integrated gradients  (y - y_b) mean over a of d f / d y at y_b + a (y - y_b): the path is straight in y
 *   neuron conductance          (x - b) mean over a of d f / d n * d n / d x, for one unit n
 *
 * Conductance and the layer's integrated gradients add up to f(x) - f(b), but for the sum's own error.
 */
import { grad } from '../../autograd/grad.ts';
import { WgradError } from '../../errors.ts';
import { input } from '../../graph/leaves.ts';
import { sizeOf } from '../../graph/shape.ts';
import { substitute } from '../../graph/substitute.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Model } from '../../model/model.ts';
import { unit } from '../../model/unit.ts';
import { add, mul, sub } from '../../ops/binary.ts';
import { broadcastTo } from '../../ops/broadcast.ts';
import { sum } from '../../ops/reduce.ts';
import { reshape } from '../../ops/reshape.ts';
import { choice, count, floats, name } from '../../options.ts';
import { readBaselines } from '../baselines.ts';
import { camOptions } from '../cam.ts';
import { compileSum, type Batch } from '../engines/sums.ts';
import { completeness, noError } from '../errors.ts';
import { pathRuleNames, pathRules, type Quadrature } from '../quadrature.ts';
import type { Score, ScoreGraph } from '../score.ts';
import { defineMethod, type CompiledMethod, type MapError } from '../types.ts';

const baseline = floats("picture [C,H,W] in input space that stands for 'nothing' (default: zeros)");
const pathOptions = {
  steps: count(50, 'nodes of the path'),
  rule: choice(pathRuleNames, 'gauss-legendre', 'where the nodes lie and what they weigh'),
  baseline,
  batch: count(4, 'pictures in one run'),
};
const layerPathOptions = { layer: camOptions.layer, ...pathOptions };

/** One pass: the map is what `value` makes of the layer and the gradient at it. */
const defineOnePass = (summary: string, value: (y: Tensor, g: () => Tensor) => Tensor) =>
  defineMethod({
    summary,
    options: { layer: camOptions.layer },
    target: 'one',
    // Behind the last map, the usual layer, there is next to nothing to go back through.
    cost: () => ({ forwards: 1 }),
    async compile(model, score, { layer }, control) {
      const { graph, scores } = score({ batch: 1 });
      const at = graph.map(layer);
      const map = at.channelsFirst(value(at.value, () => grad(sum(scores), [at.value])[0]!));
      const program = await model.engine.compile({ outputs: { map, scores } }, control);
      return {
        async run({ pixels, feeds, onProgress }) {
          const out = await program.run({ [model.inputName]: pixels, ...feeds });
          onProgress?.({ done: 1, total: 1 });
          const error = noError('exact: values of the network, which promise no sum');
          return { map: out.map, shape: shapeOf(map), score: out.scores[0]!, error };
        },
        dispose: () => program.dispose(),
      };
    },
  });

export const layerActivation = defineOnePass('what a layer computes', (y) => y);
export const layerGradientXActivation = defineOnePass('activation times gradient, unit by unit', (y, g) => mul(y, g()));

const shapeOf = (t: Tensor) => t.shape.slice(1) as [number, number, number];

/** The points b + a (x - b) of one run, from the inputs `picture`, `baseline` and `alpha` (or another name). */
function pathPoints(shape: readonly number[], batch: number, alpha = 'alpha') {
  const x = input('picture', [1, ...shape]);
  const from = input('baseline', [1, ...shape]);
  const at = (name: string) => add(mul(sub(x, from), input(name, [batch, 1, 1, 1])), from);
  return { x, from, difference: sub(x, from), at, points: at(alpha) };
}

interface PathMethod {
  signal?: AbortSignal | undefined;
  /** Terms of a batch of points and, as `score`, f at each of them. */
  build(batch: number): Batch<'score'>;
  path: Quadrature;
  baseline: Float32Array | undefined;
  batch: number;
  /** More inputs: values for each point, by name. */
  more?: Record<string, Float64Array>;
  error(map: Float32Array, difference: number): MapError;
}

async function compilePath(name: string, model: Model, method: PathMethod): Promise<CompiledMethod> {
  const { path, more = {} } = method;
  const { pictures } = readBaselines(name, method.baseline, model.pictureShape);
  if (pictures.length !== sizeOf(model.pictureShape)) throw new WgradError('shape', `${name} takes one baseline`);
  const columns = Object.entries(more);
  const alphas = [...path.nodes, 0, 1];
  const weights = Float64Array.of(...path.weights, 0, 0);
  const { signal, build, batch: limit } = method;
  const sums = await compileSum(model, { count: alphas.length, limit, build, signal });
  return {
    async run(run) {
      const feeds = (first: number) => {
        const slice = (values: ArrayLike<number>) => {
          const some = new Float32Array(sums.batch);
          for (let k = 0; k < sums.batch; k++) some[k] = values[first + k] ?? 0;
          return some;
        };
        const others = Object.fromEntries(columns.map(([key, values]) => [key, slice(values)]));
        return { picture: run.pixels, baseline: pictures, alpha: slice(alphas), ...others };
      };
      const { map, values } = await sums.run({ weights, feeds, run });
      const [start, value] = [values.score.at(-2)!, values.score.at(-1)!];
      return { map, shape: sums.shape, score: value, error: method.error(map, value - start) };
    },
    dispose: () => sums.dispose(),
  };
}

export const internalInfluence = defineMethod({
  summary: "mean gradient at a layer's units along the path from the baseline",
  options: layerPathOptions,
  target: 'one',
  cost: ({ steps }) => ({ forwards: steps + 2 }),
  compile: (model, score, { layer, steps, rule, baseline, batch }, control) =>
    compilePath('internal-influence', model, {
      ...control,
      build(batch) {
        const { graph, scores } = score({ input: pathPoints(model.pictureShape, batch).points });
        const at = graph.map(layer);
        const [g] = grad(sum(scores), [at.value]);
        return { terms: at.channelsFirst(g!), values: { score: scores } };
      },
      path: pathRules[rule](steps),
      baseline,
      batch,
      error: () => noError('a mean gradient, which promises no sum'),
    }),
});

export const conductance = defineMethod({
  summary: "what flows to the score through each of a layer's units along the path from the baseline",
  options: layerPathOptions,
  target: 'one',
  cost: ({ steps }) => ({ forwards: 2 * (steps + 2) }),
  compile(model, score, { layer, steps, rule, baseline, batch }, control) {
    // Captum's staircase: one node more than steps, the gradient at each but the last, times the layer's next rise.
    const { nodes } = pathRules[rule](steps + 1);
    return compilePath('conductance', model, {
      ...control,
      build(batch) {
        const path = pathPoints(model.pictureShape, batch);
        const now = score({ input: path.points });
        const next = score({ input: path.at('next') });
        const [at, then] = [now.graph.map(layer), next.graph.map(layer)];
        const [g] = grad(sum(now.scores), [at.value]);
        return { terms: at.channelsFirst(mul(g!, sub(then.value, at.value))), values: { score: now.scores } };
      },
      path: { nodes: nodes.subarray(0, steps), weights: new Float64Array(steps).fill(1) },
      more: { next: Float64Array.of(...nodes.subarray(1), 0, 1) },
      baseline,
      batch,
      error: completeness,
    });
  },
});

export const layerIntegratedGradients = defineMethod({
  summary: "integrated gradients of a layer's units, the path straight in the layer's values",
  options: layerPathOptions,
  target: 'one',
  // Up to the layer each run goes twice, for the picture and the baseline; the path lies behind it.
  cost: ({ steps, batch }) => ({ forwards: 2 * Math.ceil((steps + 2) / batch) }),
  compile: (model, score, { layer, steps, rule, baseline, batch }, control) =>
    compilePath('layer-integrated-gradients', model, {
      ...control,
      build: (batch) => layerPath(model, score, layer, batch),
      path: pathRules[rule](steps),
      baseline,
      batch,
      error: completeness,
    }),
});

/** The network behind the layer, run on y_b + a (y - y_b). What bypasses the layer sees the picture. */
function layerPath(model: Model, score: Score, layer: string | undefined, batch: number): Batch<'score'> {
  const shape = model.pictureShape;
  const x = input('picture', [1, ...shape]);
  const ends = [x, input('baseline', [1, ...shape])].map((t) => score({ input: t }).graph.map(layer).value);
  const [y, from] = ends as [Tensor, Tensor];
  const tail: ScoreGraph = score({ input: broadcastTo(x, [batch, ...shape]) });
  const at = tail.graph.map(layer);
  const ones = at.value.shape.map((_, axis) => (axis === 0 ? batch : 1));
  const point = add(mul(sub(y, from), reshape(input('alpha', [batch, 1, 1, 1]), ones)), from);
  const [scores] = substitute([tail.scores], at.value, point);
  const [g] = grad(sum(scores!), [point]);
  return { terms: at.channelsFirst(mul(g!, sub(y, from))), values: { score: scores! } };
}

export const neuronConductance = defineMethod({
  summary: 'what flows from each pixel to the score through one unit',
  options: { ...pathOptions, neuron: name('the unit, such as layer3[:,33,3,1]') },
  target: 'one',
  // One way back in all: from the score to the unit, and from there to the picture.
  cost: ({ steps }) => ({ gradients: steps + 2 }),
  compile(model, score, { neuron, steps, rule, baseline, batch }, control) {
    if (neuron === undefined) {
      throw new WgradError('invalid-argument', 'neuron-conductance: no neuron is given', {
        remedy: "Name one: neuron: 'layer3[:,33,3,1]'",
      });
    }
    return compilePath('neuron-conductance', model, {
      ...control,
      build(batch) {
        const path = pathPoints(model.pictureShape, batch);
        const { graph, scores } = score({ input: path.points });
        const n = unit(neuron, (value) => graph.value(value));
        const toScore = unit(neuron, (value) => grad(sum(scores), [graph.value(value)])[0]!);
        const [toInput] = grad(n, [graph.input], { seed: toScore });
        return { terms: mul(toInput!, path.difference), values: { score: scores } };
      },
      path: pathRules[rule](steps),
      baseline,
      batch,
      error: () => noError("one unit's part of the score, which promises no sum"),
    });
  },
});
