/**
 * A ResNet's ONNX graph in tfjs: the same layers, with BatchNorm folded into the convolutions where both are frozen, as
 * tfjs's own converter does; a BatchNorm that is trained takes the statistics of the batch and updates the running ones.
 */
import type * as Tf from '@tensorflow/tfjs-core';
import type { OnnxGraph, OnnxNode } from '../../../src/onnx/types.ts';
import { hwio, padding, type Tfjs } from './layers.ts';

const EPSILON = 1e-5;
const MOMENTUM = 0.1;

interface Scope {
  tf: Tfjs;
  values: Map<string, Tf.Tensor>;
}

const ints = (node: OnnxNode, name: string): readonly number[] | undefined => {
  const attribute = node.attributes.get(name);
  return attribute?.type === 'ints' ? attribute.value : undefined;
};

/** The symmetric padding of a window. @throws Error where it is not. */
function padOf(node: OnnxNode): number {
  const pads = ints(node, 'pads') ?? [0];
  if (pads.some((p) => p !== pads[0])) throw new Error(`${node.name}: pads ${pads.join()} are not symmetric`);
  return pads[0]!;
}

/** Pixels by which the last window of a pool in ceil mode leaves its square picture. */
export function overhang(node: OnnxNode, side: number): number {
  const mode = node.attributes.get('ceil_mode');
  if (mode?.type !== 'int' || mode.value !== 1) return 0;
  const [kernel, stride] = [ints(node, 'kernel_shape')![0]!, ints(node, 'strides')![0]!];
  const free = side + 2 * padOf(node) - kernel;
  return Math.ceil(free / stride) * stride - free;
}

export interface TfjsUse {
  /** Layers that are trained; undefined: none, empty: all. */
  unfrozen?: readonly string[];
  /**
   * Default true. A fused convolution's gradient computes that of the filter always, even where only that of the picture
   * is asked for; a plain one's does not.
   */
  fuses?: boolean;
}

export class TfjsNetwork {
  /** Parameters by their names in the file, those that are trained as tfjs variables. */
  private readonly parameters = new Map<string, Tf.Tensor>();
  /** What stands for a frozen pair of convolution and BatchNorm: weights and bias, by the BatchNorm's name. */
  private readonly folded = new Map<string, [weight: Tf.Tensor4D, bias: Tf.Tensor1D]>();
  private readonly consumers = new Map<string, OnnxNode[]>();

  /** Whether bias and ReLU are part of the convolution. */
  readonly fuses: boolean;

  constructor(
    private readonly tf: Tfjs,
    private readonly graph: OnnxGraph,
    { unfrozen, fuses = true }: TfjsUse = {},
  ) {
    this.fuses = fuses;
    const isTrained = (name: string) =>
      unfrozen !== undefined && (unfrozen.length === 0 || unfrozen.some((layer) => name.startsWith(`${layer}.`)));
    for (const node of graph.nodes)
      for (const name of node.inputs) this.consumers.set(name, [...(this.consumers.get(name) ?? []), node]);
    for (const node of graph.nodes) {
      const names = node.inputs.slice(1).filter((n) => graph.initializers.has(n));
      const isFrozen = !names.some(isTrained);
      const norm = this.normBehind(node);
      if (norm && isFrozen && !norm.inputs.slice(1).some(isTrained)) {
        this.fold(node, norm);
      } else if (!this.folded.has(node.name)) {
        for (const name of names) this.add(node, name, isTrained(name));
      }
    }
  }

  /** The BatchNorm that alone follows a convolution. */
  private normBehind(node: OnnxNode): OnnxNode | undefined {
    const [next, other] = this.consumers.get(node.outputs[0]!) ?? [];
    const follows = node.opType === 'Conv' && !other && next?.opType === 'BatchNormalization';
    return follows ? next : undefined;
  }

  private data(name: string): Float32Array {
    return this.graph.initializers.get(name)!.data as Float32Array;
  }

  private fold(conv: OnnxNode, norm: OnnxNode): void {
    const [, gamma, beta, mean, variance] = norm.inputs.map((n, i) => (i ? this.data(n) : new Float32Array()));
    const w = this.graph.initializers.get(conv.inputs[1]!)!;
    const scale = gamma!.map((g, i) => g / Math.sqrt(variance![i]! + EPSILON));
    const each = w.data.length / scale.length;
    const scaled = (w.data as Float32Array).map((v, i) => v * scale[Math.floor(i / each)]!);
    const bias = beta!.map((b, i) => b - mean![i]! * scale[i]!);
    this.folded.set(norm.name, [hwio(this.tf, scaled, w.dims), this.tf.tensor1d(bias)]);
  }

  private add(node: OnnxNode, name: string, trained: boolean): void {
    const { dims } = this.graph.initializers.get(name)!;
    const made = dims.length === 4 ? hwio(this.tf, this.data(name), dims) : this.tf.tensor(this.data(name), [...dims]);
    const isStatistic = node.opType === 'BatchNormalization' && node.inputs.indexOf(name) > 2;
    // Variables share the values of the tensor that they begin with.
    const keep = trained || isStatistic ? this.tf.variable(made, !isStatistic) : made;
    if (keep !== made) made.dispose();
    this.parameters.set(name, keep);
  }

  get trained(): Tf.Variable[] {
    const all = [...this.parameters.values()];
    return all.filter((p): p is Tf.Variable => p instanceof this.tf.Variable && p.trainable);
  }

