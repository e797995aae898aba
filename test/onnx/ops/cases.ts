/** One node a case, in the forms of its operator sets: what every test of the op table goes through. */
import type { onnx } from 'onnx-proto';
import { f32, i64, model, node, pattern, value, type Attribute } from '../builder.ts';

export interface Case {
  what: string;
  op: string;
  x: number[];
  attributes?: Record<string, Attribute>;
  /** Further inputs: initialisers, or '' for one left out. */
  rest?: (onnx.ITensorProto | '')[];
  opset?: number;
  domain?: string;
  outputs?: number;
  /** The input that x is; default 0. */
  at?: number;
  /** x is logical, positive, larger than the pattern, or these values. */
  bool?: boolean;
  positive?: boolean;
  scale?: number;
  values?: number[];
  /** false: the elements of x play no part. */
  reads?: boolean;
  /** Checked by finite differences: the row is more than one op. */
  gradient?: boolean;
  /** false: onnxruntime does not have it. */
  oracle?: boolean;
}

export const w = (dims: number[]) => f32('w', dims);
const b = (n: number) => f32('bias', [n]);
const scalar = (name: string, v: number) => f32(name, [], [v]);
const positive = (name: string, n: number) => f32(name, [n], pattern(n, 9).map((v) => v + 1)); // prettier-ignore
const typed = (dataType: number) => (name: string, dims: number[], values: number[]) =>
  ({ name, dims, dataType, rawData: Uint8Array.from(values) }) satisfies onnx.ITensorProto;
const [u8, bool] = [typed(2), typed(9)];
const bn = (n: number) => [f32('scale', [n]), f32('shift', [n]), f32('mean', [n]), positive('var', n)];

