/**
 * The algebra whose values are constants: float64, loops as plain as can be. It serves shape arithmetic, masks, and
 * weights that a file computes from others; everything that it reads and writes is taken from a budget first.
 */
import { WgradError } from '../../errors.ts';
import { broadcastShapes, sameShape, show } from '../../graph/shape.ts';
import type { ConvAttrs } from '../../gemm/geometry.ts';
import type { PoolOptions } from '../../ops/pool.ts';
import type { Algebra, BinaryKind, ReduceKind, SparseRow, UnaryKind } from './algebra.ts';
import { BINARY, UNARY } from './host_functions.ts';
import { broadcastStrides, sizeOf, stridesOf, walk, type HostTensor, type Spend } from './host_tensor.ts';
import { conv2d, convTranspose2d, pool2d } from './host_windows.ts';

const REDUCE: Readonly<
  Record<Exclude<ReduceKind, 'logSumExp'>, { start: number; step: (a: number, b: number) => number }>
> = {
  sum: { start: 0, step: (a, b) => a + b },
  mean: { start: 0, step: (a, b) => a + b },
  max: { start: -Infinity, step: Math.max },
  min: { start: Infinity, step: Math.min },
  prod: { start: 1, step: (a, b) => a * b },
};

export class HostAlgebra implements Algebra<HostTensor> {
  constructor(private readonly spend: Spend) {}

  /** An empty result, after its price and that of `read` elements is paid. */
  private make(shape: readonly number[], read = 0): { shape: readonly number[]; data: Float64Array } {
    const size = sizeOf(shape);
    this.spend(size + read + shape.length);
    return { shape, data: new Float64Array(size) };
  }

  constant(data: ArrayLike<number>, shape: readonly number[]): HostTensor {
    const typed = data instanceof Float32Array || data instanceof Float64Array;
    return { shape, data: typed ? data : Float64Array.from(data) };
  }

  iota(count: number): HostTensor {
    const out = this.make([count]);
    for (let i = 0; i < count; i++) out.data[i] = i;
    return out;
  }

  unary(kind: UnaryKind, x: HostTensor, a = 0, b = 0): HostTensor {
    const out = this.make(x.shape, x.data.length);
    const f = UNARY[kind];
    for (let i = 0; i < out.data.length; i++) out.data[i] = f(x.data[i]!, a, b);
    return out;
  }

  binary(kind: BinaryKind, a: HostTensor, b: HostTensor): HostTensor {
    const shape = broadcastShapes(a.shape, b.shape);
    const out = this.make(shape, a.data.length + b.data.length);
    const f = BINARY[kind];
    walk(shape, [broadcastStrides(a.shape, shape), broadcastStrides(b.shape, shape)], (o, i, j) => {
      out.data[o] = f(a.data[i]!, b.data[j]!);
    });
    return out;
  }

  where(condition: HostTensor, a: HostTensor, b: HostTensor): HostTensor {
    const shape = broadcastShapes(broadcastShapes(condition.shape, a.shape), b.shape);
    const out = this.make(shape, condition.data.length + a.data.length + b.data.length);
    const strides = [condition, a, b].map((t) => broadcastStrides(t.shape, shape));
    walk(shape, strides, (o, c, i, j) => {
      out.data[o] = condition.data[c] ? a.data[i]! : b.data[j]!;
    });
    return out;
  }

  prelu(x: HostTensor, slope: HostTensor): HostTensor {
    return this.where(this.binary('less', x, this.constant([0], [])), this.binary('mul', x, slope), x);
  }

  reduce(kind: ReduceKind, x: HostTensor, axes: readonly number[], keepdims: boolean): HostTensor {
    if (kind === 'logSumExp') return this.logSumExp(x, axes, keepdims);
    const gone = new Set(axes);
    const kept = x.shape.map((d, i) => (gone.has(i) ? 1 : d));
    const out = this.make(kept, x.data.length);
    const { start, step } = REDUCE[kind];
    out.data.fill(start);
    walk(x.shape, [broadcastStrides(kept, x.shape)], (i, o) => {
      out.data[o] = step(out.data[o]!, x.data[i]!);
    });
    if (kind === 'mean') for (let i = 0; i < out.data.length; i++) out.data[i]! /= x.data.length / out.data.length;
    return keepdims ? out : this.reshape(out, x.shape.filter((_, i) => !gone.has(i))); // prettier-ignore
  }

