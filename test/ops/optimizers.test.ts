/** Optimiser steps against PyTorch's formulas in float64, their state, and the order of effects. */
import { describe, expect, it } from 'vitest';
import { constant, input, Variable } from '../../src/graph/leaves.ts';
import type { Layout } from '../../src/graph/tensor.ts';
import * as ops from '../../src/ops/index.ts';
import { adam, adamw, rmsprop, SETTINGS, sgd, type Optimizer } from '../../src/train/optimizers.ts';
import { testEngine } from '../support/engine.ts';
import { spread } from '../support/gradcheck.ts';
import { compare, tolerance } from '../tolerance.ts';

/** One parameter's step: (value, gradient, step number, lr) to the next value. */
type Rule = (p: number, g: number, t: number, lr: number) => number;

const sgdRule =
  (momentum: number, nesterov: boolean, decay: number, dampening = 0) =>
  (): Rule => {
    let v: number | undefined;
    return (p, g, _, lr) => {
      const d = g + decay * p;
      v = v === undefined ? d : momentum * v + (1 - dampening) * d;
      return p - lr * (nesterov ? d + momentum * v : v);
    };
  };

const adamRule = (b1: number, b2: number, eps: number, decay: number, decoupled: boolean) => (): Rule => {
  let [m, v] = [0, 0];
  return (p, g, t, lr) => {
    const d = decoupled ? g : g + decay * p;
    const shrunk = decoupled ? p * (1 - lr * decay) : p;
    m = b1 * m + (1 - b1) * d;
    v = b2 * v + (1 - b2) * d * d;
    return shrunk - ((lr / (1 - b1 ** t)) * m) / (Math.sqrt(v / (1 - b2 ** t)) + eps);
  };
};

const rmspropRule =
  (alpha: number, eps: number, momentum: number, centered: boolean, decay: number, inRoot = false) =>
  (): Rule => {
    let [squares, mean, v] = [0, 0, 0];
    return (p, g, _, lr) => {
      const d = g + decay * p;
      squares = alpha * squares + (1 - alpha) * d * d;
      mean = alpha * mean + (1 - alpha) * d;
      const variance = squares - (centered ? mean * mean : 0);
      v = momentum * v + d / (inRoot ? Math.sqrt(variance + eps) : Math.sqrt(variance) + eps);
      return p - lr * v;
    };
  };

const cases: [string, Optimizer, () => Rule][] = [
  ['plain SGD', sgd({ lr: 0.1 }), sgdRule(0, false, 0)],
  ['SGD, momentum, weight decay', sgd({ lr: 0.05, momentum: 0.9, weightDecay: 0.01 }), sgdRule(0.9, false, 0.01)],
  ['SGD, Nesterov', sgd({ lr: 0.05, momentum: 0.8, nesterov: true, weightDecay: 0.02 }), sgdRule(0.8, true, 0.02)],
  ['Adam', adam({ lr: 0.01 }), adamRule(0.9, 0.999, 1e-8, 0, false)],
  [
    'Adam, coupled decay',
    adam({ lr: 0.01, betas: [0.8, 0.99], eps: 1e-3, weightDecay: 0.1 }),
    adamRule(0.8, 0.99, 1e-3, 0.1, false),
  ],
  [
    'SGD, dampening',
    sgd({ lr: 0.05, momentum: 0.9, dampening: 0.3, weightDecay: 0.02 }),
    sgdRule(0.9, false, 0.02, 0.3),
  ],
  ['RMSProp', rmsprop({ lr: 0.01 }), rmspropRule(0.99, 1e-8, 0, false, 0)],
  ['RMSProp of Keras', rmsprop({ lr: 0.01, eps: 0.1, epsInRoot: true }), rmspropRule(0.99, 0.1, 0, false, 0, true)],
  [
    'RMSProp, centered, momentum, decay',
    rmsprop({ lr: 0.01, alpha: 0.9, eps: 1e-3, momentum: 0.8, centered: true, weightDecay: 0.1 }),
    rmspropRule(0.9, 1e-3, 0.8, true, 0.1),
  ],
  ['AdamW', adamw({ lr: 0.01 }), adamRule(0.9, 0.999, 1e-8, 0.01, true)],
];

const parameters: [string, number[], Layout][] = [
  ['of 7 values', [7], 'row'],
  ['a convolution weight', [3, 2, 1, 3], 'hwio'],
];

