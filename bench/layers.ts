/** Six convolutions of ResNet-50, three passes each, beside tfjs-webgpu: outputs compared, medians, their ratio. */
import type * as Tf from '@tensorflow/tfjs-core';
import type { Engine } from '../src/engine.ts';
import { input, Variable } from '../src/graph/leaves.ts';
import type { Tensor } from '../src/graph/tensor.ts';
import { add } from '../src/ops/binary.ts';
import { conv2d } from '../src/ops/conv2d.ts';
import { conv2dInputGrad, conv2dWeightGrad } from '../src/ops/conv2d_grad.ts';
import { sum } from '../src/ops/reduce.ts';
import { affine, square } from '../src/ops/unary.ts';
import { reorder } from '../src/graph/layout.ts';
import { Random } from '../src/random.ts';
import { median } from '../src/median.ts';
import { interleaved } from './measure.ts';

interface Layer {
  ci: number;
  co: number;
  k: number;
  stride: number;
  side: number;
}

const layers: readonly Layer[] = [
  { ci: 3, co: 64, k: 7, stride: 2, side: 224 },
  { ci: 64, co: 256, k: 1, stride: 1, side: 56 },
  { ci: 64, co: 64, k: 3, stride: 1, side: 56 },
  { ci: 128, co: 128, k: 3, stride: 1, side: 28 },
  { ci: 256, co: 512, k: 1, stride: 2, side: 56 },
  { ci: 512, co: 512, k: 3, stride: 1, side: 7 },
];

const passes = ['forward', 'input gradient', 'weight gradient'] as const;

export interface LayerRow {
  layer: string;
  pass: string;
  /** Medians in milliseconds. */
  ours: number;
  tfjs: number;
  /** tfjs / ours */
  ratio: number;
  /** Largest difference of the outputs over the largest magnitude. */
  error: number;
  samples: Record<string, number[]>;
}

const filled = (n: number, seed: string) => {
  const random = new Random(seed);
  return Float32Array.from({ length: n }, () => random.normal());
};

/** tfjs pads as TensorFlow does: explicit symmetric padding is given as a list. */
const padding = (p: number): [[number, number], [number, number], [number, number], [number, number]] => [
  [0, 0],
  [p, p],
  [p, p],
  [0, 0],
];

export async function benchLayers(engine: Engine, tf: typeof Tf, rounds: number): Promise<LayerRow[]> {
  const rows: LayerRow[] = [];
  for (const { ci, co, k, stride, side } of layers) {
    const p = (k - 1) / 2;
    const out = Math.floor((side + 2 * p - k) / stride) + 1;
    const conv = { strides: [stride, stride], pads: [p, p, p, p], dilations: [1, 1], groups: 1 } as const;
    const shapes = { x: [1, ci, side, side], w: [co, ci, k, k], dy: [1, co, out, out] };
    const host = Object.fromEntries(
      Object.entries(shapes).map(([name, s]) => [
        name,
        filled(
          s.reduce((a, b) => a * b),
          name,
        ),
      ]),
    );
    // Operands live on the device in both libraries; ours are changed by each run, so that nothing is hoisted.
    const own = (name: keyof typeof shapes, layout: 'nhwc' | 'hwio') =>
      new Variable(name, shapes[name], host[name]!, layout);
    const [x, w, dy] = [own('x', 'nhwc'), own('w', 'hwio'), own('dy', 'nhwc')];
    const tick = input('tick', []);
    const touched = (v: Variable): Tensor => touch(v.tensor, tick);
    const ours = {
      forward: () => conv2d(touched(x), w.tensor, undefined, conv),
      'input gradient': () => conv2dInputGrad(touched(dy), w.tensor, shapes.x, conv),
      'weight gradient': () => conv2dWeightGrad(touched(x), dy.tensor, shapes.w, conv),
    };
    const nhwc = (name: 'x' | 'dy') => {
      const [n, c, h, width] = shapes[name] as [number, number, number, number];
      return tf.tensor4d(reorder(host[name]!, shapes[name], 'row', 'nhwc'), [n, h, width, c]);
    };
    const tx = nhwc('x');
    const tdy = nhwc('dy');
    const tw = tf.tensor4d(reorder(host['w']!, shapes.w, 'row', 'hwio'), [k, k, ci, co]);
    const pad = p === 0 ? ('valid' as const) : padding(p);
    const run = (name: string, inputs: Record<string, Tf.Tensor>, attrs: object) =>
      tf.engine().runKernel(name, inputs, attrs as never) as Tf.Tensor;
    const attrs = { strides: [stride, stride], pad, dataFormat: 'NHWC', dimRoundingMode: undefined };
    const theirs = {
      forward: () => run('Conv2D', { x: tx, filter: tw }, { ...attrs, dilations: [1, 1] }),
      'input gradient': () => run('Conv2DBackpropInput', { dy: tdy, filter: tw }, { ...attrs, inputShape: tx.shape }),
      'weight gradient': () => run('Conv2DBackpropFilter', { x: tx, dy: tdy }, { ...attrs, filterShape: tw.shape }),
    };
    for (const pass of passes) {
      const y = ours[pass]();
      const check = await engine.evaluate({ y }, { tick: [0] });
      const program = await engine.compile({ outputs: { total: sum(square(y)) } });
      const compared = theirs[pass]();
      const error = difference(check.y, new Float32Array(await compared.data()), y.shape, pass === 'weight gradient');
      compared.dispose();
      const samples = await interleaved(
        [
          { name: 'ours', run: () => program.run({ tick: [0] }) },
          {
            name: 'tfjs',
            run: async () => {
              const total = tf.tidy(() => tf.sum(tf.square(theirs[pass]())));
              await total.data();
              total.dispose();
            },
          },
        ],
        rounds,
      );
      program.dispose();
      const [a, b] = [median(samples['ours']!), median(samples['tfjs']!)];
      const layer = `${k}x${k} s${stride} ${ci}->${co} @${side}`;
      rows.push({ layer, pass, ours: a, tfjs: b, ratio: b / a, error, samples });
    }
    tf.dispose([tx, tw, tdy]);
    engine.release([x, w, dy]);
  }
  return rows;
}

/** The tensor plus 0 * tick: a value that depends on an input, and so is computed anew in every run. */
const touch = (t: Tensor, tick: Tensor): Tensor => add(t, affine(tick, 0));

function difference(a: Float32Array, b: Float32Array, shape: readonly number[], isWeight: boolean): number {
  const ordered = reorder(a, shape, 'row', isWeight ? 'hwio' : 'nhwc');
  const top = b.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  return ordered.reduce((m, v, i) => Math.max(m, Math.abs(v - b[i]!)), 0) / top;
}