export const CASES: Case[] = [
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
  // elementwise
  ...['Abs', 'Ceil', 'Erf', 'Exp', 'Floor', 'Neg', 'Round', 'Sign', 'Tanh', 'Softplus', 'Softsign', 'HardSwish', 'Selu', 'Reciprocal'].map((op) => ({ what: '', op, x: [2, 5], opset: 22, scale: 4 })), // prettier-ignore
  { what: '', op: 'Log', x: [2, 5], positive: true },
  { what: '', op: 'Sqrt', x: [2, 5], positive: true },
  ...['Sum', 'Max', 'Min', 'Mean'].map((op) => ({ what: 'three inputs that broadcast', op, x: [2, 3, 4], rest: [f32('c', [3, 1]), f32('cc', [4])] })), // prettier-ignore
  { what: 'one input', op: 'Sum', x: [2, 3] },
  ...['Equal', 'Less', 'Greater', 'LessOrEqual', 'GreaterOrEqual'].map((op) => ({ what: 'broadcast', op, x: [4, 4], opset: 16, rest: [f32('c', [1, 4])] })), // prettier-ignore
  { what: 'the sign of the dividend', op: 'Mod', x: [2, 5], attributes: { fmod: 1 }, rest: [f32('c', [5], [0.1, 0.2, -0.3, 0.25, 0.15])] }, // prettier-ignore
  { what: 'the sign of the divisor', op: 'Mod', x: [2, 5], oracle: false, rest: [f32('c', [5], [0.1, 0.2, -0.3, 0.25, -0.15])] }, // prettier-ignore
  { what: 'a square', op: 'Pow', x: [2, 5], rest: [scalar('e', 2)] },
  { what: 'a root', op: 'Pow', x: [2, 5], positive: true, rest: [scalar('e', 0.5)] },
  { what: 'any power', op: 'Pow', x: [2, 5], positive: true, rest: [f32('e', [5], [1.5, -1, 0, 3, 0.3])] },
  { what: 'truncates', op: 'Cast', x: [2, 5], scale: 9, attributes: { to: 7 } },
  { what: 'to bool', op: 'Cast', x: [2, 5], attributes: { to: 9 } },
  { what: 'to float', op: 'CastLike', x: [2, 3], opset: 19, rest: [f32('c', [1])] },
  { what: 'broadcast', op: 'Where', x: [2, 3], at: 1, rest: [bool('c', [3], [1, 0, 1]), f32('other', [2, 1])] },
  { what: '', op: 'Not', x: [2, 3], bool: true },
  ...['And', 'Or', 'Xor'].map((op) => ({ what: 'broadcast', op, x: [2, 4], bool: true, rest: [bool('c', [4], [0, 0, 1, 1])] })), // prettier-ignore
  // activations
  { what: '', op: 'LeakyRelu', x: [2, 5], attributes: { alpha: { float: 0.2 } } },
  { what: 'one slope a channel', op: 'PRelu', x: [2, 3, 4, 4], rest: [f32('slope', [3, 1, 1])] },
  { what: '', op: 'Elu', x: [2, 5], attributes: { alpha: { float: 0.7 } } },
  { what: '', op: 'Celu', x: [2, 5], attributes: { alpha: { float: 0.7 } } },
  { what: '', op: 'ThresholdedRelu', x: [2, 5], attributes: { alpha: { float: 0.1 } } },
  { what: '', op: 'HardSigmoid', x: [2, 5], scale: 9, attributes: { alpha: { float: 0.3 } } },
  { what: '', op: 'Mish', x: [2, 5], opset: 18 },
  { what: 'erf', op: 'Gelu', x: [2, 5], opset: 20, scale: 4 },
  { what: 'tanh', op: 'Gelu', x: [2, 5], opset: 20, scale: 4, attributes: { approximate: 'tanh' } },
  { what: 'alpha', op: 'Swish', x: [2, 5], opset: 24, oracle: false, attributes: { alpha: { float: 1.3 } } },
  { what: '', op: 'Gelu', domain: 'com.microsoft', x: [2, 5] },
  { what: '', op: 'QuickGelu', domain: 'com.microsoft', x: [2, 5] },
  { what: '', op: 'BiasGelu', domain: 'com.microsoft', x: [2, 5], rest: [f32('c', [5])] },
  // reductions
  ...[
    'ReduceL1',
    'ReduceL2',
    'ReduceLogSumExp',
    'ReduceMax',
    'ReduceMin',
    'ReduceProd',
    'ReduceSum',
    'ReduceSumSquare',
  ].flatMap((op): Case[] => [
    // prettier-ignore
    { what: 'axes as an attribute', op, x: [2, 3, 5], opset: 12, attributes: { axes: [-1, 0], keepdims: 0 } },
    { what: 'axes as an input', op, x: [2, 3, 5], opset: 18, rest: [i64('axes', [1], [1])] },
    { what: 'everything', op, x: [2, 3], opset: 18, attributes: { keepdims: 0 } },
  ]),
  { what: '', op: 'ReduceLogSum', x: [2, 3, 5], positive: true, opset: 18, rest: [i64('axes', [1], [1])] },
  { what: '', op: 'ArgMax', x: [2, 7], attributes: { axis: -1, keepdims: 0 } },
  { what: 'the last of equals', op: 'ArgMin', x: [6, 2], values: [1, 0, 2, 5, 1, 3, 1, 0, 2, 0, 4, 1], attributes: { axis: 0, select_last_index: 1 } }, // prettier-ignore
  // windows
  { what: 'a sequence', op: 'Conv', x: [2, 3, 9], attributes: { pads: [1, 2], strides: [2] }, rest: [w([4, 3, 3]), b(4)] }, // prettier-ignore
  { what: 'a sequence, SAME_LOWER', op: 'Conv', x: [1, 2, 7], attributes: { auto_pad: 'SAME_LOWER', strides: [2] }, rest: [w([3, 2, 2])] }, // prettier-ignore
  { what: 'strides, pads, groups', op: 'ConvTranspose', x: [1, 4, 4, 5], attributes: { strides: [2, 2], pads: [1, 0, 1, 1], output_padding: [1, 0], group: 2 }, rest: [w([4, 3, 3, 3]), b(6)] }, // prettier-ignore
  { what: 'an output shape', op: 'ConvTranspose', x: [1, 2, 4, 4], attributes: { strides: [2, 2], output_shape: [9, 8], auto_pad: 'SAME_UPPER' }, rest: [w([2, 3, 3, 3])] }, // prettier-ignore
  { what: 'a sequence', op: 'ConvTranspose', x: [1, 2, 5], attributes: { strides: [2] }, rest: [w([2, 3, 3])] },
  { what: 'a sequence', op: 'MaxPool', x: [1, 3, 9], attributes: { kernel_shape: [3], strides: [2] } },
  { what: 'dilation', op: 'MaxPool', x: [1, 2, 9, 9], attributes: { kernel_shape: [2, 3], dilations: [2, 2] } },
  { what: 'a sequence', op: 'AveragePool', x: [1, 3, 9], attributes: { kernel_shape: [3], strides: [2], pads: [1, 1] } }, // prettier-ignore
  { what: 'dilation', op: 'AveragePool', x: [1, 2, 9, 9], opset: 19, gradient: true, attributes: { kernel_shape: [2, 3], dilations: [2, 2], pads: [1, 1, 1, 1] } }, // prettier-ignore
  { what: '', op: 'GlobalMaxPool', x: [2, 3, 5, 4] },
  { what: 'LeakyRelu', op: 'FusedConv', domain: 'com.microsoft', x: [1, 2, 5, 5], attributes: { activation: 'LeakyRelu', activation_params: { floats: [0.2] } }, rest: [w([3, 2, 3, 3]), b(3)] }, // prettier-ignore
  { what: 'Relu after a sum', op: 'FusedConv', domain: 'com.microsoft', x: [1, 2, 4, 4], attributes: { activation: 'Relu', kernel_shape: [1, 1] }, rest: [w([3, 2, 1, 1]), b(3), f32('z', [1, 3, 4, 4])] }, // prettier-ignore
  // normalisation
  { what: 'a sequence', op: 'BatchNormalization', x: [2, 3, 5], opset: 15, rest: bn(3) },
  { what: 'training', op: 'BatchNormalization', x: [4, 3, 5], opset: 15, gradient: true, oracle: false, attributes: { training_mode: 1 }, rest: bn(3) }, // prettier-ignore
  { what: '', op: 'InstanceNormalization', x: [2, 3, 4, 5], gradient: true, rest: [f32('scale', [3]), f32('shift', [3])] }, // prettier-ignore
  { what: 'a scale for each group', op: 'GroupNormalization', opset: 18, x: [2, 6, 3, 3], attributes: { num_groups: 2, epsilon: { float: 1e-3 } }, rest: [f32('scale', [2]), f32('shift', [2])] }, // prettier-ignore
  { what: 'a scale for each channel', op: 'GroupNormalization', opset: 21, x: [2, 6, 3, 3], gradient: true, attributes: { num_groups: 3 }, rest: [f32('scale', [6]), f32('shift', [6])] }, // prettier-ignore
  { what: 'the last axis', op: 'LayerNormalization', opset: 17, x: [2, 3, 8], gradient: true, rest: [f32('scale', [8]), f32('shift', [8])] }, // prettier-ignore
  { what: 'two axes, no bias', op: 'LayerNormalization', opset: 17, x: [2, 3, 4], attributes: { axis: 1 }, rest: [f32('scale', [3, 4])] }, // prettier-ignore
  { what: '', op: 'RMSNormalization', opset: 23, x: [2, 3, 8], gradient: true, oracle: false, rest: [f32('scale', [8])] }, // prettier-ignore
  { what: 'L2', op: 'LpNormalization', x: [2, 3, 4], gradient: true, attributes: { axis: 1 } },
  { what: 'L1', op: 'LpNormalization', x: [2, 3, 4], attributes: { axis: -1, p: 1 } },
  // movement
  { what: 'indices of two axes', op: 'Gather', x: [2, 5, 3], attributes: { axis: 1 }, rest: [i64('i', [2, 2], [4, 0, -1, 0])] }, // prettier-ignore
  { what: 'one index', op: 'Gather', x: [4, 3], rest: [i64('i', [], [2])] },
  { what: 'parts by an attribute', op: 'Split', x: [2, 6], outputs: 2, opset: 11, attributes: { axis: 1, split: [2, 4] } }, // prettier-ignore
  { what: 'parts by an input', op: 'Split', x: [6, 2], outputs: 3, rest: [i64('s', [3], [1, 2, 3])] },
  { what: 'equal parts, the last smaller', op: 'Split', x: [7, 2], outputs: 3, opset: 18, attributes: { num_outputs: 3 } }, // prettier-ignore
  { what: '', op: 'Tile', x: [2, 1, 3], rest: [i64('r', [3], [2, 3, 2])] },
  { what: 'DCR', op: 'DepthToSpace', x: [2, 8, 2, 3], attributes: { blocksize: 2 } },
  { what: 'CRD', op: 'DepthToSpace', x: [2, 8, 2, 3], attributes: { blocksize: 2, mode: 'CRD' } },
  { what: '', op: 'SpaceToDepth', x: [2, 3, 4, 6], attributes: { blocksize: 2 } },
  { what: 'negative pads crop', op: 'Pad', x: [4, 5], rest: [i64('p', [4], [-1, 1, 2, -2])] },
  ...(['reflect', 'edge', 'wrap'] as const).map((mode) => ({ what: mode, op: 'Pad', x: [1, 2, 4, 5], opset: 19, gradient: true, attributes: { mode }, rest: [i64('p', [8], [0, 0, 2, 3, 0, 0, 1, 2])] })), // prettier-ignore
  { what: 'backwards, by two', op: 'Slice', x: [6, 5], rest: [i64('st', [2], [-1, 4]), i64('en', [2], [-99, 0]), i64('ax', [2], [0, 1]), i64('by', [2], [-2, -1])] }, // prettier-ignore
  { what: 'the mask', op: 'Dropout', x: [2, 3], outputs: 2 },
  { what: '', op: 'Shape', x: [2, 3, 4], opset: 15, reads: false, attributes: { start: 1 } },
  { what: '', op: 'Size', x: [2, 3, 4], reads: false },
  // resampling
  ...resizes(),
  { what: 'scales as an attribute', op: 'Upsample', x: [1, 2, 3, 4], opset: 8, attributes: { mode: 'nearest', scales: { floats: [1, 1, 2, 3] } } }, // prettier-ignore
  { what: 'scales as an input', op: 'Upsample', x: [1, 2, 3, 4], opset: 9, attributes: { mode: 'linear' }, rest: [f32('scales', [4], [1, 1, 2, 2])] }, // prettier-ignore
  { what: 'opset 10', op: 'Resize', x: [1, 1, 4, 4], opset: 10, rest: [f32('scales', [4], [1, 1, 1.5, 2])] },
  // quantisation
  { what: 'one scale', op: 'QuantizeLinear', x: [2, 6], scale: 9, rest: [scalar('s', 0.02), u8('z', [], [128])] },
  { what: 'a scale for each row', op: 'QuantizeLinear', x: [2, 6], attributes: { axis: 0 }, rest: [f32('s', [2], [0.004, 0.01]), u8('z', [2], [100, 128])] }, // prettier-ignore
  { what: 'no zero point', op: 'QuantizeLinear', x: [2, 3], positive: true, rest: [scalar('s', 0.02)] },
];

