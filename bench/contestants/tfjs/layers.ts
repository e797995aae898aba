/** Single ops of tfjs, channels last, as its kernels want them. */
import type * as Tf from '@tensorflow/tfjs-core';
import { reorder } from '../../../src/graph/layout.ts';
import type { ConvolutionTask, Task } from '../../core/case.ts';
import { convolutionShapes, noise, noiseOf, POOL, pooledSide, rectified, SMALL, targets } from '../../core/operands.ts';

export type Tfjs = typeof Tf;

export interface Work {
  /** Builds the results by name; called inside tidy. */
  compute(): Record<string, Tf.Tensor>;
  /** What a result is called in PyTorch's order. */
  orders: Readonly<Record<string, 'row' | 'nhwc' | 'hwio'>>;
  operands: readonly Tf.Tensor[];
}

/** [N,C,H,W] of the host as channels last. */
export function nhwc(tf: Tfjs, data: Float32Array, [n, c, h, w]: readonly number[]): Tf.Tensor4D {
  const shape = [n!, c!, h!, w!] as const;
  return tf.tensor4d(reorder(data, shape, 'row', 'nhwc'), [n!, h!, w!, c!]);
}

/** [O,I,H,W] of the host as tfjs has filters. */
export function hwio(tf: Tfjs, data: Float32Array, [o, i, h, w]: readonly number[]): Tf.Tensor4D {
  const shape = [o!, i!, h!, w!] as const;
  return tf.tensor4d(reorder(data, shape, 'row', 'hwio'), [h!, w!, i!, o!]);
}

/** A result as PyTorch orders it. */
export function toRow(data: Float32Array, { shape: own }: Tf.Tensor, order: 'row' | 'nhwc' | 'hwio'): Float32Array {
  if (order === 'row') return data;
  const [a, b, c, d] = own as [number, number, number, number];
  const shape = order === 'nhwc' ? [a, d, b, c] : [d, c, a, b];
  return reorder(data, shape, order, 'row');
}

/** tfjs pads as TensorFlow does: symmetric padding is given as a list. */
export const padding = (p: number) =>
  p === 0 ? ('valid' as const) : ([[0, 0], [p, p], [p, p], [0, 0]] as [[number, number], [number, number], [number, number], [number, number]]); // prettier-ignore

function convolution(tf: Tfjs, task: ConvolutionTask): Work {
  const { pad, x: xs, w: ws, y: ys } = convolutionShapes(task);
  const x = () => nhwc(tf, noiseOf(xs, 'x'), xs);
  const w = () => hwio(tf, noiseOf(ws, 'w'), ws);
  const dy = () => nhwc(tf, noiseOf(ys, 'dy'), ys);
  const kernel = (name: string, inputs: Record<string, Tf.Tensor>, attrs: object) =>
    tf.engine().runKernel(name, inputs, attrs as never) as Tf.Tensor;
  const attrs = { strides: [task.stride, task.stride], pad: padding(pad), dataFormat: 'NHWC' };
  if (task.pass === 'forward') {
    const operands = [x(), w()];
    const inputs = { x: operands[0]!, filter: operands[1]! };
    return { operands, orders: { y: 'nhwc' }, compute: () => ({ y: kernel('Conv2D', inputs, { ...attrs, dilations: [1, 1] }) }) }; // prettier-ignore
  }
  if (task.pass === 'input gradient') {
    const operands = [dy(), w()];
    const inputs = { dy: operands[0]!, filter: operands[1]! };
    const [n, c, h, width] = xs;
    return { operands, orders: { dx: 'nhwc' }, compute: () => ({ dx: kernel('Conv2DBackpropInput', inputs, { ...attrs, inputShape: [n, h, width, c] }) }) }; // prettier-ignore
  }
  const operands = [x(), dy()];
  const inputs = { x: operands[0]!, dy: operands[1]! };
  const filterShape = [task.kernel, task.kernel, task.channels, task.filters];
  return { operands, orders: { dw: 'hwio' }, compute: () => ({ dw: kernel('Conv2DBackpropFilter', inputs, { ...attrs, filterShape }) }) }; // prettier-ignore
}

/** Of sum(y dy). */
function gradients(
  tf: Tfjs,
  f: (...x: Tf.Tensor[]) => Tf.Tensor,
  wrt: Record<string, Tf.Tensor>,
  dy: Tf.Tensor,
): Record<string, Tf.Tensor> {
  const found = tf.grads(f)(Object.values(wrt), dy);
  return Object.fromEntries(Object.keys(wrt).map((name, i) => [name, found[i]!]));
}