  /** The maximum is taken out of the sum; where it is infinite, so is the result. */
  private logSumExp(x: HostTensor, axes: readonly number[], keepdims: boolean): HostTensor {
    const top = this.unary('clamp', this.reduce('max', x, axes, true), -Number.MAX_VALUE, Number.MAX_VALUE);
    const sum = this.reduce('sum', this.unary('exp', this.binary('sub', x, top)), axes, true);
    const y = this.binary('add', top, this.unary('log', sum));
    return keepdims ? y : this.reshape(y, x.shape.filter((_, i) => !axes.includes(i))); // prettier-ignore
  }

  softmax(x: HostTensor, axis: number, log: boolean): HostTensor {
    const shifted = this.binary('sub', x, this.reduce('max', x, [axis], true));
    const powers = this.unary('exp', shifted);
    const total = this.reduce('sum', powers, [axis], true);
    return log ? this.binary('sub', shifted, this.unary('log', total)) : this.binary('div', powers, total);
  }

  matmul(a: HostTensor, b: HostTensor, transposeA = false, transposeB = false): HostTensor {
    if (a.shape.length === 0 || b.shape.length === 0) throw new WgradError('shape', 'matmul: a scalar is no matrix');
    const left = a.shape.length === 1 ? this.reshape(a, [1, a.shape[0]!]) : a;
    const right = b.shape.length === 1 ? this.reshape(b, [b.shape[0]!, 1]) : b;
    const [rows, k] = pick(left.shape, transposeA);
    const [kb, columns] = pick(right.shape, transposeB);
    if (k !== kb) throw new WgradError('shape', `matmul: ${show(a.shape)} and ${show(b.shape)} do not fit`);
    const batch = broadcastShapes(left.shape.slice(0, -2), right.shape.slice(0, -2));
    const [sa, sb] = [left, right].map((t) => broadcastStrides([...t.shape.slice(0, -2)], batch)) as [number[], number[]]; // prettier-ignore
    const out = this.make([...batch, rows, columns], sizeOf(batch) * rows * columns * k);
    const [am, ak] = transposeA ? [1, rows] : [k, 1];
    const [bk, bn] = transposeB ? [1, k] : [columns, 1];
    walk(batch, [sa, sb], (o, i, j) => {
      for (let m = 0; m < rows; m++)
        for (let n = 0; n < columns; n++) {
          let sum = 0;
          for (let q = 0; q < k; q++)
            sum += left.data[i * rows * k + m * am + q * ak]! * right.data[j * k * columns + q * bk + n * bn]!;
          out.data[(o * rows + m) * columns + n] = sum;
        }
    });
    const shape = [...batch, ...(a.shape.length === 1 ? [] : [rows]), ...(b.shape.length === 1 ? [] : [columns])];
    return this.reshape(out, shape);
  }

  reshape(x: HostTensor, shape: readonly number[]): HostTensor {
    if (sizeOf(shape) !== x.data.length)
      throw new WgradError('shape', `${show(x.shape)} does not become ${show(shape)}`);
    return { shape, data: x.data };
  }

  /** Elements from `offset` on, with a stride along each axis of the result. */
  private copy(x: HostTensor, shape: readonly number[], strides: readonly number[], offset = 0): HostTensor {
    const out = this.make(shape);
    walk(shape, [strides], (o, i) => (out.data[o] = x.data[i]!), offset);
    return out;
  }

  transpose(x: HostTensor, perm: readonly number[]): HostTensor {
    const strides = stridesOf(x.shape);
    return this.copy(x, perm.map((axis) => x.shape[axis]!), perm.map((axis) => strides[axis]!)); // prettier-ignore
  }

  broadcastTo(x: HostTensor, shape: readonly number[]): HostTensor {
    if (!sameShape(broadcastShapes(x.shape, shape), shape))
      throw new WgradError('shape', `${show(x.shape)} does not broadcast to ${show(shape)}`);
    return this.copy(x, shape, broadcastStrides(x.shape, shape));
  }

  slice(x: HostTensor, starts: readonly number[], sizes: readonly number[], steps: readonly number[]): HostTensor {
    const strides = stridesOf(x.shape);
    const offset = starts.reduce((n, start, i) => n + start * strides[i]!, 0);
    return this.copy(x, sizes, strides.map((s, i) => s * steps[i]!), offset); // prettier-ignore
  }

