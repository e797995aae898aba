/** The numbers that a task works on: the same for every contestant, from seeds. */
import { Random } from '../../src/random.ts';
import type { ConvolutionTask, NetworkSource } from './case.ts';

export function noise(size: number, seed: string): Float32Array<ArrayBuffer> {
  const random = new Random(seed);
  return Float32Array.from({ length: size }, () => random.normal());
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export const noiseOf = (shape: readonly number[], seed: string): Float32Array<ArrayBuffer> =>
  noise(sizeOf(shape), seed);

/** As behind a ReLU that is open: tfjs-wasm's gradient of a max-pool is wrong where all of a window is negative. */
export const rectified = (shape: readonly number[], seed: string): Float32Array<ArrayBuffer> =>
  noiseOf(shape, seed).map(Math.abs);

/** Shapes of a convolution's picture, weights and output, in PyTorch's order. */
export function convolutionShapes({ batch, channels, filters, kernel, stride, side }: ConvolutionTask) {
  const pad = (kernel - 1) / 2;
  const out = Math.floor((side + 2 * pad - kernel) / stride) + 1;
  return {
    pad,
    x: [batch, channels, side, side] as [number, number, number, number],
    w: [filters, channels, kernel, kernel] as [number, number, number, number],
    y: [batch, filters, out, out] as [number, number, number, number],
  };
}

/** Max-pooling of every case: 3 x 3, stride 2, one pixel of padding, as ResNet has it. */
export const POOL = { kernel: 3, stride: 2, pad: 1 } as const;
export const pooledSide = (side: number): number => Math.floor((side + 2 * POOL.pad - POOL.kernel) / POOL.stride) + 1;

/**
 * Noise as strong as photographs are for this network. Weaker noise is nearly one grey: windows of the max-pool would hold
 * values a rounding apart, and the gradients of two right engines would part there.
 */
export const pictures = (batch: number, { side, spread }: Pick<NetworkSource, 'side' | 'spread'>) =>
  noise(batch * 3 * side * side, 'pictures').map((v) => spread * v);

/** Classes of a batch's pictures. */
export const targets = (batch: number, classes: number): Int32Array<ArrayBuffer> =>
  Int32Array.from({ length: batch }, (_, i) => (7 * i + 3) % classes);

/** Values of a tensor that costs nothing but its dispatch. tfjs would add fewer than a thousand without the device. */
export const SMALL = 1024;

/** SGD of every training step. */
export const SGD = { lr: 0.01, momentum: 0.9 } as const;

/** Nodes of the path that integrated gradients of every contestant take. */
export const PATH_NODES = 16;
