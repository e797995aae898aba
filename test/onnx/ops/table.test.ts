/** Every row of the op table: what is computed on the engine, what is folded at import, and what onnxruntime says. */
import { describe, expect, it } from 'vitest';
import { input } from '../../../src/graph/leaves.ts';
import { Budget } from '../../../src/onnx/budget.ts';
import { decodeOnnx } from '../../../src/onnx/decode.ts';
import { foldNode } from '../../../src/onnx/ops/fold.ts';
import { importOnnx } from '../../../src/onnx/network.ts';
import { opKey, allOps } from '../../../src/onnx/ops/index.ts';
import type { OnnxTensor } from '../../../src/onnx/types.ts';
import { testEngine } from '../../support/engine.ts';
import { gradcheck } from '../../support/gradcheck.ts';
import { compare, tolerance } from '../../tolerance.ts';
import { onnxruntimeAll } from '../oracle.ts';
import { CASES, caseModel, valuesOf, type Case } from './cases.ts';

interface Result {
  dims: readonly number[];
  data: ArrayLike<number>;
}

/** With x known at import, as the row folds it. */
async function folded(c: Case): Promise<Result[]> {
  await allOps();
  const graph = await decodeOnnx(caseModel(c));
  const of = graph.nodes[0]!;
  const given: OnnxTensor = { dims: c.x, dtype: graph.inputs[0]!.dtype, data: valuesOf(c) };
  const inputs = of.inputs.map((name) => (name === 'x' ? given : graph.initializers.get(name)));
  return foldNode(of, inputs, graph.opset, Budget.of(graph)).slice(0, of.outputs.length);
}

async function build(c: Case) {
  const network = await importOnnx(caseModel(c));
  return (x = input('x', c.x)) => network.build({ inputs: { x } }).outputs;
}

/** With x fed, on the engine. */
async function computed(c: Case): Promise<Result[]> {
  const engine = await testEngine();
  const outputs = (await build(c))();
  const values = await engine.evaluate(outputs, c.reads === false ? {} : { x: valuesOf(c) });
  return Object.entries(outputs).map(([name, { shape }]) => ({ dims: shape, data: values[name]! }));
}

function expectSame(actual: readonly Result[], expected: readonly Result[]): void {
  expect(actual.map(({ dims }) => dims)).toEqual(expected.map(({ dims }) => dims));
  actual.forEach(({ data }, i) => expect(compare(data, expected[i]!.data).maxRel).toBeLessThan(tolerance.op));
}

describe('folded, computed and onnxruntime agree', () => {
  it.each(CASES)('$op: $what', async (c) => {
    const onEngine = await computed(c);
    expectSame(onEngine, await folded(c));
    if (c.oracle !== false) expectSame(onEngine, await onnxruntimeAll(caseModel(c), valuesOf(c), c.x, c.bool));
  });

  it('every row has a case', async () => {
    const tried = new Set(CASES.map(({ op, domain = '' }) => opKey({ opType: op, domain })));
    // They have no input that could be fed; fold.test.ts has them.
    for (const op of ['Constant', 'ConstantOfShape', 'Range', 'DequantizeLinear']) tried.add(op);
    expect([...(await allOps())].filter((op) => !tried.has(op))).toEqual([]);
  });
});

describe('gradients of rows that are more than one op', () => {
  it.each(CASES.filter((c) => c.gradient))('$op: $what', async (c) => {
    const of = await build(c);
    await gradcheck(await testEngine(), { shapes: [c.x], f: (x) => of(x).y! });
  });
});
