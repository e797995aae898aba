import { beforeAll, describe, expect, it } from 'vitest';
import { WgradError } from '../../../src/errors.ts';
import { input } from '../../../src/graph/leaves.ts';
import { decodeOnnx } from '../../../src/onnx/decode.ts';
import { Budget } from '../../../src/onnx/budget.ts';
import { importOnnx } from '../../../src/onnx/network.ts';
import { foldNode, type FoldInput } from '../../../src/onnx/ops/fold.ts';
import { allOps } from '../../../src/onnx/ops/index.ts';
import type { OnnxNode, OnnxTensor } from '../../../src/onnx/types.ts';
import { f32, i64, model, node, value, type Attribute } from '../builder.ts';

beforeAll(() => allOps());

/** A decoded node: attributes go through the file format as they would in a model. */
async function decoded(opType: string, attributes: Record<string, Attribute>, opset: number): Promise<OnnxNode> {
  const bytes = model({ opset, nodes: [node(opType, ['x'], ['y'], attributes, 'n')], outputs: [value('y', [1])] });
  return (await decodeOnnx(bytes)).nodes[0]!;
}

const fold = (of: OnnxNode, inputs: (FoldInput | undefined)[], opset: number) =>
  foldNode(of, inputs, opset, new Budget(2 ** 22))[0]!;

const vector = (values: number[]): OnnxTensor => ({
  dims: [values.length],
  dtype: 'i64',
  data: Float64Array.from(values),
});
const scalar = (x: number, dtype: OnnxTensor['dtype'] = 'i64'): OnnxTensor => ({ dims: [], dtype, data: Float64Array.of(x) }); // prettier-ignore
const matrix = (rows: number[][]): OnnxTensor => ({
  dims: [rows.length, rows[0]!.length],
  dtype: 'i64',
  data: Float64Array.from(rows.flat()),
});
const floats = (...values: number[]): OnnxTensor => ({ dims: [values.length], dtype: 'f32', data: Float32Array.from(values) }); // prettier-ignore

type Case = [
  what: string,
  op: string,
  attributes: Record<string, Attribute>,
  inputs: (OnnxTensor | undefined)[],
  opset: number,
  dims: number[],
  data: number[],
];

const MAX = 2 ** 63;

const CASES: Case[] = [
  ['a scalar index drops the axis', 'Gather', { axis: 0 }, [vector([5, 6, 7]), scalar(-1)], 13, [], [7]],
  ['along axis 1', 'Gather', { axis: 1 }, [matrix([[1, 2, 3], [4, 5, 6]]), vector([2, 0])], 13, [2, 2], [3, 1, 6, 4]], // prettier-ignore
  ['attributes before opset 10', 'Slice', { starts: [1], ends: [3], axes: [0] }, [vector([1, 2, 3, 4])], 9, [2], [2, 3]], // prettier-ignore
  ['inputs since opset 10', 'Slice', {}, [vector([1, 2, 3, 4]), vector([-2]), vector([MAX])], 10, [2], [3, 4]],
  ['backwards', 'Slice', {}, [vector([1, 2, 3]), vector([-1]), vector([-MAX]), vector([0]), vector([-1])], 13, [3], [3, 2, 1]], // prettier-ignore
  ['empty', 'Slice', {}, [vector([1, 2, 3]), vector([2]), vector([1])], 13, [0], []],
  ['rows', 'Slice', {}, [matrix([[1, 2], [3, 4], [5, 6]]), vector([0]), vector([9]), vector([0]), vector([2])], 13, [2, 2], [1, 2, 5, 6]], // prettier-ignore
  ['vectors', 'Concat', { axis: 0 }, [vector([1]), vector([2, 3])], 13, [3], [1, 2, 3]],
  ['columns', 'Concat', { axis: -1 }, [matrix([[1], [2]]), matrix([[3, 4], [5, 6]])], 13, [2, 3], [1, 3, 4, 2, 5, 6]], // prettier-ignore
  ['axes attribute before opset 13', 'Unsqueeze', { axes: [0] }, [scalar(4)], 11, [1], [4]],
  ['axes input since opset 13', 'Unsqueeze', {}, [vector([4, 5]), vector([-1, 0])], 13, [1, 2, 1], [4, 5]],
  ['axes attribute before opset 13', 'Squeeze', { axes: [-1] }, [matrix([[1], [2]])], 11, [2], [1, 2]],
  ['no axes: every 1', 'Squeeze', {}, [matrix([[7]])], 13, [], [7]],
  ['0 copies, -1 infers', 'Reshape', {}, [matrix([[1, 2], [3, 4]]), vector([0, -1, 1])], 13, [2, 2, 1], [1, 2, 3, 4]], // prettier-ignore
  ['zeros by default', 'ConstantOfShape', {}, [vector([2])], 13, [2], [0, 0]],
  ['of a value', 'ConstantOfShape', { value: i64('v', [1], [3]) }, [vector([2])], 13, [2], [3, 3]],
  ['a float constant', 'Constant', { value: f32('v', [2], [1, 2]) }, [], 13, [2], [1, 2]],
  ['value_ints', 'Constant', { value_ints: [4, 5] }, [], 13, [2], [4, 5]],
  ['value_float', 'Constant', { value_float: { float: 0.5 } }, [], 13, [], [0.5]],
  ['a scalar to a vector', 'Expand', {}, [scalar(3), vector([2])], 13, [2], [3, 3]],
  ['a column over rows', 'Expand', {}, [matrix([[1], [2]]), vector([1, 2])], 13, [2, 2], [1, 1, 2, 2]],
  ['chooses', 'Where', {}, [{ ...vector([1, 0]), dtype: 'bool' }, vector([5, 6]), scalar(9)], 13, [2], [5, 9]],
  ['to int truncates', 'Cast', { to: 7 }, [floats(-1.7, 2.9)], 13, [2], [-1, 2]],
  ['to bool', 'Cast', { to: 9 }, [floats(0, -3)], 13, [2], [0, 1]],
  ['to the type of another', 'CastLike', {}, [floats(1.5), vector([1])], 15, [1], [1]],
  ['whole numbers truncate towards 0', 'Div', {}, [vector([7, -7]), scalar(2)], 13, [2], [3, -3]],
  ['floats do not', 'Div', {}, [floats(7), floats(2)], 13, [1], [3.5]],
  ['broadcasts', 'Mul', {}, [matrix([[1], [2]]), matrix([[3, 4]])], 13, [2, 2], [3, 4, 6, 8]],
  ['compares', 'Equal', {}, [vector([1, 2]), vector([1, 3])], 13, [2], [1, 0]],
  ['counts', 'Range', {}, [scalar(2), scalar(8), scalar(3)], 13, [2], [2, 5]],
];

