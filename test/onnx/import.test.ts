/** Every op of the importer, in the forms of its operator sets, against onnxruntime. */
import { describe, expect, it } from 'vitest';
import type { onnx } from 'onnx-proto';
import { WgradError } from '../../src/errors.ts';
import { input } from '../../src/graph/leaves.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { testEngine } from '../support/engine.ts';
import { compare, tolerance } from '../tolerance.ts';
import { f32, i64, model, node, pattern, smallSpec, value, type Attribute } from './builder.ts';
import { onnxruntime } from './oracle.ts';

interface Case {
  what: string;
  op: string;
  x: number[];
  attributes?: Record<string, Attribute>;
  /** Further inputs: initialisers, or '' for one left out. */
  rest?: (onnx.ITensorProto | '')[];
  opset?: number;
}

const w = (dims: number[]) => f32('w', dims);
const b = (n: number) => f32('bias', [n]);
const scalar = (name: string, v: number) => f32(name, [], [v]);
const positive = (name: string, n: number) => f32(name, [n], pattern(n, 9).map((v) => v + 1)); // prettier-ignore
const bn = (n: number) => [f32('scale', [n]), f32('shift', [n]), f32('mean', [n]), positive('var', n)];

const CASES: Case[] = [
  { what: 'plain', op: 'Conv', x: [2, 3, 7, 6], rest: [w([4, 3, 3, 3]), b(4)] },
  { what: 'asymmetric pads, strides', op: 'Conv', x: [1, 3, 9, 8], attributes: { pads: [0, 1, 2, 1], strides: [2, 3] }, rest: [w([4, 3, 3, 3])] }, // prettier-ignore
  { what: 'dilation', op: 'Conv', x: [1, 2, 9, 9], attributes: { dilations: [2, 2], pads: [2, 2, 2, 2] }, rest: [w([3, 2, 3, 3])] }, // prettier-ignore
  { what: 'groups', op: 'Conv', x: [1, 4, 5, 5], attributes: { group: 2 }, rest: [w([6, 2, 3, 3]), b(6)] },
  { what: 'SAME_UPPER', op: 'Conv', x: [1, 2, 7, 8], attributes: { auto_pad: 'SAME_UPPER', strides: [2, 2], kernel_shape: [3, 3] }, rest: [w([3, 2, 3, 3])] }, // prettier-ignore
  { what: 'SAME_LOWER', op: 'Conv', x: [1, 2, 7, 8], attributes: { auto_pad: 'SAME_LOWER', strides: [2, 2] }, rest: [w([3, 2, 2, 2])] }, // prettier-ignore
  { what: 'VALID', op: 'Conv', x: [1, 2, 7, 8], attributes: { auto_pad: 'VALID' }, rest: [w([3, 2, 2, 2])] },
  { what: 'a bias of zeros', op: 'Conv', x: [1, 2, 4, 4], rest: [w([3, 2, 1, 1]), f32('zero', [3], [0, 0, 0])] },
  { what: 'opset 7', op: 'BatchNormalization', x: [2, 3, 4, 5], opset: 7, rest: bn(3), attributes: { epsilon: { float: 1e-2 } } }, // prettier-ignore
  { what: 'opset 15', op: 'BatchNormalization', x: [2, 3, 4, 5], opset: 15, rest: bn(3) },
  { what: '', op: 'Relu', x: [2, 5] },
  { what: '', op: 'Sigmoid', x: [2, 5] },
  { what: 'attributes', op: 'Clip', x: [2, 5], opset: 8, attributes: { min: { float: -0.1 }, max: { float: 0.2 } } },
  { what: 'inputs', op: 'Clip', x: [2, 5], rest: [scalar('lo', -0.1), scalar('hi', 0.2)] },
  { what: 'only a maximum', op: 'Clip', x: [2, 5], rest: ['', scalar('hi', 0.2)] },
  { what: 'floor', op: 'MaxPool', x: [1, 3, 8, 7], attributes: { kernel_shape: [3, 3], strides: [2, 2] } },
  { what: 'ceil', op: 'MaxPool', x: [1, 3, 8, 8], attributes: { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 } },
  { what: 'ceil and pads', op: 'MaxPool', x: [1, 2, 8, 7], attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], ceil_mode: 1 } }, // prettier-ignore
  { what: 'asymmetric', op: 'MaxPool', x: [1, 2, 7, 9], attributes: { kernel_shape: [2, 3], strides: [1, 2], pads: [0, 1, 1, 0] } }, // prettier-ignore
  { what: 'SAME_UPPER', op: 'MaxPool', x: [1, 2, 7, 8], attributes: { kernel_shape: [3, 3], strides: [2, 2], auto_pad: 'SAME_UPPER' } }, // prettier-ignore
  { what: 'pads left out of the count', op: 'AveragePool', x: [1, 2, 6, 7], attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] } }, // prettier-ignore
  { what: 'pads counted', op: 'AveragePool', x: [1, 2, 6, 7], attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], count_include_pad: 1 } }, // prettier-ignore
  { what: 'ceil', op: 'AveragePool', x: [1, 2, 7, 7], opset: 19, attributes: { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 } }, // prettier-ignore
  { what: '', op: 'GlobalAveragePool', x: [2, 3, 5, 4] },
  { what: 'attribute', op: 'ReduceMean', x: [2, 3, 5, 4], attributes: { axes: [2, -1], keepdims: 0 } },
  { what: 'input', op: 'ReduceMean', x: [2, 3, 5, 4], opset: 18, rest: [i64('axes', [2], [-1, -2])] },
  { what: 'everything', op: 'ReduceMean', x: [2, 3, 5], opset: 18, attributes: { keepdims: 0 } },
  { what: 'no axes, no operation', op: 'ReduceMean', x: [2, 3, 5], opset: 18, attributes: { noop_with_empty_axes: 1 } },
  { what: '', op: 'Flatten', x: [2, 3, 4, 5] },
  { what: 'axis 0', op: 'Flatten', x: [2, 3, 4], attributes: { axis: 0 } },
  { what: 'a negative axis', op: 'Flatten', x: [2, 3, 4], attributes: { axis: -1 } },
  { what: '0 and -1', op: 'Reshape', x: [2, 3, 4], rest: [i64('s', [2], [0, -1])] },
  { what: 'attribute', op: 'Squeeze', x: [2, 1, 4, 1], opset: 11, attributes: { axes: [1] } },
  { what: 'input', op: 'Squeeze', x: [2, 1, 4, 1], rest: [i64('a', [1], [-1])] },
  { what: 'attribute', op: 'Unsqueeze', x: [2, 4], opset: 11, attributes: { axes: [0, 3] } },
  { what: 'input', op: 'Unsqueeze', x: [2, 4], rest: [i64('a', [2], [1, -1])] },
  { what: 'reversed', op: 'Transpose', x: [2, 3, 4] },
  { what: 'NHWC to NCHW', op: 'Transpose', x: [1, 4, 5, 3], attributes: { perm: [0, 3, 1, 2] } },
  { what: 'transB and bias', op: 'Gemm', x: [3, 4], attributes: { transB: 1 }, rest: [w([5, 4]), b(5)] },
  { what: 'alpha, beta, transA', op: 'Gemm', x: [4, 3], attributes: { transA: 1, alpha: { float: 0.5 }, beta: { float: 2 } }, rest: [w([4, 5]), f32('c', [3, 1])] }, // prettier-ignore
  { what: 'without bias', op: 'Gemm', x: [3, 4], opset: 11, rest: [w([4, 5])] },
  { what: '2-D', op: 'MatMul', x: [3, 4], rest: [w([4, 5])] },
  { what: 'leading axes', op: 'MatMul', x: [2, 3, 4], rest: [w([4, 5])] },
  { what: 'broadcast', op: 'Add', x: [2, 3, 4], rest: [f32('c', [3, 1])] },
  { what: 'to a higher rank', op: 'Sub', x: [3, 1], rest: [f32('c', [2, 3, 4])] },
  { what: 'a scalar', op: 'Mul', x: [2, 3], rest: [scalar('c', 0.3)] },
  { what: 'per channel', op: 'Div', x: [2, 3, 2, 2], rest: [f32('c', [1, 3, 1, 1], [1, 2, 3])] },
  {
    what: 'along the channels',
    op: 'Concat',
    x: [2, 3, 2, 2],
    attributes: { axis: 1 },
    rest: [f32('c', [2, 2, 2, 2])],
  },
  { what: '', op: 'Identity', x: [2, 3] },
  { what: 'inference', op: 'Dropout', x: [2, 3], opset: 7 },
  { what: 'a flattened axis before opset 13', op: 'Softmax', x: [2, 3, 4], opset: 11 },
  { what: 'the last axis since opset 13', op: 'Softmax', x: [2, 3, 4] },
  { what: 'an inner axis', op: 'LogSoftmax', x: [2, 3, 4], attributes: { axis: 1 } },
  { what: 'a flattened axis before opset 13', op: 'LogSoftmax', x: [2, 3, 4], opset: 11, attributes: { axis: 1 } },
  { what: 'attributes', op: 'Pad', x: [1, 2, 3, 3], opset: 10, attributes: { pads: [0, 0, 1, 2, 0, 0, 3, 0], value: { float: 0.5 } } }, // prettier-ignore
  { what: 'inputs', op: 'Pad', x: [2, 3], rest: [i64('p', [4], [1, 0, 0, 2]), scalar('v', -1)] },
  {
    what: 'axes',
    op: 'Pad',
    x: [1, 2, 3, 3],
    opset: 18,
    rest: [i64('p', [4], [1, 0, 0, 2]), '', i64('a', [2], [2, 3])],
  },
  { what: 'a crop', op: 'Slice', x: [1, 2, 6, 6], rest: [i64('st', [2], [1, -4]), i64('en', [2], [5, 99]), i64('ax', [2], [2, 3])] }, // prettier-ignore
  { what: 'attributes', op: 'Slice', x: [4, 6], opset: 9, attributes: { starts: [1], ends: [3], axes: [1] } },
  { what: 'float to float', op: 'Cast', x: [2, 3], attributes: { to: 1 } },
  { what: '', op: 'Expand', x: [3, 1], rest: [i64('s', [3], [2, 1, 4])] },
];

