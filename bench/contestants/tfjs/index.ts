/** tfjs on any of its backends. */
import type * as Tf from '@tensorflow/tfjs-core';
import { gaussLegendre } from '../../../src/explain/quadrature.ts';
import { decodeOnnx } from '../../../src/onnx/decode.ts';
import type { OnnxGraph } from '../../../src/onnx/types.ts';
import type { Contestant, Entry, NetworkSource, StepTask, Task } from '../../core/case.ts';
import { PATH_NODES, pictures, SGD, targets } from '../../core/operands.ts';
import { layerWork, nhwc, toRow, type Tfjs, type Work } from './layers.ts';
import { TfjsNetwork } from './network.ts';

export interface TfjsHost {
  tf: Tfjs;
  /** Its backend, which is registered and has been opened. */
  backend: string;
  network: NetworkSource;
  queue?: GPUQueue | undefined;
  /** Why it is no peer on the same adapter. */
  context?: string;
  /** Registers and opens a backend of the same kind on a device of its own, under another name. @returns its end. */
  another?: (name: string) => Promise<() => void>;
}

/** Runs a function of tensors, reads one value of each result back. */
function workEntry(tf: Tfjs, { compute, orders, operands }: Work): Entry {
  return {
    async run() {
      const results = tf.tidy(
        () =>
        Object.values(compute()).map((t) => (t.size === 1 ? t.clone() : tf.slice(t, t.shape.map(() => 0), t.shape.map(() => 1)))), // prettier-ignore
      );
      await Promise.all(results.map((t) => t.data()));
      tf.dispose(results);
    },
    outputs: () => whole(tf, { compute, orders }).then(inRows),
    dispose: () => tf.dispose([...operands]),
  };
}

const inRows = (read: Readonly<Record<string, () => Float32Array>>) =>
  Object.fromEntries(Object.entries(read).map(([name, row]) => [name, row()]));

/** All that is computed, read back; reordered only where it is asked for. */
async function whole(tf: Tfjs, { compute, orders }: Pick<Work, 'compute' | 'orders'>) {
  const results = tf.tidy(compute);
  const read = Object.entries(results).map(async ([name, t]) => {
    const data = (await t.data()) as Float32Array;
    return [name, () => toRow(data, t, orders[name]!)] as const;
  });
  const rows = await Promise.all(read);
  tf.dispose(results);
  return Object.fromEntries(rows);
}

/** Entries whose results are read back whole. */
function wholeEntry(tf: Tfjs, work: Work, dispose: () => void): Entry {
  let last: Awaited<ReturnType<typeof whole>> = {};
  return {
    async run() {
      last = await whole(tf, work);
    },
    outputs: () => Promise.resolve(inRows(last)),
    dispose() {
      tf.dispose([...work.operands]);
      dispose();
    },
  };
}

function networkEntry(tf: Tfjs, graph: OnnxGraph, source: NetworkSource, kind: string, batch: number): Entry {
  const { side } = source;
  const network = new TfjsNetwork(tf, graph, { fuses: kind === 'inference' });
  const end = () => network.dispose();
  const count = kind === 'integrated-gradients' ? 1 : batch;
  const x = nhwc(tf, pictures(count, source), [count, 3, side, side]);
  if (kind === 'inference') {
    return wholeEntry(tf, { operands: [x], orders: { logits: 'row' }, compute: () => ({ logits: network.logits(x) }) }, end); // prettier-ignore
  }
  const score = (x: Tf.Tensor) => tf.sum(tf.slice(network.logits(x), [0, 0], [-1, 1]));
  const gradient = tf.grad(score);
  if (kind === 'saliency') {
    return wholeEntry(tf, { operands: [x], orders: { dx: 'nhwc' }, compute: () => ({ dx: gradient(x) }) }, end);
  }
  const { nodes, weights } = gaussLegendre(PATH_NODES);
  const map = () => {
    let total: Tf.Tensor = tf.zerosLike(x);
    for (let first = 0; first < nodes.length; first += batch) {
      const column = (list: ArrayLike<number>) => tf.tensor4d(Array.from(list).slice(first, first + batch), [Math.min(batch, nodes.length - first), 1, 1, 1]); // prettier-ignore
      const g = gradient(tf.mul(x, column(nodes)));
      total = tf.add(total, tf.sum(tf.mul(g, column(weights)), 0, true));
    }
    return { map: tf.mul(total, x) };
  };
  return wholeEntry(tf, { operands: [x], orders: { map: 'nhwc' }, compute: map }, end);
}