/** Undefined where the task is no single op. */
export function layerWork(tf: Tfjs, task: Task): Work | undefined {
  switch (task.kind) {
    case 'convolution':
      return convolution(tf, task);
    case 'matmul': {
      const { size } = task;
      const [a, b] = ['a', 'b'].map((name) => tf.tensor2d(noise(size * size, name), [size, size]));
      return { operands: [a!, b!], orders: { y: 'row' }, compute: () => ({ y: tf.matMul(a!, b!) }) };
    }
    case 'batch-norm': {
      const { batch, channels, side } = task;
      const shape = [batch, channels, side, side];
      const x = nhwc(tf, noiseOf(shape, 'x'), shape);
      const [weight, bias] = ['weight', 'bias'].map((name) => tf.tensor1d(noise(channels, name)));
      const normalized = (x: Tf.Tensor, weight: Tf.Tensor, bias: Tf.Tensor) => {
        const { mean, variance } = tf.moments(x, [0, 1, 2]);
        return tf.batchNorm(x as Tf.Tensor4D, mean as Tf.Tensor1D, variance as Tf.Tensor1D, bias as Tf.Tensor1D, weight as Tf.Tensor1D, 1e-5); // prettier-ignore
      };
      if (task.pass === 'forward')
        return { operands: [x, weight!, bias!], orders: { y: 'nhwc' }, compute: () => ({ y: normalized(x, weight!, bias!) }) }; // prettier-ignore
      const dy = nhwc(tf, noiseOf(shape, 'dy'), shape);
      const f = (...[x, w, b]: Tf.Tensor[]) => normalized(x!, w!, b!);
      return {
        operands: [x, weight!, bias!, dy],
        orders: { x: 'nhwc', weight: 'row', bias: 'row' },
        compute: () => gradients(tf, f, { x, weight: weight!, bias: bias! }, dy),
      };
    }
    case 'max-pool': {
      const { batch, channels, side } = task;
      const shape = [batch, channels, side, side];
      const x = nhwc(tf, rectified(shape, 'x'), shape);
      const pool = (x: Tf.Tensor) => tf.maxPool(x as Tf.Tensor4D, POOL.kernel, POOL.stride, POOL.pad, 'floor');
      if (task.pass === 'forward') return { operands: [x], orders: { y: 'nhwc' }, compute: () => ({ y: pool(x) }) };
      const out = pooledSide(side);
      const dy = nhwc(tf, noiseOf([batch, channels, out, out], 'dy'), [batch, channels, out, out]);
      return { operands: [x, dy], orders: { x: 'nhwc' }, compute: () => gradients(tf, (x) => pool(x!), { x }, dy) };
    }
    case 'reduction': {
      const { batch, channels, side, axes } = task;
      const shape = [batch, channels, side, side];
      const x = nhwc(tf, noiseOf(shape, 'x'), shape);
      const inNhwc = axes.map((axis) => [0, 3, 1, 2][axis]!);
      return { operands: [x], orders: { y: 'row' }, compute: () => ({ y: tf.sum(x, inNhwc) }) };
    }
    case 'cross-entropy': {
      const { batch, classes } = task;
      const logits = tf.tensor2d(noise(batch * classes, 'logits'), [batch, classes]);
      const labels = tf.oneHot(tf.tensor1d(targets(batch, classes), 'int32'), classes) as Tf.Tensor2D;
      const loss = (x: Tf.Tensor) => tf.losses.softmaxCrossEntropy(labels, x as Tf.Tensor2D) as Tf.Tensor;
      const dlogits = () => tf.grad(loss)(logits);
      return { operands: [logits, labels], orders: { dlogits: 'row' }, compute: () => ({ dlogits: dlogits() }) };
    }
    case 'dispatches': {
      const [x, y] = ['x', 'y'].map((name) => tf.tensor1d(noise(SMALL, name)));
      const chain = () => {
        let sum: Tf.Tensor = x!;
        for (let i = 0; i < task.count; i++) sum = tf.add(sum, y!);
        return { sum };
      };
      return { operands: [x!, y!], orders: { sum: 'row' }, compute: chain };
    }
    default:
      return undefined;
  }
}
