/** The 92 operator cases of the reference data: forward and backward against PyTorch in float64. */
import { readFileSync } from 'node:fs';
import { describe, it } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import { input, Variable } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { batchNorm, batchNormTrain } from '../../src/ops/batch_norm.ts';
import { add, div, maximum, mul, sub } from '../../src/ops/binary.ts';
import { conv2d } from '../../src/ops/conv2d.ts';
import { adamSettings, adamUpdate, emaUpdate, SETTINGS, sgdSettings, sgdUpdate } from '../../src/ops/effects.ts';
import { crossEntropy } from '../../src/ops/losses.ts';
import { matmul } from '../../src/ops/matmul.ts';
import { avgPool2d, globalAvgPool, maxPool2dWithIndices } from '../../src/ops/pool.ts';
import { max, mean, norm, sum, variance } from '../../src/ops/reduce.ts';
import { resize } from '../../src/ops/resize.ts';
import { logSoftmax, softmax } from '../../src/ops/softmax.ts';
import { affine, clamp, exp, log, relu, sigmoid, sqrt, tanh } from '../../src/ops/unary.ts';
import { decodeSafetensors } from '../../src/formats/safetensors.ts';
import { dataFolder } from '../support/data.ts';
import { testEngine } from '../support/engine.ts';
import { report } from '../support/report.ts';
import { tolerance } from '../tolerance.ts';

interface Ref {
  tensor: string;
  shape: number[];
  dtype: string;
}

interface Case {
  name: string;
  op: string;
  attrs: any;
  inputs: Record<string, Ref>;
  outputs: Record<string, Ref>;
  grads: Record<string, Ref>;
}

type Inputs = Record<string, Tensor>;

const pair = (v: number): [number, number] => [v, v];

const poolOptions = (a: any) => ({
  kernel: pair(a.kernel),
  strides: pair(a.stride),
  pads: [a.padding, a.padding, a.padding, a.padding] as const,
  dilations: pair(a.dilation ?? 1),
  ceilMode: a.ceil_mode,
  countIncludePad: a.count_include_pad ?? false,
});

const reductions: Record<string, (x: Tensor, axes: number[], keep: boolean, a: any) => Tensor> = {
  sum,
  mean,
  max,
  l2: norm,
  var: (x, axes, keep, a) => variance(x, axes, keep, a.correction ?? (a.unbiased ? 1 : 0)),
};

const unary: Record<string, (x: Tensor, a: any) => Tensor> = {
  relu,
  sigmoid,
  tanh,
  exp,
  sqrt,
  log,
  clamp: (x, a) => clamp(x, a.min, a.max),
};

/** Each case's outputs by name, from its inputs. */
const builders: Record<string, (i: Inputs, a: any) => Record<string, Tensor>> = {
  conv2d: (i, a) => ({
    y: conv2d(i.x!, i.w!, i.b, { strides: a.strides, pads: a.pads, dilations: a.dilations, groups: a.groups }),
  }),
  batch_norm: (i, a): Record<string, Tensor> => {
    if (!a.training) {
      return {
        y: batchNorm(
          i.x!,
          { weight: i.weight!, bias: i.bias!, mean: i.running_mean!, variance: i.running_var! },
          a.eps,
        ),
      };
    }
    const { y, mean: m, variance: v } = batchNormTrain(i.x!, i.weight!, i.bias!, a.eps);
    const n = i.x!.size / m.size;
    const moved = (old: Tensor, now: Tensor, scale: number) =>
      add(affine(old, 1 - a.momentum), affine(now, a.momentum * scale));
    return {
      y,
      batch_mean: m,
      batch_var_biased: v,
      new_running_mean: moved(i.running_mean!, m, 1),
      new_running_var: moved(i.running_var!, v, n / (n - 1)),
    };
  },
  max_pool2d: (i, a) => {
    const [y, indices] = maxPool2dWithIndices(i.x!, poolOptions(a));
    return { y, indices };
  },
  avg_pool2d: (i, a) => ({ y: avgPool2d(i.x!, poolOptions(a)) }),
  global_avg_pool: (i) => ({ y: globalAvgPool(i.x!) }),
  gemm: (i, a) => {
    const y = affine(matmul(i.a!, i.b!, { transposeA: a.transA, transposeB: a.transB }), a.alpha);
    return { y: i.c ? add(y, affine(i.c, a.beta)) : y };
  },
  matmul: (i) => ({ y: matmul(i.a!, i.b!) }),
  reduce: (i, a) => ({ y: reductions[a.kind]!(i.x!, a.axes, a.keepdims, a) }),
  softmax: (i, a) => ({ y: softmax(i.x!, a.axis) }),
  log_softmax: (i, a) => ({ y: logSoftmax(i.x!, a.axis) }),
  cross_entropy: (i, a) => ({
    loss: crossEntropy(i.x!, i.target!, {
      labelSmoothing: a.label_smoothing,
      reduction: a.reduction,
      ...(i.class_weight && { weight: i.class_weight }),
      ...(a.ignore_index !== null && a.ignore_index !== undefined && { ignoreIndex: a.ignore_index }),
    }),
  }),
  binary: (i, a) => ({ y: ({ add, sub, mul, div, max: maximum } as any)[a.kind](i.a!, i.b!) }),
  unary: (i, a) => ({ y: unary[a.kind]!(i.x!, a) }),
  resize: (i, a) => ({
    y: resize(i.x!, a.out, { mode: a.mode, alignCorners: a.align_corners ?? false, antialias: a.antialias ?? false }),
  }),
};

