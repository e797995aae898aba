/** Whole numbers that stand for real ones: y = saturate(round(x / scale) + zero), x = (y - zero) * scale. */
import { dtypeOfCode, type OnnxDtype } from '../types.ts';
import type { Shaped } from './algebra.ts';
import { row, type OpContext, type Rows } from './row.ts';

const RANGES: Readonly<Partial<Record<OnnxDtype, readonly [number, number]>>> = {
  i8: [-128, 127],
  u8: [0, 255],
  i16: [-32768, 32767],
  u16: [0, 65535],
  i32: [-(2 ** 31), 2 ** 31 - 1],
};

/** Scale or zero point so that it broadcasts with x: one in all, one for each index of an axis, or one for a block. */
function spread<T extends Shaped>(c: OpContext<T>, v: T): T {
  const { shape } = c.operand(0);
  if (v.shape.length === 0) return v;
  const axis = c.axis(c.int('axis', 1), Math.max(shape.length, 2)) % Math.max(shape.length, 1);
  const size = c.int('block_size', 0);
  if (size === 0) return v.shape[0] === 1 && v.shape.length === 1 ? v : c.ops.reshape(v, shape.map((_, i) => (i === axis ? v.shape[0]! : 1))); // prettier-ignore
  return c.ops.gather(v, Array.from({ length: shape[axis]! }, (_, i) => Math.floor(i / size)), axis); // prettier-ignore
}

function quantizedType(c: OpContext<Shaped>): OnnxDtype {
  const code = c.int('output_dtype', 0);
  const dtype = c.has(2) ? c.operand(2).dtype : code ? dtypeOfCode(code) : 'u8';
  if (!dtype || !RANGES[dtype]) throw c.unsupported(`quantisation to ${dtype ?? `data type ${code}`}`);
  return dtype;
}

function quantize<T extends Shaped>(c: OpContext<T>): T {
  const { ops } = c;
  const whole = ops.unary('round', ops.unary('single', ops.binary('div', c.x(0), spread(c, c.x(1)))));
  const [least, most] = RANGES[quantizedType(c)]!;
  return ops.unary('clamp', c.has(2) ? ops.binary('add', whole, spread(c, c.x(2))) : whole, least, most);
}

function dequantize<T extends Shaped>(c: OpContext<T>): T {
  const { ops } = c;
  const x = c.x(0);
  return ops.binary('mul', c.has(2) ? ops.binary('sub', x, spread(c, c.x(2))) : x, spread(c, c.x(1)));
}

export const QUANTIZATION: Rows = {
  DequantizeLinear: row(dequantize, { dtype: (c) => c.operand(1).dtype }),
  QuantizeLinear: row(quantize, { dtype: quantizedType }),
};