  concat(parts: readonly HostTensor[], axis: number): HostTensor {
    const first = parts[0]!;
    const alike = parts.every(
      ({ shape }) => shape.length === first.shape.length && shape.every((d, i) => i === axis || d === first.shape[i]),
    );
    if (!alike) throw new WgradError('shape', `${parts.map((p) => show(p.shape)).join(', ')} do not fit together`);
    const total = parts.reduce((n, part) => n + part.shape[axis]!, 0);
    const out = this.make(first.shape.map((d, i) => (i === axis ? total : d))); // prettier-ignore
    const outer = sizeOf(first.shape.slice(0, axis));
    const line = total * sizeOf(first.shape.slice(axis + 1));
    let at = 0;
    for (const part of parts) {
      const chunk = part.data.length / outer;
      for (let o = 0; o < outer; o++) out.data.set(part.data.subarray(o * chunk, (o + 1) * chunk), o * line + at);
      at += chunk;
    }
    return out;
  }

  pad(x: HostTensor, before: readonly number[], after: readonly number[], value: number): HostTensor {
    const shape = x.shape.map((d, i) => d + before[i]! + after[i]!);
    const out = this.make(shape, x.data.length);
    out.data.fill(value);
    const strides = stridesOf(shape);
    const offset = before.reduce((n, b, i) => n + b * strides[i]!, 0);
    walk(x.shape, [strides], (i, o) => (out.data[o] = x.data[i]!), offset);
    return out;
  }

  gather(x: HostTensor, indices: readonly number[], axis: number): HostTensor {
    const extent = x.shape[axis]!;
    const outer = sizeOf(x.shape.slice(0, axis));
    const inner = sizeOf(x.shape.slice(axis + 1));
    const out = this.make(x.shape.map((d, i) => (i === axis ? indices.length : d))); // prettier-ignore
    let to = 0;
    for (let o = 0; o < outer; o++)
      for (const index of indices) {
        const from = (o * extent + index) * inner;
        out.data.set(x.data.subarray(from, from + inner), to);
        to += inner;
      }
    return out;
  }

  alongAxis(x: HostTensor, axis: number, rows: readonly SparseRow[]): HostTensor {
    const extent = x.shape[axis]!;
    const outer = sizeOf(x.shape.slice(0, axis));
    const inner = sizeOf(x.shape.slice(axis + 1));
    const terms = rows.reduce((n, entries) => n + entries.size, 0);
    const out = this.make(x.shape.map((d, i) => (i === axis ? rows.length : d)), outer * inner * terms); // prettier-ignore
    for (let o = 0; o < outer; o++)
      rows.forEach((entries, j) => {
        const to = (o * rows.length + j) * inner;
        for (const [column, weight] of entries) {
          const from = (o * extent + column) * inner;
          for (let i = 0; i < inner; i++) out.data[to + i]! += weight * x.data[from + i]!;
        }
      });
    return out;
  }

  conv2d(x: HostTensor, w: HostTensor, bias: HostTensor | undefined, attrs: ConvAttrs): HostTensor {
    const y = conv2d(x, w, attrs, this.spend);
    return bias ? this.binary('add', y, this.reshape(bias, [bias.data.length, 1, 1])) : y;
  }

  convTranspose2d(dy: HostTensor, w: HostTensor, shape: readonly number[], attrs: ConvAttrs): HostTensor {
    return convTranspose2d(dy, w, shape, attrs, this.spend);
  }

  maxPool2d(x: HostTensor, options: PoolOptions): HostTensor {
    return pool2d('max', x, options, this.spend);
  }

  avgPool2d(x: HostTensor, options: PoolOptions): HostTensor {
    return pool2d('mean', x, options, this.spend);
  }

  batchNorm(x: HostTensor, t: Record<'weight' | 'bias' | 'mean' | 'variance', HostTensor>, eps: number): HostTensor {
    const along = (v: HostTensor) => this.reshape(v, [v.data.length, ...x.shape.slice(2).map(() => 1)]);
    const scale = this.binary('div', t.weight, this.unary('sqrt', this.unary('affine', t.variance, 1, eps)));
    const centred = this.binary('sub', x, along(t.mean));
    return this.binary('add', this.binary('mul', centred, along(scale)), along(t.bias));
  }

  batchNormTrain(x: HostTensor, weight: HostTensor, bias: HostTensor, eps: number) {
    const axes = [...x.shape.keys()].filter((axis) => axis !== 1);
    const mean = this.reduce('mean', x, axes, true);
    const centred = this.binary('sub', x, mean);
    const squares = this.reduce('mean', this.binary('mul', centred, centred), axes, false);
    const flat = this.reshape(mean, squares.shape);
    return {
      y: this.batchNorm(x, { weight, bias, mean: flat, variance: squares }, eps),
      mean: flat,
      variance: squares,
    };
  }
}

const pick = (shape: readonly number[], transpose: boolean): [number, number] => {
  const [a, b] = shape.slice(-2) as [number, number];
  return transpose ? [b, a] : [a, b];
};