describe.each(cases)('%s', (_, optimizer, makeRule) => {
  it.each(parameters)('makes the steps of PyTorch on %s', async (_name, shape, layout) => {
    const engine = await testEngine();
    const size = shape.reduce((a, b) => a * b, 1);
    const start = spread(size, 3);
    const p = new Variable('p', shape, start, layout);
    const untouched = new Variable('untouched', shape, start, layout);
    const g = input('g', shape);
    const slot = optimizer.slot(p);
    const settings = input('settings', [2, SETTINGS]);
    const loss = ops.sum(ops.mul(g, untouched.tensor));
    const program = await engine.compile({ outputs: { loss }, updates: [slot.update(g, settings, 1)] });
    const rules = Array.from({ length: size }, makeRule);
    let expected = Array.from(start, Number);
    for (let t = 1; t <= 6; t++) {
      const gradient = spread(size, 10 + t);
      const lr = optimizer.lr / t;
      const row = optimizer.settings(t, lr);
      await program.run({ g: gradient, settings: [...row.map(() => 7), ...row] });
      expected = expected.map((v, i) => rules[i]!(v, gradient[i]!, t, lr));
      expect(compare(await engine.read(p), expected).maxRel).toBeLessThan(tolerance.op);
    }
    expect(await engine.read(untouched)).toEqual(start);
    program.dispose();
    engine.release([p, untouched, ...slot.state]);
  });
});

describe('the state of an optimiser', () => {
  const weight = new Variable('layer.weight', [2, 3, 1, 1], new Float32Array(6), 'hwio');
  it.each<[string, Optimizer, string[]]>([
    ['plain SGD', sgd({ lr: 1 }), []],
    ['SGD with momentum', sgd({ lr: 1, momentum: 0.9 }), ['layer.weight.momentum']],
    ['RMSProp', rmsprop({ lr: 1 }), ['layer.weight.square_avg']],
    [
      'RMSProp with all',
      rmsprop({ lr: 1, momentum: 0.9, centered: true }),
      ['layer.weight.square_avg', 'layer.weight.grad_avg', 'layer.weight.momentum'],
    ],
    ['Adam', adam({ lr: 1 }), ['layer.weight.exp_avg', 'layer.weight.exp_avg_sq']],
  ])('is named after the parameter, zero, and stored like it: %s', (_, optimizer, names) => {
    const { state } = optimizer.slot(weight);
    expect(state.map((v) => v.name)).toEqual(names);
    for (const v of state) {
      expect([v.shape, v.layout]).toEqual([weight.shape, 'hwio']);
      expect(v.initial.every((x) => x === 0)).toBe(true);
    }
  });

  it('goes on from values that were written back', async () => {
    const engine = await testEngine();
    const optimizer = sgd({ lr: 0.1, momentum: 0.5 });
    const p = new Variable('p', [2], Float32Array.of(1, 2));
    const slot = optimizer.slot(p);
    const [g, settings] = [input('g', [2]), input('settings', [SETTINGS])];
    const program = await engine.compile({ outputs: {}, updates: [slot.update(g, settings)] });
    await engine.write(slot.state[0]!, Float32Array.of(2, 4));
    await program.run({ g: [1, 1], settings: optimizer.settings(2, 0.1) });
    expect(compare(await engine.read(slot.state[0]!), [2, 3]).maxAbs).toBeLessThan(tolerance.op);
    expect(compare(await engine.read(p), [0.8, 1.7]).maxAbs).toBeLessThan(tolerance.op);
    program.dispose();
  });
});

