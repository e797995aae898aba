/** BatchNorm against PyTorch and float64 loops: statistics that cancel, gradients of both modes, running statistics. */
import { describe, expect, it } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import { constant, input, Variable } from '../../src/graph/leaves.ts';
import * as ops from '../../src/ops/index.ts';
import { adapters } from '../support/adapters.ts';
import { testEngine } from '../support/engine.ts';
import { gradcheck, spread, type GradCheck } from '../support/gradcheck.ts';
import { checkOracle, oracleCases, type OracleBuilder } from '../support/oracle.ts';
import { compare, tolerance } from '../tolerance.ts';

const eps = 1e-5;

const builders: Record<string, OracleBuilder> = {
  batchNorm: ([x, weight, bias], a) =>
    ops.batchNorm(x!, { weight: weight!, bias: bias!, mean: constant(a.mean), variance: constant(a.variance) }, a.eps),
  batchNormTrain: ([x, weight, bias], a) => {
    const { y, mean, variance } = ops.batchNormTrain(x!, weight!, bias!, a.eps);
    return [y, mean, variance];
  },
};

describe.each(adapters)('against PyTorch on %s', (_, engine) => {
  it.each(oracleCases('normalization').map((c) => [`${c.op}, ${c.name}`, c] as const))('%s', async (_name, entry) => {
    await checkOracle(engine, builders[entry.op]!, entry);
  });
});

describe('finite differences', () => {
  it.each<[string, number[][], GradCheck['f']]>([
    [
      'of given statistics',
      [[2, 3, 4, 3], [3], [3]],
      (x, weight, bias) => {
        const [mean, variance] = [constant([0.1, -0.2, 0.3]), constant([0.5, 1, 2])];
        return ops.square(ops.batchNorm(x!, { weight: weight!, bias: bias!, mean, variance }));
      },
    ],
    ['of the batch', [[3, 4, 3, 2], [4], [4]], (x, w, b) => ops.square(ops.batchNormTrain(x!, w!, b!).y)],
    ['of rows', [[7, 3], [3], [3]], (x, w, b) => ops.square(ops.batchNormTrain(x!, w!, b!).y)],
  ])('%s', async (_, shapes, f) => {
    await gradcheck(await testEngine(), { shapes, f, probes: 12 });
  });
});

/** The values of one channel of [N, C, ...rest], in any fixed order. */
function channel(data: ArrayLike<number>, shape: readonly number[], c: number): number[] {
  const inner = shape.slice(2).reduce((a, b) => a * b, 1);
  const values: number[] = [];
  for (let n = 0; n < shape[0]!; n++)
    for (let i = 0; i < inner; i++) values.push(data[(n * shape[1]! + c) * inner + i]!);
  return values;
}

const average = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;

function moments(values: number[]) {
  const mean = average(values);
  return { mean, variance: average(values.map((v) => (v - mean) ** 2)) };
}

/** [N, C, ...rest] from a function of the channel's values. */
function mapChannels(shape: readonly number[], f: (c: number) => number[]): number[] {
  const columns = Array.from({ length: shape[1]! }, (_, c) => f(c));
  const inner = shape.slice(2).reduce((a, b) => a * b, 1);
  const size = shape.reduce((a, b) => a * b, 1);
  return Array.from({ length: size }, (_, i) => {
    const [n, c] = [Math.floor(i / (inner * shape[1]!)), Math.floor(i / inner) % shape[1]!];
    return columns[c]![n * inner + (i % inner)]!;
  });
}