describe('fold', () => {
  it.each(CASES)('%s: %s', async (_, op, attributes, inputs, opset, dims, data) => {
    const out = fold(await decoded(op, attributes, opset), inputs, opset);
    expect(out.dims).toEqual(dims);
    expect([...out.data]).toEqual(data);
  });

  it('Shape takes start and end', async () => {
    const shapeOf = async (attributes: Record<string, Attribute>, opset: number) =>
      fold(await decoded('Shape', attributes, opset), [{ dtype: 'f32', dims: [4, 3, 8, 9] }], opset);
    expect([...(await shapeOf({}, 13)).data]).toEqual([4, 3, 8, 9]);
    expect([...(await shapeOf({ start: 1, end: -1 }, 15)).data]).toEqual([3, 8]);
  });

  it.each<[string, Record<string, Attribute>, (OnnxTensor | undefined)[]]>([
    ['ConstantOfShape', {}, [vector([1e6, 1e6])]],
    ['Expand', {}, [scalar(1), vector([1e9])]],
    ['Range', {}, [scalar(0), scalar(1e12), scalar(1)]],
    ['Range', {}, [scalar(0), scalar(1), scalar(0)]],
    ['Gather', {}, [vector([1]), scalar(5)]],
    ['Gather', { axis: 3 }, [vector([1]), scalar(0)]],
    ['Slice', {}, [vector([1]), vector([0]), vector([1]), vector([0]), vector([0])]],
    ['Reshape', {}, [vector([1, 2, 3]), vector([2, -1])]],
    ['Squeeze', {}, [vector([1, 2]), vector([0])]],
    ['Add', {}, [vector([1, 2]), vector([1, 2, 3])]],
    ['Add', {}, [vector([1, 2]), undefined]],
    ['Cast', { to: 8 }, [vector([1])]],
    ['Constant', {}, []],
  ])('%s %j refuses what makes no sense, naming the node', async (op, attributes, inputs) => {
    const bad = await decoded(op, attributes, 13);
    expect(() => fold(bad, inputs, 13)).toThrow(WgradError);
    expect(() => fold(bad, inputs, 13)).toThrow(/node 'n'/);
  });

  it('a chain of doublings is refused when its budget is spent', async () => {
    const nodes = [node('ConstantOfShape', ['one'], ['v0'], {}, 'seed')];
    for (let i = 0; i < 40; i++)
      nodes.push(node('Concat', [`v${i}`, `v${i}`], [`v${i + 1}`], { axis: 0 }, `double${i}`));
    nodes.push(node('ReduceSum', ['v40'], ['total'], { keepdims: 0 }), node('Mul', ['x', 'total'], ['y']));
    const bytes = model({ nodes, initializers: [i64('one', [1], [1])], outputs: [value('y', ['N', 3, 8, 8])] });
    expect(bytes.length).toBeLessThan(3500);
    const network = await importOnnx(bytes);
    expect(() => network.build({ inputs: { x: input('x', [1, 3, 8, 8]) } })).toThrow(/node 'double2\d'.*hold over/);
  });
});
