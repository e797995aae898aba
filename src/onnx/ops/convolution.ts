/** Convolutions and pooling that a plain classifier (plain.ts) does without. */
import { elements } from '../types.ts';
import { readWindow } from '../windows.ts';
import type { Shaped, UnaryKind } from './algebra.ts';
import { bias, likeInput, picture, spatial } from './pictures.ts';
import { conv, globalPool } from './plain.ts';
import { row, type OpContext, type Rows } from './row.ts';

/**
 * The adjoint of a convolution: in the extent of x, out = (in - 1) * stride + output_padding + reach - pads, or as
 * `output_shape` and auto_pad say.
 */
function convTranspose<T extends Shaped>(c: OpContext<T>): T {
  const [given, kernels] = [c.operand(0).shape, c.operand(1).shape];
  const [x, w] = [picture(c, c.x(0)), picture(c, c.x(1))];
  const { strides, dilations, ...window } = readWindow(c.node, spatial(given), spatial(kernels));
  const groups = c.int('group', 1);
  const extra = c.ints('output_padding') ?? spatial(given).map(() => 0);
  const wanted = c.ints('output_shape')?.slice(-spatial(given).length);
  const auto = c.choice('auto_pad', 'NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID');
  const lead = 4 - given.length;
  const pads = [...window.pads] as [number, number, number, number];
  const out = [0, 1].map((axis) => {
    const stride = strides[axis]!;
    const reach = (window.kernel[axis]! - 1) * dilations[axis]! + 1;
    const full = (x.shape[axis + 2]! - 1) * stride + (extra[axis - lead] ?? 0) + reach;
    const size = axis < lead ? 1 : (wanted?.[axis - lead] ?? (auto.startsWith('SAME') ? x.shape[axis + 2]! * stride : undefined)); // prettier-ignore
    if (size === undefined) return full - pads[axis]! - pads[axis + 2]!;
    const total = Math.max(0, full - size);
    const [less, more] = [Math.floor(total / 2), Math.ceil(total / 2)];
    [pads[axis], pads[axis + 2]] = auto === 'SAME_UPPER' ? [less, more] : [more, less];
    return size;
  });
  const shape = [x.shape[0]!, w.shape[1]! * groups, ...out];
  const y = c.ops.convTranspose2d(x, w, shape, { strides, pads, dilations, groups });
  const shift = bias(c);
  return likeInput(c, shift ? c.ops.binary('add', y, c.ops.reshape(shift, [shift.shape[0]!, 1, 1])) : y);
}

/** What com.microsoft::FusedConv may put behind a convolution, with its parameters in order. */
const FUSED: Readonly<Record<string, UnaryKind>> = {
  Clip: 'clamp',
  HardSigmoid: 'hardSigmoid',
  LeakyRelu: 'leakyRelu',
  Relu: 'relu',
  Sigmoid: 'sigmoid',
  Tanh: 'tanh',
};

/** Conv, plus input 3, then an activation. */
function fusedConv<T extends Shaped>(c: OpContext<T>): T {
  const sum = c.has(3) ? c.ops.binary('add', conv(c), c.x(3)) : conv(c);
  const kind = c.node.attributes.get('activation');
  if (!kind) return sum;
  const name = kind.type === 'string' ? kind.value : '';
  if (!Object.hasOwn(FUSED, name)) throw c.unsupported(`activation '${name}'`);
  const parameters = c.node.attributes.get('activation_params');
  const [a, b] = parameters?.type === 'floats' ? parameters.value : [];
  return c.ops.unary(FUSED[name]!, sum, a, b);
}

/** With dilations (since opset 19) the mean is a convolution with ones over the number of elements inside. */
function averagePool<T extends Shaped>(c: OpContext<T>): T {
  const { ops } = c;
  const x = picture(c, c.x(0));
  const { kernel, strides, pads, dilations, ceil } = readWindow(c.node, spatial(c.operand(0).shape));
  const countIncludePad = c.flag('count_include_pad');
  if (dilations.every((d) => d === 1))
    return likeInput(c, ops.avgPool2d(x, { kernel, strides, pads, dilations, ceilMode: ceil, countIncludePad }));
  if (ceil) throw c.unsupported('ceil_mode with dilations');
  const [, channels, h, w] = x.shape as [number, number, number, number];
  const attrs = { strides, pads, dilations };
  const ones = (n: number) => ops.broadcastTo(c.number(1), [n, 1, ...kernel]);
  const total = ops.conv2d(x, ones(channels), undefined, { ...attrs, groups: channels });
  const inside = () => ops.conv2d(ops.broadcastTo(c.number(1), [1, 1, h, w]), ones(1), undefined, { ...attrs, groups: 1 }); // prettier-ignore
  return likeInput(c, ops.binary('div', total, countIncludePad ? c.number(elements(kernel)) : inside()));
}

export const CONVOLUTION: Rows = {
  AveragePool: row(averagePool),
  ConvTranspose: row(convTranspose),
  GlobalMaxPool: globalPool('max'),
  'com.microsoft::FusedConv': row(fusedConv),
};