const folder = dataFolder;
describe.skipIf(!folder)('operator cases', () => {
  const row = report('operator cases against PyTorch (float64)');
  const file = folder
    ? decodeSafetensors(readFileSync(`${folder}/golden/ops.safetensors`), 'ops.safetensors')
    : undefined;
  const cases = folder
    ? (JSON.parse(readFileSync(`${folder}/golden/ops.json`, 'utf8')) as { cases: Case[] }).cases
    : [];
  const value = (ref: Ref) => file!.read(ref.tensor).data as Float32Array;

  it.each(cases.filter((c) => c.op !== 'optimizer').map((c) => [c.name, c] as const))('%s', async (name, c) => {
    const engine = await testEngine();
    const inputs = Object.fromEntries(
      Object.entries(c.inputs).map(([key, ref]) => [key, input(key, ref.shape, ref.dtype === 'f32' ? 'f32' : 'i32')]),
    );
    const outputs = builders[c.op]!(inputs, c.attrs);
    const first = Object.values(outputs)[0]!;
    const wrt = Object.keys(c.grads).map((key) => inputs[key.replace(/^d_/, '')]!);
    const seeded = inputs.cotangent ? sum(mul(first, inputs.cotangent)) : sum(first);
    const gradients = wrt.length ? grad(seeded, wrt) : [];
    const all = { ...outputs, ...Object.fromEntries(Object.keys(c.grads).map((key, k) => [key, gradients[k]!])) };
    const used = Object.fromEntries(Object.entries(c.inputs).map(([key, ref]) => [key, value(ref)]));
    const program = await engine.compile({ outputs: all });
    const feeds = Object.fromEntries(Object.entries(used).filter(([key]) => program.plan.inputs.has(key)));
    const results = await program.run(feeds);
    program.dispose();
    for (const [key, ref] of Object.entries({ ...c.outputs, ...c.grads })) {
      row(`${name}/${key}`, results[key]!, value(ref), { maxRel: key === 'indices' ? 0 : tolerance.op });
    }
  });

  it.each(cases.filter((c) => c.op === 'optimizer').map((c) => [c.name, c] as const))('%s', async (name, c) => {
    const engine = await testEngine();
    const a = c.attrs;
    const shape = c.inputs.p!.shape;
    const zero = () => new Float32Array(value(c.inputs.p!).length);
    const p = new Variable('p', shape, value(c.inputs.p!) as Float32Array);
    const [m, v] = [new Variable('m', shape, zero()), new Variable('v', shape, zero())];
    const g = input('g', shape);
    const betas = (a.betas ?? [0.9, 0.999]) as [number, number];
    const settings = input('settings', [SETTINGS]);
    const weightDecay = a.weight_decay ?? 0;
    const sgd = { lr: a.lr, momentum: a.momentum ?? 0, nesterov: a.nesterov ?? false, weightDecay };
    const adam = { lr: a.lr, betas, eps: a.eps ?? 1e-8, weightDecay, decoupled: a.kind === 'adamw' };
    const isSgd = a.kind === 'sgd';
    const update = isSgd
      ? sgdUpdate(p, g, settings, { velocity: m })
      : adamUpdate(p, g, settings, { first: m, second: v });
    const program = await engine.compile({ outputs: {}, updates: [update] });
    const grads = value(c.inputs.grads!);
    const actual: number[] = [];
    for (let t = 1; t <= a.steps; t++) {
      const size = p.initial.length;
      await program.run({
        g: grads.slice((t - 1) * size, t * size) as Float32Array,
        settings: isSgd ? sgdSettings(t, sgd) : adamSettings(t, adam),
      });
      actual.push(...(await engine.read(p)));
    }
    program.dispose();
    row(name, actual, value(c.outputs.p_after_each_step!), { maxRel: tolerance.op });
  });

  it('runs an effect of a running statistic', async () => {
    const engine = await testEngine();
    const running = new Variable('running', [5], Float32Array.of(1, 2, 3, 4, 5));
    const batch = input('batch', [5]);
    const program = await engine.compile({ outputs: {}, updates: [emaUpdate(running, batch, 0.1, 2)] });
    await program.run({ batch: [1, 1, 1, 1, 1] });
    row('ema', await engine.read(running), [1.1, 2, 2.9, 3.8, 4.7], { maxRel: tolerance.op });
    program.dispose();
  });
});
