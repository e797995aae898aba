/**
 * Layer-wise relevance propagation: the score is handed back layer by layer, each layer sharing what it gets among its
 * inputs by a rule. (Bach et al. 2015, doi:10.1371/journal.pone.0130140; Montavon et al. 2019,
 * doi:10.1007/978-3-030-28954-6_10.) BatchNorms are folded into the convolutions before them. The rules are stated in
 * lrp/rules.ts and lrp/graph_rules.ts.
 *
 * What biases absorb is missing from the sum: it is the error figure. The epsilon rule has the bias in its denominator,
 * and a folded BatchNorm is a large bias: by it alone a ResNet-50 loses 98 % of the score on the way down, as input x
 * gradient does, which it nearly is. So the default is z-plus for convolutions, whose shares add up to 1, and epsilon
 * for the classifier, where evidence against a class must count (the composite that zennit calls EpsilonPlus): what is
 * lost is the share of the classifier's bias, 0.2 % there.
 */
import { grad } from '../../autograd/grad.ts';
import type { Preprocess } from '../../image/preprocess_spec.ts';
import { matcher } from '../../model/globs.ts';
import { mul } from '../../ops/binary.ts';
import { sum } from '../../ops/reduce.ts';
import { choice, custom, floats, name, nonNegative, positive } from '../../options.ts';
import { WgradError } from '../../errors.ts';
import { dependents } from '../engines/rules.ts';
import { completeness } from '../errors.ts';
import { graphRules, joinNames } from '../lrp/graph_rules.ts';
import { foldLinear, type LinearMap } from '../lrp/linear.ts';
import { firstRuleNames, propagate, ruleNames, type LrpRule } from '../lrp/rules.ts';
import { defineMethod } from '../types.ts';

export const lrp = defineMethod({
  summary: 'the score handed back layer by layer, shared in proportion to contributions',
  options: {
    rule: choice(
      ruleNames,
      'z-plus',
      'of convolutions; z-plus conserves the score, epsilon and gamma lose to biases what these contribute',
    ),
    first: choice(firstRuleNames, 'same', 'of the convolution that reads the picture; box: for pixels in a range'),
    head: choice(['epsilon', 'z-plus'], 'epsilon', 'of fully connected layers'),
    headEpsilon: positive(1e-9, "the head's epsilon"),
    byLayer: custom<Readonly<Record<string, LrpRule>>>(
      "rules of single layers, by pattern of their weight's name: { 'layer1.*': 'gamma' }; the last that matches wins",
      'an object of rule names by pattern',
      (v) => typeof v === 'object' && v !== null && Object.values(v).every((rule) => Object.hasOwn(propagate, rule)),
    ),
    join: choice(joinNames, 'signed', 'what of a branch counts where branches are added'),
    epsilon: positive(0.01, 'of the epsilon rule'),
    gamma: nonNegative(0.25, 'of the gamma rules'),
    alpha: choice([1, 2], 2, 'of the alpha-beta rule; beta is alpha - 1'),
    low: floats("box: lowest value of each channel, [C], in input space (default: the preprocessing's black)"),
    high: floats('box: highest value of each channel, [C] (default: white)'),
    layer: name('relevance of the units of this layer [K,h,w] in place of the pixels'),
  },
  target: 'one',
  cost: ({ rule }) => ({ gradients: rule === 'gamma' || rule === 'alpha-beta' ? 3 : 1.5 }),
  async compile(model, score, options, control) {
    const { graph, outputs, scores } = score({ batch: 1 });
    const at = options.layer === undefined ? undefined : graph.map(options.layer);
    const start = at?.value ?? graph.input;
    const fromInput = dependents(outputs, graph.input);
    const varies = (t: typeof outputs) => fromInput.has(t);
    const range = boxOf(model.pictureShape[0], model.preprocess, options);
    const numbers = { epsilon: options.epsilon, gamma: options.gamma, alpha: options.alpha, ...range };
    const layers = Object.entries(options.byLayer ?? {}).map(([glob, rule]) => ({ matches: matcher([glob]), rule }));
    const ruleOf = (map: LinearMap): LrpRule => {
      const { parameter } = map;
      const own = parameter === undefined ? undefined : layers.findLast(({ matches }) => matches(parameter));
      if (own) return own.rule;
      if (map.a === graph.input && options.first !== 'same') return options.first;
      return map.a.rank === 4 ? options.rule : options.head;
    };
    const rules = graphRules({
      ops: [...new Set([...dependents(outputs, start)].filter((t) => t !== start).map((t) => t.node.op.name))],
      folding: foldLinear(outputs, varies),
      varies,
      join: options.join,
      linear(map, relevance) {
        const epsilon = map.a.rank === 4 ? options.epsilon : options.headEpsilon;
        return propagate[ruleOf(map)](map, relevance, { ...numbers, epsilon });
      },
    });
    // The relevance to hand back is each output times its weight: the score itself.
    const [weights] = grad(sum(scores), [outputs]);
    const [relevance] = grad(outputs, [start], { seed: mul(outputs, weights!), rules });
    const map = at ? at.channelsFirst(relevance!) : relevance!;
    const program = await model.engine.compile({ outputs: { map, scores } }, control);
    const shape = map.shape.slice(1) as [number, number, number];
    return {
      async run({ pixels, feeds, onProgress }) {
        const out = await program.run({ [model.inputName]: pixels, ...feeds });
        onProgress?.({ done: 1, total: 1 });
        const value = out.scores[0]!;
        return { map: out.map, shape, score: value, error: completeness(out.map, value) };
      },
      dispose: () => program.dispose(),
    };
  },
});

/** The range of pixels in input space. @throws WgradError 'shape', 'invalid-argument'. */
function boxOf(
  channels: number,
  preprocess: Preprocess | undefined,
  { low, high }: { low?: Float32Array | undefined; high?: Float32Array | undefined },
): { low: Float32Array; high: Float32Array } {
  const edge = (given: Float32Array | undefined, level: number) => {
    if (given && given.length !== channels) {
      throw new WgradError('shape', `lrp: low and high need ${channels} values, one a channel`);
    }
    const { mean = [0], std = [1] } = preprocess ?? {};
    const entry = (list: readonly number[], c: number) => list[list.length === 1 ? 0 : c]!;
    return given ?? Float32Array.from({ length: channels }, (_, c) => (level - entry(mean, c)) / entry(std, c));
  };
  return { low: edge(low, 0), high: edge(high, 1) };
}