describe('batch statistics', () => {
  it.each([
    ['4 channels, rows in several uneven parts', [3, 4, 17, 19]],
    ['3 channels, rows in several uneven parts', [3, 3, 17, 19]],
    ['fewer rows than a part', [2, 8, 3, 3]],
    ['rank 2', [11, 5]],
    ['rank 2, 4 channels, one row', [1, 4]],
  ])('do not cancel under a large mean: %s', async (_, shape) => {
    const x = input('x', shape);
    const data = spread(x.size).map((v) => 4000 + v);
    const c = shape[1]!;
    const { mean, variance } = ops.batchNormTrain(
      x,
      constant(new Float32Array(c).fill(1)),
      constant(new Float32Array(c)),
    );
    const result = await (await testEngine()).evaluate({ mean, variance }, { x: data });
    const expected = Array.from({ length: c }, (_, k) => moments(channel(data, shape, k)));
    expect(
      compare(
        result.mean,
        expected.map((m) => m.mean),
      ).maxRel,
    ).toBeLessThan(tolerance.op);
    // In f32, E[x^2] - E[x]^2 is off by about 1 here.
    expect(
      compare(
        result.variance,
        expected.map((m) => m.variance),
      ).maxAbs,
    ).toBeLessThan(tolerance.logits);
  });

  it.each([4, 3])('are differentiable, with %i channels', async (c) => {
    const ones = constant(new Float32Array(c).fill(1));
    await gradcheck(await testEngine(), {
      shapes: [[2, c, 3, 2]],
      f: (x) => {
        const { mean, variance } = ops.batchNormTrain(x!, ones, ones);
        return ops.add(ops.square(mean), variance);
      },
    });
  });
});

describe.each([
  ['4 channels', [3, 4, 9, 11]],
  ['5 channels', [3, 5, 9, 11]],
  ['rank 2', [9, 6]],
])('normalising %s', (_, shape) => {
  const c = shape[1]!;
  const data = spread(shape.reduce((a, b) => a * b, 1)).map((v) => 3 * v + 2);
  const weight = spread(c, 2);
  const bias = spread(c, 3);
  const seed = spread(data.length, 4);
  const [w, b] = [new Variable('w', [c], weight), new Variable('b', [c], bias)];
  const x = input('x', shape);
  const cotangent = { seed: constant(seed, shape) };

  it('by the batch: value and gradients', async () => {
    const { y } = ops.batchNormTrain(x, w.tensor, b.tensor, eps);
    const [dx, dw, db] = grad(y, [x, w.tensor, b.tensor], cotangent) as [typeof y, typeof y, typeof y];
    const result = await (await testEngine()).evaluate({ y, dx, dw, db }, { x: data });
    const terms = Array.from({ length: c }, (_, k) => {
      const values = channel(data, shape, k);
      const { mean, variance } = moments(values);
      const hat = values.map((v) => (v - mean) / Math.sqrt(variance + eps));
      const dy = channel(seed, shape, k);
      const product = dy.map((g, i) => g * hat[i]!);
      const factor = weight[k]! / Math.sqrt(variance + eps);
      return {
        y: hat.map((v) => v * weight[k]! + bias[k]!),
        dx: dy.map((g, i) => factor * (g - average(dy) - hat[i]! * average(product))),
        dw: product.reduce((p, q) => p + q, 0),
        db: dy.reduce((p, q) => p + q, 0),
      };
    });
    expect(
      compare(
        result.y,
        mapChannels(shape, (k) => terms[k]!.y),
      ).maxRel,
    ).toBeLessThan(tolerance.op);
    expect(
      compare(
        result.dx,
        mapChannels(shape, (k) => terms[k]!.dx),
      ).maxRel,
    ).toBeLessThan(tolerance.op);
    expect(
      compare(
        result.dw,
        terms.map((t) => t.dw),
      ).maxRel,
    ).toBeLessThan(tolerance.op);
    expect(
      compare(
        result.db,
        terms.map((t) => t.db),
      ).maxRel,
    ).toBeLessThan(tolerance.op);
  });

  it('by given statistics: value and gradients', async () => {
    const [mean, variance] = [spread(c, 6), spread(c, 7).map((v) => v + 1.5)];
    const given = { weight: w.tensor, bias: b.tensor, mean: constant(mean), variance: constant(variance) };
    const y = ops.batchNorm(x, given, eps);
    const [dx, dw, db] = grad(y, [x, w.tensor, b.tensor], cotangent) as [typeof y, typeof y, typeof y];
    const result = await (await testEngine()).evaluate({ y, dx, dw, db }, { x: data });
    const hat = (k: number) => channel(data, shape, k).map((v) => (v - mean[k]!) / Math.sqrt(variance[k]! + eps));
    const dy = (k: number) => channel(seed, shape, k);
    const all = Array.from({ length: c }, (_, k) => k);
    const total = (values: number[]) => values.reduce((p, q) => p + q, 0);
    expect(
      compare(
        result.y,
        mapChannels(shape, (k) => hat(k).map((v) => v * weight[k]! + bias[k]!)),
      ).maxRel,
    ).toBeLessThan(tolerance.op);
    expect(
      compare(
        result.dx,
        mapChannels(shape, (k) => dy(k).map((g) => (g * weight[k]!) / Math.sqrt(variance[k]! + eps))),
      ).maxRel,
    ).toBeLessThan(tolerance.op);
    expect(
      compare(
        result.dw,
        all.map((k) => total(hat(k).map((v, i) => v * dy(k)[i]!))),
      ).maxRel,
    ).toBeLessThan(tolerance.op);
    expect(
      compare(
        result.db,
        all.map((k) => total(dy(k))),
      ).maxRel,
    ).toBeLessThan(tolerance.op);
  });
});

