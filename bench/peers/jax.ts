/** jax-js on WebGPU: single ops, inference and saliency, as jitted functions on NCHW arrays. */
import {
  grad,
  init,
  defaultDevice,
  getWebGPUDevice,
  jit,
  lax,
  nn,
  numpy as np,
  type Array as Value,
} from '@jax-js/jax';
import { decodeOnnx } from '../../src/onnx/decode.ts';
import type { OnnxGraph, OnnxNode } from '../../src/onnx/types.ts';
import { overhang } from '../contestants/tfjs/network.ts';
import type { Contestant, Entry, NetworkSource, Task } from '../core/case.ts';
import { convolutionShapes, noise, noiseOf, pictures } from '../core/operands.ts';
import type { OpenPeer } from '../page/page.ts';

/** Its functions take ownership of what they are given: `.ref` keeps a value for another use. */
type F = (...inputs: Value[]) => Value;

const array = (data: Float32Array, shape: readonly number[]): Value => np.array(data).reshape([...shape]);

const pads = (p: number): [number, number][] => [
  [p, p],
  [p, p],
];

/** @param f takes the operands. */
function entryOf(f: F, operands: readonly Value[], name: string): Entry {
  const compiled = jit(f);
  let last: ArrayLike<number> = [];
  return {
    // Its results are read back whole: a slice of them would be all that is computed.
    async run() {
      last = await compiled(...operands.map((o) => o.ref)).data();
    },
    outputs: () => Promise.resolve({ [name]: Float32Array.from(last) }),
    dispose() {
      compiled.dispose();
      for (const o of operands) o.dispose();
    },
  };
}

function layerEntry(task: Task): Entry | undefined {
  if (task.kind === 'matmul') {
    const shape = [task.size, task.size];
    const [a, b] = ['a', 'b'].map((name) => array(noise(task.size ** 2, name), shape));
    return entryOf((a, b) => np.matmul(a!, b!), [a!, b!], 'y');
  }
  if (task.kind !== 'convolution') return undefined;
  const { pad, x: xs, w: ws, y: ys } = convolutionShapes(task);
  const [x, w, dy] = [array(noiseOf(xs, 'x'), xs), array(noiseOf(ws, 'w'), ws), array(noiseOf(ys, 'dy'), ys)];
  const conv = (x: Value, w: Value) => lax.convGeneralDilated(x, w, [task.stride, task.stride], pads(pad));
  if (task.pass === 'forward') {
    dy.dispose();
    return entryOf((x, w) => conv(x!, w!), [x, w], 'y');
  }
  const argnums = task.pass === 'input gradient' ? 0 : 1;
  const loss = (x: Value, w: Value, dy: Value) => np.sum(conv(x, w).mul(dy));
  const gradient = grad(loss, { argnums }) as unknown as F;
  return entryOf(gradient, [x, w, dy], argnums === 0 ? 'dx' : 'dw');
}

const ints = (node: OnnxNode, name: string): readonly number[] => {
  const attribute = node.attributes.get(name);
  return attribute?.type === 'ints' ? attribute.value : [];
};

/** The network as a function of the picture; BatchNorm is folded into the convolutions, whose weights are constants. */
class Network {
  private readonly weights = new Map<string, [weight: Value, bias: Value]>();

  constructor(private readonly graph: OnnxGraph) {
    const data = (name: string) => graph.initializers.get(name)!.data as Float32Array;
    for (const node of graph.nodes) {
      if (node.opType === 'Gemm') {
        const { dims } = graph.initializers.get(node.inputs[1]!)!;
        this.weights.set(node.name, [array(data(node.inputs[1]!), dims), array(data(node.inputs[2]!), [1, dims[0]!])]);
      }
      if (node.opType !== 'Conv') continue;
      const norm = graph.nodes.find((n) => n.opType === 'BatchNormalization' && n.inputs[0] === node.outputs[0])!;
      const [gamma, beta, mean, variance] = norm.inputs.slice(1).map(data) as Float32Array[];
      const scale = gamma!.map((g, i) => g / Math.sqrt(variance![i]! + 1e-5));
      const { dims } = graph.initializers.get(node.inputs[1]!)!;
      const w = data(node.inputs[1]!);
      const scaled = w.map((v, i) => v * scale[Math.floor((i * scale.length) / w.length)]!);
      const bias = beta!.map((b, i) => b - mean![i]! * scale[i]!);
      this.weights.set(node.name, [array(scaled, dims), array(bias, [1, bias.length, 1, 1])]);
    }
  }

