/**
 * WebGPU dispatches at most 65,535 workgroups along one axis, so that kernels of more run on a grid of two. Here the limit
 * is 3: ops that treat rows apart must give the last rows, far beyond it, the bits that they give the same rows alone.
 * (test/ops/broadcasting.test.ts goes beyond the true limit.)
 */
import { describe, expect, it, vi } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import type { Engine } from '../../src/engine.ts';
import { constant, input, Variable } from '../../src/graph/leaves.ts';
import type { DType, Tensor } from '../../src/graph/tensor.ts';
import * as ops from '../../src/ops/index.ts';
import { adapters } from '../support/adapters.ts';
import { compare, tolerance } from '../tolerance.ts';

/** Enough for every op to need more workgroups than that, whatever one takes. */
const ROWS = 4099;
const TAIL = 9;

vi.mock('../../src/gpu/grid.ts', async (original) => {
  const spreadOut = (groups: number) => [Math.min(groups, 3), Math.ceil(groups / 3)];
  const grid = (items: number, size: number) => spreadOut(Math.max(1, Math.ceil(items / size)));
  return { ...(await original<object>()), grid, spreadOut };
});

interface Case {
  /** Of one row. */
  shape: readonly number[];
  build(x: Tensor): Tensor;
  dtype?: DType;
  /** Whether its gradient goes over as many. */
  gradient?: boolean;
}

const row = (shape: readonly number[], build: (x: Tensor) => Tensor, more: Partial<Case> = {}): Case => ({ shape, build, ...more }); // prettier-ignore
const sequence = (shape: number[]) => constant(Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => ((i * 5) % 7) - 3), shape); // prettier-ignore
const [kernel3, kernel1] = [sequence([2, 3, 3, 3]), sequence([4, 5, 1, 1])];
const channelwise = constant([1, 2, -1, 0.5, 3, 1, -2, 1], [2, 1, 2, 2]);

const cases: Record<string, Case> = {
  'four elements an invocation': row([4], ops.exp),
  transpose: row([2, 3], (x) => ops.transpose(x, [0, 2, 1]), { gradient: true }),
  slice: row([3], (x) => ops.slice(x, [0, 1], [x.shape[0]!, 2]), { gradient: true }),
  concat: row([1], (x) => ops.concat([x, ops.neg(x), x], 1), { gradient: true }),
  pad: row([1], (x) => ops.pad(x, [0, 1], [0, 0], 7)),
  tile: row([2], (x) => ops.tile(x, [1, 2]), { gradient: true }),
  gather: row([3], (x) => ops.gather(x, [2, 0], 1), { gradient: true }),
  softmax: row([2], ops.softmax, { gradient: true }),
  argmax: row([2], (x) => ops.argmax(x, 1)),
  sum: row([3], (x) => ops.sum(x, [1]), { gradient: true }),
  resize: row([1, 2, 2], (x) => ops.resize(x, [2, 3]), { gradient: true }),
  'max-pool': row([1, 3, 3], (x) => ops.maxPool2d(x, { kernel: 2, stride: 1 }), { gradient: true }),
  'average pool': row([1, 3, 3], (x) => ops.avgPool2d(x, { kernel: 2, stride: 1 }), { gradient: true }),
  shift: row([1, 2, 2], (x) => ops.shift2d(x, constant(Int32Array.of(1, 1), [2])), { gradient: true }),
  'depthwise convolution': row([2, 2, 2], (x) => ops.conv2d(x, channelwise, undefined, { groups: 2 }), { gradient: true }), // prettier-ignore
  'convolution, 3 x 3': row([3, 3, 3], (x) => ops.conv2d(x, kernel3, constant([1, 2]), { padding: [1, 1] }), { gradient: true }), // prettier-ignore
  'convolution, 1 x 1': row([5, 1, 1], (x) => ops.conv2d(x, kernel1), { gradient: true }),
  matmul: row([3], (x) => ops.matmul(x, constant([1, 2, 3, 4, 5, 6], [3, 2])), { gradient: true }),
  where: row([4], (x) => ops.where(ops.greater(x, constant([0])), x, ops.neg(x)), { gradient: true }),
  'frozen BatchNorm': row([1, 1, 1], (x) => ops.batchNorm(x, { weight: constant([2]), bias: constant([1]), mean: constant([0.5]), variance: constant([4]) }), { gradient: true }), // prettier-ignore
  'cross-entropy': row([2], (x) => ops.crossEntropy(x, constant(new Int32Array(x.shape[0]!), [x.shape[0]!]), { reduction: 'none' }), { gradient: true }), // prettier-ignore
  'one-hot': row([], (x) => ops.oneHot(x, 2), { dtype: 'i32' }),
};

