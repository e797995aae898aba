/** A small ResNet (two stages of two basic blocks, BatchNorm kept or folded) as five kinds of exporter would name it. */
import type { onnx } from 'onnx-proto';
import { f32, model, node, value } from './builder.ts';

export type Exporter = 'torch' | 'dynamo' | 'mxnet' | 'keras' | 'lost';

interface Names {
  node(path: string, op: string): string;
  parameter(path: string, op: string, kind: 'weight' | 'bias' | 'running_mean' | 'running_var'): string;
}

let counter = 0;
const fresh = () => counter++;

/** `layer1.0.conv1` -> stage 2, block 1, conv 1 in Keras's counting. */
function kerasName(path: string): string {
  const m = /^layer(\d)\.(\d)\.(.+)$/.exec(path);
  if (!m) return { conv1: 'conv1_conv', bn1: 'conv1_bn', relu: 'conv1_relu', maxpool: 'pool1_pool', avgpool: 'avg_pool', flatten: 'flatten', fc: 'predictions' }[path]!; // prettier-ignore
  const rest = m[3]!
    .replace('downsample.0', '0_conv')
    .replace('downsample.1', '0_bn')
    .replace(/^conv(\d)$/, '$1_conv')
    .replace(/^bn(\d)$/, '$1_bn')
    .replace(/^relu$/, '1_relu')
    .replace('relu_1', 'out');
  return `conv${Number(m[1]) + 1}_block${Number(m[2]) + 1}_${rest}`;
}

const KERAS_PARAMETERS = { weight: 'ReadVariableOp:0', bias: 'ReadVariableOp_1:0', running_mean: 'ReadVariableOp_2:0', running_var: 'ReadVariableOp_3:0' }; // prettier-ignore

const MXNET_OPS: Record<string, string> = { Conv: 'conv', BatchNormalization: 'batchnorm', Relu: 'relu', MaxPool: 'pool', GlobalAveragePool: 'pool', Flatten: 'flatten', Gemm: 'dense', Add: '_plus' }; // prettier-ignore

/** Gluon counts each kind of op from 0 within a stage, and calls the ReLU after the add `activation`. */
function mxnetNames(): Names {
  const counts = new Map<string, number>();
  const given = new Map<string, string>();
  const name = (path: string, op: string): string => {
    const known = given.get(path);
    if (known) return known;
    const stage = /^layer(\d)/.exec(path)?.[1];
    const kind = path.endsWith('relu_1') ? 'activation' : MXNET_OPS[op]!;
    const scope = stage ? `resnetv17_stage${stage}_` : op === 'Flatten' ? '' : 'resnetv17_';
    const n = counts.get(scope + kind) ?? 0;
    counts.set(scope + kind, n + 1);
    given.set(path, `${scope}${kind}${n}`);
    return `${scope}${kind}${n}`;
  };
  return {
    node: (path, op) => (op === 'Add' || path.endsWith('relu_1') ? name(path, op) : `${name(path, op)}_fwd`),
    parameter: (path, op, kind) => {
      const gluon = op === 'BatchNormalization' ? { weight: 'gamma', bias: 'beta' }[kind as string] : undefined;
      return `${name(path, op)}_${gluon ?? kind}`;
    },
  };
}

/** `/layer1/layer1.0/downsample/downsample.0/Conv`: a child of a Sequential repeats its parent's path. */
function torchScope(path: string, op: string): string {
  const scope = path
    .replace(/\.?add$/, '')
    .replace(/^(layer\d)\.(\d)/, '$1/$1.$2')
    .replace(/\.(?=[a-z])/g, '/')
    .replace('downsample.', 'downsample/downsample.');
  return `/${scope}/${op}`;
}

