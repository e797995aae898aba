/** Parameters are known by what is done with them, wherever a file keeps them. */
import { describe, expect, it } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import { decodeOnnx } from '../../src/onnx/decode.ts';
import { loadOnnx } from '../../src/onnx/index.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { square } from '../../src/ops/unary.ts';
import { sum } from '../../src/ops/reduce.ts';
import { openCase } from '../support/cases.ts';
import { testEngine } from '../support/engine.ts';
import { compare, tolerance } from '../tolerance.ts';
import { f32, model, node, pattern, value } from './builder.ts';
import { onnxruntime } from './oracle.ts';

const names = async (bytes: Uint8Array) => [...(await importOnnx(bytes)).parameters.keys()].sort();

/** Conv 3->4 on [N,3,5,5], the nodes before giving its weight 'w' or its input 'p'. */
const convOn = (
  nodes: Parameters<typeof model>[0]['nodes'],
  initializers: Parameters<typeof model>[0]['initializers'],
  input = 'x',
  opset = 13,
) =>
  // prettier-ignore
  model({
    opset,
    nodes: [...nodes!, node('Conv', [input, 'w'], ['c'], {}, 'conv'), node('GlobalAveragePool', ['c'], ['g']), node('Flatten', ['g'], ['y'])], // prettier-ignore
    initializers: initializers!,
    inputs: [value('x', ['N', 3, 5, 5])],
    outputs: [value('y', ['N', 4])],
  });

const tensor = (name: string, dims: number[], dataType: number, data: Uint8Array) => ({ name, dims, dataType, rawData: data }); // prettier-ignore
const int8 = (name: string, dims: number[]) =>
  tensor(name, dims, 3, new Uint8Array(Int8Array.from({ length: dims.reduce((a, b) => a * b) }, (_, i) => ((i * 37) % 255) - 127).buffer)); // prettier-ignore

describe('where parameters are kept', () => {
  it('weights-in-constant-nodes: 14 of them, frozen, trained and saved like any other', async () => {
    const it = openCase('weights-in-constant-nodes');
    using model = await it.load(await testEngine());
    expect(model.trainable()).toHaveLength(14);
    expect(model.freeze().unfreeze('fc').trainable().map((v) => v.name)).toEqual(['fc.weight', 'fc.bias']); // prettier-ignore
    model.replaceHead('fc', { classes: 3 });
    const bytes = await model.saveOnnx();
    const { data } = await onnxruntime(bytes, it.tensor('x'), it.shape('x'));
    expect(compare((await model.run(it.tensor('x'))).logits, data).maxAbs).toBeLessThan(tolerance.logits);
  });

  it.each([
    ['in a Constant node, transposed', [node('Constant', [], ['k'], { value: { ...f32('', [1, 1, 3, 4]) } }), node('Transpose', ['k'], ['w'], { perm: [3, 2, 0, 1] })], [], ['k']], // prettier-ignore
    ['in an initialiser, transposed', [node('Transpose', ['k'], ['w'], { perm: [3, 2, 0, 1] })], [f32('k', [1, 1, 3, 4])], ['k']], // prettier-ignore
    ['quantised a channel', [node('DequantizeLinear', ['q', 's', 'z'], ['w'], { axis: 0 })], [int8('q', [4, 3, 1, 1]), f32('s', [4], Float32Array.of(0.01, 0.02, 0.03, 0.04)), int8('z', [4])], ['w']], // prettier-ignore
    ['quantised and dequantised again', [node('QuantizeLinear', ['f', 's', 'z'], ['q']), node('DequantizeLinear', ['q', 's', 'z'], ['w'])], [f32('f', [4, 3, 1, 1]), f32('s', [], Float32Array.of(0.01)), int8('z', [1])].map((t) => t.name === 'z' ? { ...t, dims: [] } : t), ['w']], // prettier-ignore
    ['normalised: direction and length', [node('Mul', ['v', 'length'], ['w'])], [f32('v', [4, 3, 1, 1]), f32('length', [4, 1, 1, 1])], ['length', 'v']], // prettier-ignore
  ] as const)('%s', async (_, nodes, initializers, expected) => {
    const bytes = convOn([...nodes], [...initializers]);
    expect(await names(bytes)).toEqual([...expected]);
    using m = await loadOnnx(await testEngine(), bytes);
    const x = pattern(2 * 75, 4);
    const { data } = await onnxruntime(bytes, x, [2, 3, 5, 5]);
    expect(compare((await m.run(x))['y']!, data).maxAbs).toBeLessThan(tolerance.logits);
    // Every one of them gets a gradient, and the saved file has them and nothing that nobody reads.
    const graph = m.graph();
    const gradients = grad(sum(square(graph.logits)), m.trainable().map((v) => v.tensor)); // prettier-ignore
    const { g } = await m.engine.evaluate({ g: gradients[0]! }, { x: x.subarray(0, 75) });
    expect(Math.max(...g.map(Math.abs))).toBeGreaterThan(0);
    const saved = await decodeOnnx(await m.saveOnnx());
    expect([...saved.initializers.keys()].sort()).toEqual([...expected]);
  });

  it('one tensor that two layers read is one parameter', async () => {
    const bytes = convOn([node('Conv', ['x', 'w'], ['unused'])], [f32('w', [4, 3, 1, 1])]);
    expect(await names(bytes)).toEqual(['w']);
  });
});

describe('what is no parameter', () => {
  it('uint8-nhwc-with-mean-std: the mean and deviation of the pixels', async () => {
    using m = await openCase('uint8-nhwc-with-mean-std').load(await testEngine());
    expect([...m.network.parameters.keys()].filter((name) => name === 'mean' || name === 'std')).toEqual([]);
    expect(m.network.parameters.size).toBe(14);
  });

  it('what is done to the picture before anything learned, though not after it', async () => {
    const before = [node('Sub', ['x', 'mean'], ['s']), node('Mul', ['s', 'inverse'], ['p'])];
    const constants = [f32('mean', [3, 1, 1]), f32('inverse', [1, 3, 1, 1]), f32('w', [4, 3, 1, 1])];
    expect(await names(convOn(before, constants, 'p'))).toEqual(['w']);
    const after = model({
      nodes: [node('Conv', ['x', 'w'], ['c']), node('Sub', ['c', 'shift'], ['s']), node('Mul', ['s', 'scale'], ['y'])],
      initializers: [f32('shift', [4, 1, 1]), f32('scale', [1, 4, 1, 1]), f32('w', [4, 3, 1, 1])],
      outputs: [value('y', ['N', 4, 8, 8])],
    });
    expect(await names(after)).toEqual(['scale', 'shift', 'w']);
  });

  it('numbers of shapes', async () => {
    const bytes = convOn([node('Mul', ['sizes', 'half'], ['t']), node('Cast', ['t'], ['i'], { to: 7 }), node('Reshape', ['x', 'i'], ['p'])], [f32('sizes', [4], Float32Array.of(2, 6, 10, 10)), f32('half', [1], Float32Array.of(0.5)), f32('w', [4, 3, 1, 1])], 'p'); // prettier-ignore
    expect(await names(bytes)).toEqual(['w']);
  });
});