function stepEntry(tf: Tfjs, graph: OnnxGraph, source: NetworkSource, task: StepTask): Entry {
  const { side, classes } = source;
  const network = new TfjsNetwork(tf, graph, { unfrozen: task.unfrozen });
  const x = nhwc(tf, pictures(task.batch, source), [task.batch, 3, side, side]);
  const labels = tf.oneHot(tf.tensor1d(targets(task.batch, classes), 'int32'), classes) as Tf.Tensor2D;
  const optimizer = tf.train.momentum(SGD.lr, SGD.momentum);
  const variables = network.trained;
  const losses: number[] = [];
  const step = async () => {
    const loss = tf.tidy(() =>
      optimizer.minimize(() => tf.losses.softmaxCrossEntropy(labels, network.logits(x)) as Tf.Scalar, true, variables)!,
    );
    losses.push((await loss.data())[0]!);
    loss.dispose();
  };
  return {
    run: step,
    outputs: () => Promise.resolve({ losses: Float32Array.from(losses.slice(0, 2)) }),
    dispose() {
      optimizer.dispose();
      network.dispose();
      tf.dispose([x, labels]);
    },
  };
}

function startupEntry(tf: Tfjs, source: NetworkSource, own: string, another: TfjsHost['another']): Entry {
  const { bytes, side } = source;
  let starts = 0;
  return {
    async run() {
      const parts: Record<string, number> = {};
      let at = performance.now();
      const part = (name: string) => {
        const now = performance.now();
        parts[name] = now - at;
        at = now;
      };
      const close = await another!(`${own} ${++starts}`);
      part('device');
      const graph = await decodeOnnx(bytes);
      part('parse');
      const network = new TfjsNetwork(tf, graph);
      part('upload');
      const x = nhwc(tf, pictures(1, source), [1, 3, side, side]);
      const logits = tf.tidy(() => network.logits(x));
      await logits.data();
      part('first run');
      tf.dispose([x, logits]);
      network.dispose();
      close();
      await tf.setBackend(own);
      return parts;
    },
    dispose: () => undefined,
  };
}

/** Whether gradients of filters are computed: tfjs-wasm has no kernel for them. */
const trains = (task: Task): boolean =>
  task.kind === 'step' || (task.kind === 'convolution' && task.pass === 'weight gradient');

export async function tfjsContestant({ tf, backend, network, queue, context, another }: TfjsHost): Promise<Contestant> {
  const graph = await decodeOnnx(network.bytes);
  return {
    name: `tfjs-${backend}`,
    version: tf.version_core,
    backend: tf.getBackend(),
    ...(context === undefined ? {} : { context }),
    queue,
    async activate() {
      await tf.setBackend(backend);
    },
    check() {
      if (tf.getBackend() !== backend) throw new Error(`tfjs went over to ${tf.getBackend()}`);
    },
    enter(task: Task) {
      if (trains(task) && !tf.getKernel('Conv2DBackpropFilter', backend)) return undefined;
      const work = layerWork(tf, task);
      if (work) return Promise.resolve(workEntry(tf, work));
      switch (task.kind) {
        case 'inference':
        case 'saliency':
        case 'integrated-gradients':
          return Promise.resolve(networkEntry(tf, graph, network, task.kind, task.batch));
        case 'step':
          return Promise.resolve(stepEntry(tf, graph, network, task));
        case 'startup':
          return another && Promise.resolve(startupEntry(tf, network, backend, another));
        default:
          return undefined;
      }
    },
    dispose: () => undefined,
  };
}
