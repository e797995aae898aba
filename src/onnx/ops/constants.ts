/** Values that a file states or counts out. */
import { attrTensor } from '../attributes.ts';
import type { OnnxDtype } from '../types.ts';
import type { Shaped } from './algebra.ts';
import { row, type OpContext, type Rows } from './row.ts';

/** The forms of Constant beside `value`: kind of attribute and element type. */
const FORMS: Readonly<Record<string, OnnxDtype>> = {
  value_int: 'i64',
  value_ints: 'i64',
  value_float: 'f32',
  value_floats: 'f32',
};

const formOf = (c: OpContext<Shaped>) => Object.keys(FORMS).find((key) => c.node.attributes.has(key));

function stated<T extends Shaped>(c: OpContext<T>): T {
  const tensor = attrTensor(c.node, 'value');
  if (tensor) return c.ops.constant(tensor.data, tensor.dims);
  const form = formOf(c);
  const attribute = form && c.node.attributes.get(form);
  if (attribute && (attribute.type === 'int' || attribute.type === 'float')) return c.number(attribute.value);
  if (attribute && (attribute.type === 'ints' || attribute.type === 'floats'))
    return c.ops.constant(attribute.value, [attribute.value.length]);
  throw c.invalid('holds no numbers');
}

function constantOfShape<T extends Shaped>(c: OpContext<T>): T {
  const shape = c.numbers(0) ?? [];
  if (!shape.every((dim) => Number.isSafeInteger(dim) && dim >= 0)) throw c.invalid(`a shape [${shape.join(', ')}]`);
  return c.ops.broadcastTo(c.number(attrTensor(c.node, 'value')?.data[0] ?? 0), shape);
}

/** start + i * delta, as long as it lies before the limit. */
function range<T extends Shaped>(c: OpContext<T>): T {
  const [start, limit, delta] = [c.scalar(0, NaN), c.scalar(1, NaN), c.scalar(2, NaN)];
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  if (!Number.isSafeInteger(count)) throw c.invalid(`counts from ${start} to ${limit} by ${delta}`);
  return c.ops.unary('affine', c.ops.iota(count), delta, start);
}

export const CONSTANTS: Rows = {
  Constant: row(stated, { dtype: (c) => attrTensor(c.node, 'value')?.dtype ?? FORMS[formOf(c) ?? ''] ?? 'f32' }),
  ConstantOfShape: row(constantOfShape, {
    constants: [0],
    dtype: (c) => attrTensor(c.node, 'value')?.dtype ?? 'f32',
  }),
  Range: row(range, { constants: [0, 1, 2] }),
};