  logits(x: Value): Value {
    const readers = new Map<string, number>();
    for (const { inputs } of this.graph.nodes)
      for (const name of inputs) readers.set(name, (readers.get(name) ?? 0) + 1);
    const values = new Map([[this.graph.inputs[0]!.name, x]]);
    const take = (name: string): Value => {
      const left = readers.get(name)! - 1;
      readers.set(name, left);
      const value = values.get(name)!;
      return left > 0 ? value.ref : value;
    };
    for (const node of this.graph.nodes) values.set(node.outputs[0]!, this.apply(node, take));
    return values.get(this.graph.outputs[0]!.name)!;
  }

  private apply(node: OnnxNode, take: (name: string) => Value): Value {
    const x = take(node.inputs[0]!);
    switch (node.opType) {
      case 'Conv': {
        const [w, bias] = this.weights.get(node.name)!;
        const [p = 0] = ints(node, 'pads');
        return lax.convGeneralDilated(x, w.ref, [...ints(node, 'strides')], pads(p)).add(bias.ref);
      }
      case 'BatchNormalization':
        return x;
      case 'Relu':
        return nn.relu(x);
      case 'Add':
        return x.add(take(node.inputs[1]!));
      case 'MaxPool': {
        // Behind a ReLU zeros are as good as nothing.
        const p = ints(node, 'pads')[0]!;
        const q = p + overhang(node, x.shape[2]!);
        const framed = np.pad(x, [[0, 0], [0, 0], [p, q], [p, q]]); // prettier-ignore
        return lax.reduceWindow(framed, np.max, [...ints(node, 'kernel_shape')], [...ints(node, 'strides')]);
      }
      case 'GlobalAveragePool':
        return np.mean(x, [2, 3]);
      case 'Flatten':
        return x;
      case 'Gemm': {
        const [w, bias] = this.weights.get(node.name)!;
        return np.matmul(x, np.transpose(w.ref)).add(bias.ref);
      }
      default:
        throw new Error(`jax-js: no way to build ${node.opType}`);
    }
  }

  dispose(): void {
    for (const pair of this.weights.values()) for (const v of pair) v.dispose();
  }
}

function networkEntry(graph: OnnxGraph, source: NetworkSource, kind: 'inference' | 'saliency', batch: number): Entry {
  const { side, classes } = source;
  const network = new Network(graph);
  const x = array(pictures(batch, source), [batch, 3, side, side]);
  const first = array(
    Float32Array.from({ length: classes }, (_, i) => (i === 0 ? 1 : 0)),
    [1, classes],
  );
  const score = (x: Value) => np.sum(network.logits(x).mul(first.ref));
  const entry = kind === 'inference' ? entryOf((x) => network.logits(x!), [x], 'logits') : entryOf(grad(score) as unknown as F, [x], 'dx'); // prettier-ignore
  return {
    ...entry,
    dispose() {
      entry.dispose();
      network.dispose();
      first.dispose();
    },
  };
}

export const openJax: OpenPeer = async ({ network }) => {
  const available = await init('webgpu');
  if (!available.includes('webgpu')) throw new Error('jax-js finds no WebGPU');
  defaultDevice('webgpu');
  const device = getWebGPUDevice();
  const graph = await decodeOnnx(network.bytes);
  const contestant: Contestant = {
    name: 'jax-js',
    version: '0.1.25',
    backend: `webgpu: ${defaultDevice()}`,
    queue: device.queue,
    check() {
      if (defaultDevice() !== 'webgpu') throw new Error(`jax-js went over to ${defaultDevice()}`);
    },
    enter(task: Task) {
      const layer = layerEntry(task);
      if (layer) return Promise.resolve(layer);
      if (task.kind !== 'inference' && task.kind !== 'saliency') return undefined;
      return Promise.resolve(networkEntry(graph, network, task.kind, task.batch));
    },
    dispose: () => undefined,
  };
  return contestant;
};