const pattern = (count: number, dtype: DType) =>
  dtype === 'i32'
    ? Int32Array.from({ length: count }, (_, i) => (i * 7) % 2)
    : Float32Array.from({ length: count }, (_, i) => ((i * 37) % 251) / 50 - 2.5);

async function run(engine: Engine, { shape, build, dtype = 'f32', gradient }: Case, x: Float32Array | Int32Array) {
  const leaf = input('x', [x.length / shape.reduce((a, b) => a * b, 1), ...shape], dtype);
  const y = build(leaf);
  const outputs: Record<string, Tensor> = { y };
  if (gradient) outputs['dx'] = grad(ops.sum(ops.mul(y, y)), [leaf])[0]!;
  const program = await engine.compile({ outputs });
  const result = await program.run({ x });
  const most = Math.max(...program.plan.steps.map(({ workgroups }) => workgroups[1]));
  program.dispose();
  return { result, most };
}

describe.each(adapters)('more workgroups than one axis takes, on %s', (_, engine) => {
  it.each(Object.entries(cases))('%s', async (_name, one) => {
    const size = one.shape.reduce((a, b) => a * b, 1);
    const x = pattern(ROWS * size, one.dtype ?? 'f32');
    const whole = await run(engine, one, x);
    const tail = await run(engine, one, x.slice((ROWS - TAIL) * size));
    expect(whole.most).toBeGreaterThan(3);
    for (const [name, few] of Object.entries(tail.result)) {
      const all = whole.result[name]!;
      expect([...all.slice(all.length - few.length)], name).toEqual([...few]);
    }
  });

  it('optimiser', async () => {
    const weights = new Variable('w', [4 * ROWS], new Float32Array(4 * ROWS).fill(2));
    const settings = constant(ops.sgdSettings(1, { lr: 0.5 }), [1, ops.SETTINGS]);
    const updates = [ops.sgdUpdate(weights, ops.broadcastTo(constant([1]), [4 * ROWS]), settings, {})];
    const program = await engine.compile({ outputs: {}, updates });
    await program.run({});
    expect(program.plan.steps.at(-1)!.workgroups[1]).toBeGreaterThan(3);
    expect((await engine.read(weights)).every((v) => v === 1.5)).toBe(true);
    program.dispose();
    engine.release([weights]);
  });

  it('BatchNorm in training, and sums over all rows', async () => {
    const x = pattern(ROWS * 3, 'f32') as Float32Array;
    const leaf = input('x', [ROWS, 3]);
    const { y } = ops.batchNormTrain(leaf, constant([2, 2, 2]), constant([1, 1, 1]), 1e-5);
    const program = await engine.compile({ outputs: { y, total: ops.sum(leaf, [0]) } });
    const result = await program.run({ x });
    program.dispose();
    for (const c of [0, 1, 2]) {
      const column = x.filter((_v, i) => i % 3 === c);
      const mean = column.reduce((a, b) => a + b, 0) / ROWS;
      const variance = column.reduce((a, b) => a + (b - mean) ** 2, 0) / ROWS;
      const expected = [...column].map((v) => (2 * (v - mean)) / Math.sqrt(variance + 1e-5) + 1);
      const got = result.y.filter((_v, i) => i % 3 === c);
      expect(compare(got, expected).maxRel).toBeLessThan(tolerance.op);
      expect(result.total[c]! / ROWS).toBeCloseTo(mean, 5);
    }
  });

  it('weight gradients', async () => {
    const [rows, m, n] = [5, 300, 70];
    const [a, b] = [pattern(rows * m, 'f32'), pattern(rows * n, 'f32')];
    const weight = input('w', [m, n]);
    const [dw] = grad(ops.sum(ops.mul(ops.matmul(input('a', [rows, m]), weight), input('b', [rows, n]))), [weight]);
    const program = await engine.compile({ outputs: { dw: dw! } });
    const { dw: got } = await program.run({ a, b });
    program.dispose();
    const expected = Float64Array.from({ length: m * n }, (_v, i) => {
      let sum = 0;
      for (let r = 0; r < rows; r++) sum += a[r * m + Math.floor(i / n)]! * b[r * n + (i % n)]!;
      return sum;
    });
    expect(compare(got, expected).maxRel).toBeLessThan(tolerance.op);
  });
});
