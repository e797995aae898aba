/** Objectives: closed forms, gradients by finite differences, arithmetic and its names, refusals. */
import { beforeAll, describe, expect, it } from 'vitest';
import * as ascent from '../../src/ascent/index.ts';
import { sceneOf } from '../../src/ascent/scene.ts';
import { constant } from '../../src/graph/leaves.ts';
import type { Model } from '../../src/model/model.ts';
import { mean, sum } from '../../src/ops/reduce.ts';
import { gradcheck, spread } from '../support/gradcheck.ts';
import { compare, tolerance } from '../tolerance.ts';
import { evaluate, mirrorModel } from './scene.ts';

const { channel, neuron, layer, logit, logProbability, diversity, alignment } = ascent;
const [K, H, W] = [3, 4, 5];
const size = K * H * W;
const batch = spread(3 * size, 3);
const reference = spread(size, 8);

let model: Model;
beforeAll(async () => {
  model = await mirrorModel([K, H, W], { labels: ['left', 'right, up', 'pug'] });
});

const at = (n: number, k: number, y: number, x: number) => batch[((n * K + k) * H + y) * W + x]!;
const plane = (n: number, k: number) => Array.from(batch.slice((n * K + k) * H * W, (n * K + k + 1) * H * W));
const average = (v: ArrayLike<number>) => Array.from(v).reduce((a, b) => a + b, 0) / v.length;
const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((s, v, i) => s + v * b[i]!, 0);
const scores = async (o: ascent.Objective, n = 3) => (await evaluate(model, o, batch.subarray(0, n * size), n)).score;
const near = async (o: ascent.Objective, expected: number[], n = 3) =>
  expect(compare(await scores(o, n), expected).maxRel).toBeLessThan(tolerance.longSum);

const each = (f: (n: number) => number) => [0, 1, 2].map(f);
const logits = (n: number) => [0, 1, 2].map((k) => H * W * average(plane(n, k)));

describe('closed forms, one score for each picture', () => {
  it('channel is the mean over space; of a vector, the entry', async () => {
    await near(channel('maps', 1), each((n) => average(plane(n, 1)))); // prettier-ignore
    await near(channel('pooled', 2), each((n) => average(plane(n, 2)))); // prettier-ignore
  });

  it('neuron is one position, the middle unless told', async () => {
    await near(neuron('maps', 2, 3, 1), each((n) => at(n, 2, 3, 1))); // prettier-ignore
    await near(neuron('maps', 0), each((n) => at(n, 0, 2, 2))); // prettier-ignore
  });

  it('layer is the mean square', async () => {
    await near(layer('maps'), each((n) => average(batch.slice(n * size, (n + 1) * size).map((v) => v * v)))); // prettier-ignore
  });

  it('logit and log-probability go by index or label', async () => {
    await near(logit(0), each((n) => logits(n)[0]!)); // prettier-ignore
    await near(logit('right, up'), each((n) => logits(n)[1]!)); // prettier-ignore
    const logSum = (n: number) => Math.log(logits(n).reduce((s, v) => s + Math.exp(v), 0));
    await near(logProbability('pug'), each((n) => logits(n)[2]! - logSum(n))); // prettier-ignore
  });

  it('the cosine of a direction and a pattern', async () => {
    const v = [1, -2, 0.5];
    const cosines = (n: number) =>
      average(Array.from({ length: H * W }, (_, i) => {
        const x = [0, 1, 2].map((k) => plane(n, k)[i]!);
        return dot(x, v) / Math.hypot(...x) / Math.hypot(...v);
      })); // prettier-ignore
    await near(ascent.cosine('maps', v), each(cosines));
    const pattern = spread(12, 4);
    const middle = (n: number) => [0, 1, 2].flatMap((k) => [at(n, k, 1, 1), at(n, k, 1, 2), at(n, k, 2, 1), at(n, k, 2, 2)]); // prettier-ignore
    const product = (n: number) => {
      const [d, lengths] = [dot(middle(n), pattern), Math.hypot(...middle(n)) * Math.hypot(...pattern)];
      return d * Math.max(0.1, d / lengths);
    };
    const found = await scores(ascent.tensorNeuron('maps', pattern, [3, 2, 2]));
    expect(compare(found, each(product)).maxRel).toBeLessThan(1e-3); // Lucid adds 1e-4 to each length.
  });

  it('references: difference and style', async () => {
    const a = (n: number) => average(batch.slice(n * size, (n + 1) * size).map((v, i) => Math.abs(v - reference[i]!)));
    await near(ascent.activationDifference('maps', reference), each(a));
    const gram = (p: (k: number) => number[]) => [0, 1, 2].flatMap((i) => [0, 1, 2].map((j) => dot(p(i), p(j)) / (H * W)));
    const given = gram((k) => Array.from(reference.slice(k * H * W, (k + 1) * H * W)));
    const texture = (n: number) => average(gram((k) => plane(n, k)).map((g, i) => Math.abs(g - given[i]!)));
    await near(ascent.style(['maps'], reference), each(texture));
    await near(ascent.style(['maps', 'maps'], reference), each((n) => 2 * texture(n))); // prettier-ignore
  }); // prettier-ignore

  it('opacity is the mean of the alpha channel', async () => {
    const alpha = constant(
      Float32Array.of(...Array<number>(20).fill(0.25), ...Array<number>(20).fill(1)),
      [2, 1, 4, 5],
    );
    const both = ascent.opacity().plus(channel('maps', 0).times(0));
    const { score } = await evaluate(model, both, batch.subarray(0, 2 * size), 2, alpha);
    expect([...score]).toEqual([0.25, 1]);
  });

  it('edges and blur', async () => {
    const steps = (n: number) => {
      let total = 0;
      for (let k = 0; k < K; k++)
        for (let y = 0; y < H; y++)
          for (let x = 0; x < W; x++) {
            if (y + 1 < H) total += Math.abs(at(n, k, y + 1, x) - at(n, k, y, x));
            if (x + 1 < W) total += Math.abs(at(n, k, y, x + 1) - at(n, k, y, x));
          }
      return total;
    };
    await near(ascent.edges(), each(steps));
    // The blur is held fixed: the gradient is the picture minus it, and the score half that one's square.
    const { score, gradient } = await evaluate(model, ascent.blur(0.7), batch.subarray(0, size), 1);
    expect(score[0]).toBeCloseTo(dot(gradient, gradient) / 2, 3);
  });
});