describe('effects', () => {
  const pair = () =>
    [new Variable('a', [2], Float32Array.of(1, 2)), new Variable('b', [2], Float32Array.of(3, 4))] as const;

  it('see the values before all updates: two variables swap', async () => {
    const engine = await testEngine();
    const [a, b] = pair();
    const updates = [ops.assign(a, b.tensor), ops.assign(b, ops.reshape(ops.reshape(a.tensor, [2, 1]), [2]))];
    const program = await engine.compile({ outputs: {}, updates });
    await program.run();
    expect([...(await engine.read(a)), ...(await engine.read(b))]).toEqual([3, 4, 1, 2]);
    program.dispose();
  });

  it.each(['before', 'after'])('average a weight as it was, also when listed %s its step', async (order) => {
    const engine = await testEngine();
    const [p, average] = pair();
    const step = ops.assign(p, ops.affine(p.tensor, 10));
    const follow = ops.emaUpdate(average, p.tensor, 0.5);
    const updates = order === 'before' ? [follow, step] : [step, follow];
    const program = await engine.compile({ outputs: {}, updates });
    await program.run();
    expect([...(await engine.read(average)), ...(await engine.read(p))]).toEqual([2, 3, 10, 20]);
    program.dispose();
  });

  it('leave the outputs of their run alone, however these are written', async () => {
    const engine = await testEngine();
    const [p] = pair();
    const outputs = { p: p.tensor, view: ops.reshape(p.tensor, [2, 1]), value: ops.neg(p.tensor) };
    const program = await engine.compile({ outputs, updates: [ops.assign(p, ops.affine(p.tensor, 10))] });
    const { p: whole, view, value } = await program.run();
    expect([[...whole], [...view], [...value]]).toEqual([
      [1, 2],
      [1, 2],
      [-1, -2],
    ]);
    expect([...(await program.run()).p]).toEqual([10, 20]);
    program.dispose();
  });

  it.each(['before', 'after'])(
    'read a learning rate as it was, also when its own change is listed %s',
    async (order) => {
      const engine = await testEngine();
      const [p] = pair();
      const lr = new Variable('lr', [SETTINGS], Float32Array.from(ops.sgdSettings(1, { lr: 0.5 })));
      const step = ops.sgdUpdate(p, constant([1, 2]), lr.tensor, {});
      const decay = ops.assign(lr, ops.affine(lr.tensor, 0.5));
      const updates = order === 'before' ? [decay, step] : [step, decay];
      const program = await engine.compile({ outputs: { lr: lr.tensor }, updates, updateIf: lr.tensor });
      expect((await program.run()).lr[0]).toBe(0.5);
      expect([...(await engine.read(p)), (await engine.read(lr))[0]]).toEqual([0.5, 1, 0.25]);
      await program.run();
      expect([...(await engine.read(p)), (await engine.read(lr))[0]]).toEqual([0.25, 0.5, 0.125]);
      program.dispose();
    },
  );

  it('change one variable in the order of the list', async () => {
    const engine = await testEngine();
    const [p] = pair();
    const updates = [ops.emaUpdate(p, constant([3, 4]), 0.5), ops.emaUpdate(p, constant([4, 5]), 0.5)];
    const program = await engine.compile({ outputs: {}, updates });
    await program.run();
    expect([...(await engine.read(p))]).toEqual([3, 4]);
    program.dispose();
  });

  it('blend by weights that are given at each run', async () => {
    const engine = await testEngine();
    const [p] = pair();
    const update = ops.blend(p, constant([10, 20]), input('weights', [2]));
    const program = await engine.compile({ outputs: {}, updates: [update] });
    await program.run({ weights: [0.5, 2] });
    expect([...(await engine.read(p))]).toEqual([20.5, 41]);
    await program.run({ weights: [0, 0.5] });
    expect([...(await engine.read(p))]).toEqual([5, 10]);
    program.dispose();
    expect(() => ops.blend(p, constant([1, 2]), input('weights', [3]))).toThrow(/two numbers/);
  });

  it('bound a variable as earlier effects leave it, in its own layout', async () => {
    const engine = await testEngine();
    const w = new Variable('w', [2, 3, 1, 1], spread(6, 1), 'hwio');
    const [low, high] = [input('low', w.shape), input('high', w.shape)];
    const program = await engine.compile({
      outputs: {},
      updates: [ops.assign(w, ops.affine(w.tensor, 10)), ops.boundUpdate(w, low, high)],
    });
    const bounds = { low: Float32Array.of(-1, -2, -3, 0, -5, -6), high: Float32Array.of(1, 2, 3, 0.5, 5, 6) };
    await program.run(bounds);
    const expected = w.initial.map((v, i) => Math.min(Math.max(10 * v, bounds.low[i]!), bounds.high[i]!));
    expect(compare(await engine.read(w), expected).maxAbs).toBeLessThan(tolerance.op);
    expect(expected.some((v, i) => v !== Math.fround(10 * w.initial[i]!))).toBe(true);
    program.dispose();
  });

  it('count as updates', async () => {
    const [a] = pair();
    const engine = await testEngine();
    const program = await engine.compile({ outputs: {}, updates: [ops.assign(a, input('x', [2]))] });
    expect(program.stats.dispatches).toEqual({ forward: 0, 'input-gradient': 0, 'weight-gradient': 0, update: 1 });
    program.dispose();
  });

  it('refuse a value of another shape', () => {
    const [a] = pair();
    expect(() => ops.assign(a, input('x', [3]))).toThrow(expect.objectContaining({ code: 'shape' }));
  });
});