function spec({ op, attributes, rest = [], x, opset }: Case) {
  const names = rest.map((tensor) => (tensor === '' ? '' : tensor.name!));
  return model({
    opset,
    nodes: [node(op, ['x', ...names], ['y'], attributes, 'n')],
    initializers: rest.filter((tensor) => tensor !== ''),
    inputs: [value('x', x)],
    outputs: [{ name: 'y', type: { tensorType: { elemType: 1 } } }],
  });
}

describe('each op equals onnxruntime', () => {
  it.each(CASES)('$op: $what', async (c) => {
    const engine = await testEngine();
    const bytes = spec(c);
    const data = pattern(c.x.reduce((p, d) => p * d, 1), 77); // prettier-ignore
    const expected = await onnxruntime(bytes, data, c.x);
    const network = await importOnnx(bytes);
    const { y } = network.build({ inputs: { x: input('x', c.x) } }).outputs;
    expect(y!.shape).toEqual(expected.dims);
    const actual = (await engine.evaluate({ y: y! }, { x: data })).y;
    expect(compare(actual, expected.data).maxRel).toBeLessThan(tolerance.op);
  });
});

describe('build', () => {
  it('works at any batch, with shape arithmetic folded', async () => {
    // What torch writes for x.view(x.size(0), -1): Shape, Gather, Unsqueeze, Concat, Reshape.
    const bytes = model({
      nodes: [
        node('Shape', ['x'], ['s']),
        node('Gather', ['s', 'zero'], ['n'], { axis: 0 }),
        node('Unsqueeze', ['n', 'axes'], ['n1']),
        node('Concat', ['n1', 'rest'], ['target'], { axis: 0 }),
        node('Reshape', ['x', 'target'], ['y']),
      ],
      initializers: [i64('zero', [], [0]), i64('axes', [1], [0]), i64('rest', [1], [-1])],
      outputs: [value('y', ['N', 192])],
    });
    const network = await importOnnx(bytes);
    for (const batch of [1, 3])
      expect(network.build({ inputs: { x: input('x', [batch, 3, 8, 8]) } }).outputs.y!.shape).toEqual([batch, 192]);
  });

  it.each<[string, Case, string]>([
    ['a rank that is not pictures', { what: '', op: 'Conv', x: [1, 3, 9], rest: [w([4, 3, 3])] }, 'onnx-unsupported'],
    ['weights for other channels', { what: '', op: 'Conv', x: [1, 2, 5, 5], rest: [w([4, 3, 3, 3])] }, 'shape'],
    ['a kernel larger than the picture', { what: '', op: 'Conv', x: [1, 3, 2, 2], rest: [w([4, 3, 3, 3])] }, 'shape'],
    ['no kernel_shape', { what: '', op: 'MaxPool', x: [1, 3, 5, 5] }, 'onnx-invalid'],
    ['shapes that do not broadcast', { what: '', op: 'Add', x: [2, 3], rest: [f32('c', [2, 4])] }, 'shape'],
    ['an impossible reshape', { what: '', op: 'Reshape', x: [2, 3], rest: [i64('s', [2], [4, -1])] }, 'onnx-invalid'],
    ['reflecting pads', { what: '', op: 'Pad', x: [2, 3], attributes: { mode: 'reflect' }, rest: [i64('p', [4], [1, 0, 0, 0])] }, 'onnx-unsupported'], // prettier-ignore
    ['a cast to whole numbers', { what: '', op: 'Cast', x: [2, 3], attributes: { to: 7 } }, 'onnx-unsupported'],
    ['a Gemm that does not fit', { what: '', op: 'Gemm', x: [2, 3], rest: [w([4, 5])] }, 'shape'],
  ])('%s: the error names the node', async (_, c, code) => {
    const network = await importOnnx(spec(c));
    const build = () => network.build({ inputs: { x: input('x', c.x) } });
    expect(build).toThrow(WgradError);
    expect(build).toThrow(expect.objectContaining({ code, message: expect.stringContaining("node 'n'") }));
  });

  it('an op that only folds is listed with its node when it works on what is fed', async () => {
    const bytes = model({ nodes: [node('Gather', ['x', 'i'], ['y'], {}, 'pick')], initializers: [i64('i', [1], [0])] });
    await expect(importOnnx(bytes)).rejects.toMatchObject({ code: 'onnx-unsupported', message: expect.stringContaining("Gather ('pick')") }); // prettier-ignore
  });

  it('an input of another rank or of other channels, or none, is refused; another size is taken', async () => {
    const network = await importOnnx(model(smallSpec()));
    for (const shape of [[3, 8, 8], [1, 4, 8, 8]]) expect(() => network.build({ inputs: { x: input('x', shape) } })).toThrow(expect.objectContaining({ code: 'shape' })); // prettier-ignore
    expect(network.build({ inputs: { x: input('x', [1, 3, 9, 9]) } }).outputs['y']!.shape).toEqual([1, 2]);
    expect(() => network.build({ inputs: {} })).toThrow(expect.objectContaining({ code: 'missing-feed' }));
  });

  it('1000 seeded mutations of a network import and build, or give a WgradError', async () => {
    const original = model(smallSpec());
    let state = 4242;
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    let built = 0;
    for (let round = 0; round < 1000; round++) {
      const bytes = original.slice();
      for (let n = 1 + random(3); n > 0; n--) bytes[random(bytes.length)] = random(256);
      try {
        const network = await importOnnx(bytes);
        const shape = network.inputs[0]!.shape.map((dim) => Math.min(dim ?? 1, 64));
        network.build({ inputs: Object.fromEntries(network.inputs.map(({ name }) => [name, input(name, shape)])) });
        built++;
      } catch (error) {
        expect(error).toBeInstanceOf(WgradError);
      }
    }
    expect(built).toBeGreaterThan(100);
  });
});