describe('arithmetic', () => {
  it('adds, takes away, scales and negates, and says so in its name', async () => {
    const [a, b] = [channel('maps', 1), neuron('maps', 0)];
    const [va, vb] = [await scores(a), await scores(b)];
    const combined = a.minus(b.times(0.5)).plus(ascent.l1().times(1e-2));
    expect(combined.name).toBe('channel(maps,1) - 0.5*neuron(maps,0) + 0.01*l1');
    const l1 = await scores(ascent.l1());
    await near(combined, each((n) => va[n]! - 0.5 * vb[n]! + 0.01 * l1[n]!)); // prettier-ignore
    await near(a.plus(b).negated(), each((n) => -va[n]! - vb[n]!)); // prettier-ignore
    expect(a.plus(b).negated().name).toBe('-(channel(maps,1) + neuron(maps,0))');
    expect(a.minus(a.minus(b)).name).toBe('channel(maps,1) - (channel(maps,1) - neuron(maps,0))');
    await near(ascent.add(a, b, ascent.scale(b, -2)), each((n) => va[n]! - vb[n]!)); // prettier-ignore
    expect(logit('right, up').name).toBe("logit('right, up')");
    expect(combined.layers).toEqual(['maps', 'maps']);
  });

  it('one number for all pictures goes to each of them', async () => {
    const together = (await scores(diversity('maps')))[0]!;
    const alone = await scores(channel('maps', 1));
    await near(channel('maps', 1).minus(diversity('maps')), each((n) => alone[n]! - together)); // prettier-ignore
  });
});

describe('gradients by finite differences', () => {
  it.each<[string, () => ascent.Objective]>([
    ['diversity', () => diversity('maps')],
    ['alignment', () => alignment('maps')],
    ['a direction', () => ascent.direction('maps', [1, 0.5, 0.2], 2)],
    ['log-probability', () => logProbability(1)],
    ['caricature', () => ascent.caricature('maps', reference, 1)],
    ['style', () => ascent.style('maps', reference)],
    ['total variation, beta 1.5', () => ascent.totalVariation({ beta: 1.5 })],
    ['Lp', () => ascent.lp(6)],
  ])('%s', async (_, make) => {
    await gradcheck(model.engine, {
      shapes: [[2, K, H, W]],
      f: (x) => make().build(sceneOf(model, model.graph({ input: x! }), { pixels: x!, input: x! })),
      probes: 8,
      step: 3e-3,
    });
  });
});

describe('refusals', () => {
  it.each<[string, () => ascent.Objective, string]>([
    ['an unknown layer', () => channel('nowhere', 0), 'unknown-name'],
    ['an unknown channel', () => channel('maps', 3), 'unknown-name'],
    ['a row outside', () => neuron('maps', 0, 6, 0), 'unknown-name'],
    ['an unknown label', () => logit('down'), 'unknown-name'],
    ['a whole layer', () => ascent.objective('all', (s) => s.value('maps')), 'shape'],
    ['a direction of another length', () => ascent.direction('maps', [1, 2]), 'shape'],
    ['a pattern that is too large', () => ascent.tensorNeuron('maps', new Float32Array(75), [3, 5, 5]), 'shape'],
    ['a reference of another size', () => ascent.caricature('maps', new Float32Array(4)), 'shape'],
    ['diversity of one picture', () => diversity('maps'), 'invalid-argument'],
    ['opacity where there is none', () => ascent.opacity(), 'invalid-argument'],
    ['a picture as a vector', () => ascent.objective('sum', (s) => mean(sum(s.value('maps'), [1]))).plus(channel('pooled', 9)), 'unknown-name'], // prettier-ignore
  ])('%s', async (_, make, code) => {
    await expect(scores(make(), 1)).rejects.toMatchObject({ code });
  });
});
