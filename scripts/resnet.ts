/**
 * A fresh bottleneck ResNet (He et al., 2016; stride on the 3x3 as in torchvision) as an ONNX graph with torch names,
 * He-initialised: what the embedded model was trained from.
 */
import type { OnnxAttribute, OnnxGraph, OnnxNode, OnnxTensor } from '../src/onnx/types.ts';
import { Random } from '../src/random.ts';

export interface ResnetOptions {
  /** Bottleneck widths of the stages; a stage puts out 4 times as many channels. */
  widths: readonly number[];
  /** Blocks of each stage. */
  blocks: readonly number[];
  /** Stride of each stage's first block. */
  strides: readonly number[];
  stem: number;
  /** Default 3. ImageNet's ResNets have 7, and `pool` behind it. */
  stemKernel?: number;
  /** A 3 x 3 max-pool of stride 2 behind the stem; default false. */
  pool?: boolean;
  side: number;
  classes: readonly string[];
  mean: readonly number[];
  std: readonly number[];
  seed: number;
}

const ints = (...value: number[]): OnnxAttribute => ({ type: 'ints', value });

export function resnetGraph(o: ResnetOptions): OnnxGraph {
  const nodes: OnnxNode[] = [];
  const initializers = new Map<string, OnnxTensor>();
  const random = new Random(o.seed);

  const tensor = (name: string, dims: number[], value: () => number) => {
    const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, value);
    initializers.set(name, { dims, dtype: 'f32', data });
    return name;
  };
  const node = (opType: string, name: string, inputs: string[], attributes: Record<string, OnnxAttribute> = {}) => {
    const output = `${name}_output`;
    nodes.push({
      name: `/${name.replaceAll('.', '/')}/${opType}`,
      opType,
      domain: '',
      inputs,
      outputs: [output],
      attributes: new Map(Object.entries(attributes)),
    });
    return output;
  };
  const conv = (name: string, x: string, ci: number, co: number, k: number, stride: number) => {
    const deviation = Math.sqrt(2 / (co * k * k));
    const weight = tensor(`${name}.weight`, [co, ci, k, k], () => deviation * random.normal());
    const pad = (k - 1) / 2;
    return node('Conv', name, [x, weight], {
      kernel_shape: ints(k, k),
      strides: ints(stride, stride),
      pads: ints(pad, pad, pad, pad),
    });
  };
  const norm = (name: string, x: string, c: number) =>
    node(
      'BatchNormalization',
      name,
      [
        x,
        tensor(`${name}.weight`, [c], () => 1),
        tensor(`${name}.bias`, [c], () => 0),
        tensor(`${name}.running_mean`, [c], () => 0),
        tensor(`${name}.running_var`, [c], () => 1),
      ],
      { epsilon: { type: 'float', value: 1e-5 }, momentum: { type: 'float', value: 0.9 } },
    );
  const relu = (name: string, x: string) => node('Relu', name, [x]);

  let x = relu('relu', norm('bn1', conv('conv1', 'input', 3, o.stem, o.stemKernel ?? 3, 2), o.stem));
  if (o.pool)
    x = node('MaxPool', 'maxpool', [x], { kernel_shape: ints(3, 3), strides: ints(2, 2), pads: ints(1, 1, 1, 1) });
  let channels = o.stem;
  o.widths.forEach((width, stage) => {
    for (let block = 0; block < o.blocks[stage]!; block++) {
      const at = `layer${stage + 1}.${block}`;
      const stride = block === 0 ? o.strides[stage]! : 1;
      const out = 4 * width;
      let y = relu(`${at}.relu`, norm(`${at}.bn1`, conv(`${at}.conv1`, x, channels, width, 1, 1), width));
      y = relu(`${at}.relu_1`, norm(`${at}.bn2`, conv(`${at}.conv2`, y, width, width, 3, stride), width));
      y = norm(`${at}.bn3`, conv(`${at}.conv3`, y, width, out, 1, 1), out);
      const skip =
        stride !== 1 || channels !== out
          ? norm(`${at}.downsample.1`, conv(`${at}.downsample.0`, x, channels, out, 1, stride), out)
          : x;
      x = relu(`${at}.relu_2`, node('Add', at, [y, skip]));
      channels = out;
    }
  });
  const pooled = node('Flatten', 'flatten', [node('GlobalAveragePool', 'avgpool', [x])]);
  const bound = 1 / Math.sqrt(channels);
  const classes = o.classes.length;
  nodes.push({
    name: '/fc/Gemm',
    opType: 'Gemm',
    domain: '',
    inputs: [
      pooled,
      tensor('fc.weight', [classes, channels], () => random.uniform(-bound, bound)),
      tensor('fc.bias', [classes], () => 0),
    ],
    outputs: ['logits'],
    attributes: new Map([['transB', { type: 'int', value: 1 }]]),
  });
  const preprocess = { mean: o.mean, std: o.std, resize_shorter_side: o.side, crop: o.side };
  return {
    name: 'resnet',
    irVersion: 8,
    producer: 'wgrad',
    opset: 17,
    nodes,
    initializers,
    inputs: [{ name: 'input', dtype: 'f32', dims: ['N', 3, o.side, o.side] }],
    outputs: [{ name: 'logits', dtype: 'f32', dims: ['N', classes] }],
    metadata: new Map([
      ['labels', JSON.stringify(o.classes)],
      ['preprocess', JSON.stringify(preprocess)],
    ]),
  };
}