  parameter(name: string): Tf.Tensor {
    return this.parameters.get(name)!;
  }

  /** @param x [N, H, W, 3] @returns logits [N, classes]; call inside tidy. */
  logits(x: Tf.Tensor): Tf.Tensor2D {
    const values = new Map<string, Tf.Tensor>([[this.graph.inputs[0]!.name, x]]);
    for (const node of this.graph.nodes) {
      const build = builders[node.opType];
      if (!build) throw new Error(`tfjs: no way to build ${node.opType}`);
      values.set(node.outputs[0]!, build.call(this, node, { tf: this.tf, values }));
    }
    return values.get(this.graph.outputs[0]!.name) as Tf.Tensor2D;
  }

  pairBehind(node: OnnxNode): [OnnxNode, [Tf.Tensor4D, Tf.Tensor1D]] | undefined {
    const norm = this.normBehind(node);
    const pair = norm && this.folded.get(norm.name);
    return pair && [norm, pair];
  }

  isFolded(norm: OnnxNode): boolean {
    return this.folded.has(norm.name);
  }

  /** Whether the value comes from a BatchNorm that is folded. */
  isFoldedNorm(value: string): boolean {
    const maker = this.graph.nodes.find((n) => n.outputs[0] === value);
    return maker !== undefined && this.isFolded(maker);
  }

  /** Whether a ReLU alone reads the value: then it is part of what makes it. */
  isRectified(value: string): boolean {
    const [next, other] = this.consumers.get(value) ?? [];
    return !other && next?.opType === 'Relu';
  }

  dispose(): void {
    for (const p of this.parameters.values()) p.dispose();
    for (const pair of this.folded.values()) for (const t of pair) t.dispose();
  }
}

type Builder = (this: TfjsNetwork, node: OnnxNode, scope: Scope) => Tf.Tensor;

const builders: Readonly<Record<string, Builder>> = {
  Conv(node, { tf, values }) {
    const x = values.get(node.inputs[0]!) as Tf.Tensor4D;
    const strides = (ints(node, 'strides') ?? [1, 1]) as [number, number];
    const pad = padding(padOf(node));
    const pair = this.pairBehind(node);
    if (!pair) return tf.conv2d(x, this.parameter(node.inputs[1]!) as Tf.Tensor4D, strides, pad);
    const [norm, [filter, bias]] = pair;
    if (!this.fuses) return tf.add(tf.conv2d(x, filter, strides, pad), bias);
    const activation = this.isRectified(norm.outputs[0]!) ? 'relu' : 'linear';
    return tf.fused.conv2d({ x, filter, strides, pad, bias, activation });
  },
  BatchNormalization(node, { tf, values }) {
    const x = values.get(node.inputs[0]!) as Tf.Tensor4D;
    if (this.isFolded(node)) return x;
    const [gamma, beta, mean, variance] = node.inputs.slice(1).map((n) => this.parameter(n)) as Tf.Tensor1D[];
    const trained = gamma instanceof tf.Variable && gamma.trainable;
    if (!trained) return tf.batchNorm(x, mean!, variance!, beta!, gamma!, EPSILON);
    const { mean: m, variance: v } = tf.moments(x, [0, 1, 2]);
    const count = x.size / x.shape[3];
    const blend = (running: Tf.Tensor, value: Tf.Tensor, scale: number) =>
      (running as Tf.Variable).assign(tf.add(tf.mul(running, 1 - MOMENTUM), tf.mul(value, MOMENTUM * scale)));
    blend(mean!, m, 1);
    blend(variance!, v, count / (count - 1));
    return tf.batchNorm(x, m as Tf.Tensor1D, v as Tf.Tensor1D, beta!, gamma, EPSILON);
  },
  Relu(node, { tf, values }) {
    const x = values.get(node.inputs[0]!)!;
    // A folded convolution has done it already.
    const isDone = this.fuses && this.isFoldedNorm(node.inputs[0]!) && this.isRectified(node.inputs[0]!);
    return isDone ? x : tf.relu(x);
  },
  MaxPool(node, { tf, values }) {
    const kernel = ints(node, 'kernel_shape') as [number, number];
    const strides = ints(node, 'strides') as [number, number];
    const x = values.get(node.inputs[0]!) as Tf.Tensor4D;
    const over = overhang(node, x.shape[1]);
    // Behind a ReLU zeros are as good as nothing.
    const framed = over > 0 ? (tf.pad(x, [[0, 0], [0, over], [0, over], [0, 0]]) as Tf.Tensor4D) : x; // prettier-ignore
    return tf.maxPool(framed, kernel, strides, padOf(node), 'floor');
  },
  Add: (node, { tf, values }) => tf.add(values.get(node.inputs[0]!)!, values.get(node.inputs[1]!)!),
  GlobalAveragePool: (node, { tf, values }) => tf.mean(values.get(node.inputs[0]!)!, [1, 2]),
  Flatten: (node, { values }) => values.get(node.inputs[0]!)!,
  Gemm(node, { tf, values }) {
    const [weight, bias] = node.inputs.slice(1).map((n) => this.parameter(n));
    const y = tf.matMul(values.get(node.inputs[0]!)!, weight!, false, true);
    return bias ? tf.add(y, bias) : y;
  },
};