describe('a frozen BatchNorm', () => {
  it('folds its tensors once, and again after one was written', async () => {
    const engine = await testEngine();
    const tensor = (name: string, value: number) => new Variable(name, [4], new Float32Array(4).fill(value));
    const [weight, bias, mean, variance] = [tensor('w', 2), tensor('b', 1), tensor('m', 0), tensor('v', 1)];
    const tensors = { weight: weight.tensor, bias: bias.tensor, mean: mean.tensor, variance: variance.tensor };
    const program = await engine.compile({ outputs: { y: ops.batchNorm(input('x', [1, 4]), tensors, 0) } });
    expect(program.stats.hoisted).toBe(1);
    expect(program.stats.dispatches.forward).toBe(1);
    expect([...(await program.run({ x: [1, 2, 3, 4] })).y]).toEqual([3, 5, 7, 9]);
    await engine.write(mean, Float32Array.of(1, 1, 1, 1));
    expect([...(await program.run({ x: [1, 2, 3, 4] })).y]).toEqual([1, 3, 5, 7]);
    program.dispose();
  });
});

describe('running statistics', () => {
  it('move by the momentum, the variance unbiased', async () => {
    const engine = await testEngine();
    const x = input('x', [5, 3]);
    const n = 5;
    const one = constant([1, 1, 1]);
    const [runningMean, runningVar] = [spread(3, 8), spread(3, 9)].map((d, i) => new Variable(`running${i}`, [3], d));
    const { mean, variance } = ops.batchNormTrain(x, one, one);
    const updates = [ops.emaUpdate(runningMean!, mean, 0.1), ops.emaUpdate(runningVar!, variance, 0.1, n / (n - 1))];
    const data = spread(15);
    const program = await engine.compile({ outputs: {}, updates });
    await program.run({ x: data });
    const batch = [0, 1, 2].map((c) => moments(channel(data, [5, 3], c)));
    const expectedMean = batch.map((m, c) => 0.9 * runningMean!.initial[c]! + 0.1 * m.mean);
    const expectedVar = batch.map((m, c) => 0.9 * runningVar!.initial[c]! + (0.1 * m.variance * n) / (n - 1));
    expect(compare(await engine.read(runningMean!), expectedMean).maxRel).toBeLessThan(tolerance.op);
    expect(compare(await engine.read(runningVar!), expectedVar).maxRel).toBeLessThan(tolerance.op);
    program.dispose();
  });
});

describe('what does not fit', () => {
  const four = constant(new Float32Array(4));
  it.each([
    ['a rank', () => ops.batchNormTrain(input('x', [2, 4, 3]), four, four)],
    ['a count of channels', () => ops.batchNormTrain(input('x', [2, 5]), four, four)],
    [
      'one tensor',
      () => ops.batchNorm(input('x', [2, 4]), { weight: four, bias: four, mean: constant([1, 2]), variance: four }),
    ],
  ])('is refused: %s', (_, build) => {
    expect(build).toThrow(expect.objectContaining({ code: 'shape' }));
  });
});