/** Modes and places of Resize, each once. */
function resizes(): Case[] {
  const scales = (...v: number[]) => f32('scales', [v.length], v);
  const sizes = (...v: number[]) => i64('sizes', [v.length], v);
  const base = { op: 'Resize', x: [1, 2, 5, 6], opset: 19 };
  const modes = ['half_pixel', 'asymmetric', 'align_corners', 'pytorch_half_pixel', 'half_pixel_symmetric'].flatMap(
    (place) =>
      // prettier-ignore
      (['nearest', 'linear', 'cubic'] as const).map((mode): Case => {
      const attributes = { mode, coordinate_transformation_mode: place };
      return { ...base, what: `${mode} ${place}`, attributes, rest: ['', scales(1, 1, 1.7, 0.6)] };
    }),
  );
  return [
    ...modes,
    ...['floor', 'ceil', 'round_prefer_ceil'].map((nearest_mode) => ({ ...base, what: nearest_mode, attributes: { mode: 'nearest', nearest_mode }, rest: ['' as const, scales(1, 1, 1.5, 2)] })), // prettier-ignore
    { ...base, what: 'sizes', gradient: true, attributes: { mode: 'linear' }, rest: ['', '', sizes(1, 2, 7, 3)] },
    { ...base, what: 'axes', attributes: { mode: 'linear', axes: [2, 3] }, rest: ['', '', sizes(3, 9)] },
    { ...base, what: 'no larger', attributes: { mode: 'nearest', axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' }, rest: ['', '', sizes(10, 9)] }, // prettier-ignore
    { ...base, what: 'antialias', attributes: { mode: 'linear', antialias: 1 }, rest: ['', scales(1, 1, 0.6, 0.4)] },
    { ...base, what: 'cubic without the outside', attributes: { mode: 'cubic', exclude_outside: 1, cubic_coeff_a: { float: -0.5 } }, rest: ['', scales(1, 1, 2, 0.8)] }, // prettier-ignore
    { ...base, what: 'a region', attributes: { mode: 'linear', coordinate_transformation_mode: 'tf_crop_and_resize', extrapolation_value: { float: 9 } }, rest: [f32('roi', [8], [0, 0, 0.2, 0.4, 1, 1, 0.8, 1.3]), '', sizes(1, 2, 3, 4)] }, // prettier-ignore
  ];
}

/** The values of x: a pattern in [-0.5, 0.5), scaled or made positive as the case has it. */
export function valuesOf({ x, values, scale = 1, positive: above, bool: logical }: Case): Float32Array {
  const size = x.reduce((n, d) => n * d, 1);
  if (values) return Float32Array.from(values);
  return pattern(size, 77).map((v) => (logical ? Number(v > 0) : above ? v + 1 : v * scale));
}

/** The model of a case: x is fed, what else the node reads are initialisers. */
export function caseModel(c: Case): Uint8Array {
  const { op, attributes, rest = [], x, opset, domain, outputs = 1, at = 0 } = c;
  const names: string[] = rest.map((tensor) => (tensor === '' ? '' : tensor.name!));
  names.splice(at, 0, 'x');
  const results = Array.from({ length: outputs }, (_, i) => (i === 0 ? 'y' : `y${i}`));
  return model({
    opset,
    nodes: [{ ...node(op, names, results, attributes, 'n'), domain: domain ?? '' }],
    initializers: rest.filter((tensor) => tensor !== ''),
    inputs: [value('x', x, c.bool ? 9 : 1)],
    outputs: results.map((name, i) => ({ name, type: { tensorType: { elemType: outputType(c, i) } } })),
    domains: domain ? { [domain]: 1 } : {},
  });
}

const INTEGERS = new Set(['ArgMax', 'ArgMin', 'Shape', 'Size']);
const LOGICAL = new Set(['Equal', 'Less', 'Greater', 'LessOrEqual', 'GreaterOrEqual', 'And', 'Or', 'Xor', 'Not']);

/** TensorProto.DataType of an output. */
function outputType({ op, attributes }: Case, output: number): number {
  if (LOGICAL.has(op) || (op === 'Dropout' && output === 1)) return 9;
  if (INTEGERS.has(op)) return 7;
  if (op === 'QuantizeLinear') return 2;
  return op === 'Cast' ? (attributes!.to as number) : 1;
}