function namesOf(exporter: Exporter): Names {
  counter = 100;
  const dotted: Names['parameter'] = (path, _, kind) => `${path}.${kind}`;
  switch (exporter) {
    case 'torch':
      return { node: torchScope, parameter: dotted };
    case 'dynamo':
      return { node: (_, op) => `node_${op.toLowerCase()}_${fresh()}`, parameter: dotted };
    case 'mxnet':
      return mxnetNames();
    case 'keras':
      return {
        node: (path, op) =>
          path.endsWith('.add')
            ? `StatefulPartitionedCall/resnet50/${kerasName(path)}/add`
            : `StatefulPartitionedCall/resnet50/${kerasName(path)}/${op === 'Conv' ? 'Conv2D' : op}`,
        parameter: (path, op, kind) =>
          `StatefulPartitionedCall/resnet50/${kerasName(path)}/${op === 'Conv' ? 'Conv2D/' : ''}${KERAS_PARAMETERS[kind]}`,
      };
    case 'lost':
      return { node: (_, op) => `${op}_${fresh()}`, parameter: (_, op) => `onnx::${op}_${fresh()}` };
  }
}

/** Writes the network; `batchNorm: false` gives convolutions a bias instead, as folding exporters do. */
export function resnet(exporter: Exporter, batchNorm = true): { bytes: Uint8Array; valueOf: Map<string, string> } {
  const names = namesOf(exporter);
  const nodes: onnx.INodeProto[] = [];
  const initializers: onnx.ITensorProto[] = [];
  /** torchvision's path -> the value that its node gives. */
  const valueOf = new Map<string, string>();
  const push = (path: string, op: string, inputs: string[], attributes = {}) => {
    const output = `v${nodes.length}`;
    nodes.push(node(op, inputs, [output], attributes, names.node(path, op)));
    valueOf.set(path, output);
    return output;
  };
  const parameter = (
    path: string,
    op: string,
    kind: 'weight' | 'bias' | 'running_mean' | 'running_var',
    dims: number[],
    fill?: number,
  ) => {
    const name = names.parameter(path, op, kind);
    initializers.push(f32(name, dims, fill === undefined ? undefined : new Array<number>(dims[0]!).fill(fill)));
    return name;
  };
  const conv = (path: string, x: string, from: number, to: number, k: number, stride: number) => {
    const inputs = [x, parameter(path, 'Conv', 'weight', [to, from, k, k])];
    if (!batchNorm) inputs.push(parameter(path, 'Conv', 'bias', [to]));
    const pad = (k - 1) / 2;
    return push(path, 'Conv', inputs, { kernel_shape: [k, k], strides: [stride, stride], pads: [pad, pad, pad, pad] });
  };
  const bn = (path: string, x: string, channels: number) => {
    if (!batchNorm) return x;
    const op = 'BatchNormalization';
    return push(path, op, [
      x,
      parameter(path, op, 'weight', [channels], 1),
      parameter(path, op, 'bias', [channels]),
      parameter(path, op, 'running_mean', [channels]),
      parameter(path, op, 'running_var', [channels], 1),
    ]);
  };

  let x = push('relu', 'Relu', [bn('bn1', conv('conv1', 'x', 3, 4, 3, 2), 4)]);
  x = push('maxpool', 'MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  let channels = 4;
  for (const stage of [1, 2])
    for (const block of [0, 1]) {
      const to = 4 * stage;
      const stride = stage === 2 && block === 0 ? 2 : 1;
      const p = `layer${stage}.${block}`;
      let y = push(`${p}.relu`, 'Relu', [bn(`${p}.bn1`, conv(`${p}.conv1`, x, channels, to, 3, stride), to)]);
      y = bn(`${p}.bn2`, conv(`${p}.conv2`, y, to, to, 3, 1), to);
      const project = stride > 1;
      const shortcut = project ? bn(`${p}.downsample.1`, conv(`${p}.downsample.0`, x, channels, to, 1, stride), to) : x;
      x = push(`${p}.relu_1`, 'Relu', [push(`${p}.add`, 'Add', [y, shortcut])]);
      channels = to;
    }
  x = push('flatten', 'Flatten', [push('avgpool', 'GlobalAveragePool', [x])], { axis: 1 });
  push('fc', 'Gemm', [x, parameter('fc', 'Gemm', 'weight', [5, channels]), parameter('fc', 'Gemm', 'bias', [5])], {
    transB: 1,
  });
  const last = nodes.at(-1)!;
  last.output = ['logits'];
  valueOf.set('fc', 'logits');
  return {
    bytes: model({ nodes, initializers, inputs: [value('x', ['N', 3, 32, 32])], outputs: [value('logits', ['N', 5])] }),
    valueOf,
  };
}
