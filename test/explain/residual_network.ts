/** A small residual network with all that a ResNet has: BatchNorm, overlapping max-pool, joins, a strided shortcut. */
import type { Engine } from '../../src/engine.ts';
import { constant } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import type { Model } from '../../src/model/model.ts';
import { batchNorm } from '../../src/ops/batch_norm.ts';
import { add } from '../../src/ops/binary.ts';
import { conv2d } from '../../src/ops/conv2d.ts';
import { matmul } from '../../src/ops/matmul.ts';
import { maxPool2d } from '../../src/ops/pool.ts';
import { mean } from '../../src/ops/reduce.ts';
import { relu } from '../../src/ops/unary.ts';
import { spread } from '../support/gradcheck.ts';
import { tinyModel } from './tiny_network.ts';

export const residualPicture: [number, number, number] = [3, 16, 16];
export const residualClasses = 3;
export const pictureLike = (seed: number): Float32Array => spread(3 * 16 * 16, seed).map((v) => 2 * v);

export interface ResidualOptions {
  /** Size of all biases and shifts; 0 for none. Default 0.2. */
  bias?: number;
  /** BatchNorms as ops of their own, or multiplied into the convolutions before them. Default 'kept'. */
  norm?: 'kept' | 'folded';
}

/** One channel's scale and shift of a BatchNorm. */
interface Norm {
  gamma: Float32Array;
  beta: Float32Array;
  mean: Float32Array;
  variance: Float32Array;
}

const EPS = 1e-5;

/** Seeded weights; logits [N, 3]. Values 'stem', 'pool', 'layer1' (join), 'layer2' (join with a shortcut of its own). */
export function residualModel(engine: Engine, { bias = 0.2, norm = 'kept' }: ResidualOptions = {}): Model {
  const unit = (x: Tensor, seed: number, outputs: number, kernel: number, stride = 1) => {
    const inputs = x.shape[1]!;
    const taps = inputs * kernel * kernel;
    const w = spread(outputs * taps, seed).map((v) => v * Math.sqrt(3 / taps));
    const own: Norm = {
      gamma: spread(outputs, seed + 1).map((v) => 1 + 0.3 * v),
      beta: spread(outputs, seed + 2).map((v) => bias * v),
      mean: spread(outputs, seed + 3).map((v) => bias * v),
      variance: spread(outputs, seed + 4).map((v) => 1 + 0.3 * v),
    };
    const pad = (kernel - 1) / 2;
    const options = { strides: [stride, stride] as [number, number], pads: [pad, pad, pad, pad] as [number, number, number, number] }; // prettier-ignore
    if (norm === 'kept') {
      const y = conv2d(x, constant(w, [outputs, inputs, kernel, kernel]), undefined, options);
      const t = (v: Float32Array) => constant(v, [outputs]);
      const tensors = { weight: t(own.gamma), bias: t(own.beta), mean: t(own.mean), variance: t(own.variance) };
      return batchNorm(y, tensors, EPS);
    }
    const scale = own.gamma.map((g, k) => g / Math.sqrt(own.variance[k]! + EPS));
    const weights = w.map((v, i) => v * scale[Math.floor(i / taps)]!);
    const shift = own.beta.map((v, k) => v - own.mean[k]! * scale[k]!);
    return conv2d(x, constant(weights, [outputs, inputs, kernel, kernel]), constant(shift, [outputs]), options);
  };
  return tinyModel(engine, {
    picture: residualPicture,
    build(x) {
      const stem = relu(unit(x, 11, 6, 3));
      const pool = maxPool2d(stem, { kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
      const layer1 = relu(add(unit(relu(unit(pool, 21, 6, 3)), 31, 6, 3), pool));
      const layer2 = relu(add(unit(relu(unit(layer1, 41, 8, 1, 2)), 51, 8, 3), unit(layer1, 61, 8, 1, 2)));
      const head = constant(spread(residualClasses * 8, 71), [residualClasses, 8]);
      const product = matmul(mean(layer2, [2, 3]), head, { transposeB: true });
      const logits = bias === 0 ? product : add(product, constant(spread(residualClasses, 72).map((v) => v * bias), [residualClasses])); // prettier-ignore
      return { stem, pool, layer1, layer2, logits };
    },
  });
}

/** An engine whose programs run every node by itself. */
export function unfused(engine: Engine): Engine {
  const compile: Engine['compile'] = (request, control) => engine.compile({ ...request, fuse: false }, control);
  return new Proxy(engine, {
    get(target, key) {
      if (key === 'compile') return compile;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
}
